//! Who somebody is known to be by a token, and what the token is good for.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Timestamp;

/// A person, as an access token tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The person's id.
    pub id: Uuid,
    /// The session, API key or impersonation that the token belongs to: what is
    /// revoked to end it.
    pub session_id: Uuid,
    /// Whether the person has the instance role ADMIN.
    pub is_admin: bool,
    /// What the token stands on.
    pub grant: Grant,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// A service account, as an access token tells: what a program outside of this
/// installation has, where a person has an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The account's id.
    pub id: Uuid,
    /// The key that the token belongs to: what is revoked to end it.
    pub key_id: Uuid,
    /// What the token is good for.
    pub key: Key,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// What the token of a person stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The person has signed in.
    Session,
    /// The person made an API key.
    Key(Key),
    /// An ADMIN acts as the person.
    Impersonation {
        /// The ADMIN's id.
        by: Uuid,
    },
}

/// An API key, as a token tells that it was exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What the token is good for.
    pub scopes: Scopes,
    /// When the key itself expires, if it does.
    pub expires_at: Option<Timestamp>,
}

/// What a token is good for: scopes, with spaces between them (RFC 6749,
/// section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Arc<str>);

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    User(Arc<User>),
    /// A service account.
    ServiceAccount(Arc<ServiceAccount>),
}

/// What decides whether a token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Whose it is.
    pub subject: Uuid,
    /// What is revoked to end it.
    pub session_id: Uuid,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When the key that it was exchanged for expires.
    pub key_expires_at: Option<Timestamp>,
}

/// Who calls: a person, a service account, a service of this installation, that
/// service for one of them, or nobody known.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The person.
    pub user: Option<Arc<User>>,
    /// The service account.
    pub service_account: Option<Arc<ServiceAccount>>,
    /// The service of this installation, by name: `auth`.
    pub service: Option<Arc<str>>,
}

impl Scopes {
    /// The scopes of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether a scope is among them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.split(' ').any(|known| known == scope)
    }
}

impl Principal {
    /// The id of the person or of the service account.
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self {
            Self::User(user) => user.id,
            Self::ServiceAccount(account) => account.id,
        }
    }
}

impl Caller {
    /// Whether it may do what is for ADMINs: such a person, or a service
    /// account. Its scopes say how much of it.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        match &self.user {
            Some(user) => user.is_admin,
            None => self.service_account.is_some(),
        }
    }

    /// Whether it is this person.
    #[must_use]
    pub fn is_person(&self, id: Uuid) -> bool {
        self.user.as_ref().is_some_and(|user| user.id == id)
    }

    /// Whether no key stands against what needs this scope. Without a key, all
    /// that the caller may do is open.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        match (&self.user, &self.service_account) {
            (Some(user), _) => match &user.grant {
                Grant::Key(key) => key.scopes.contains(scope),
                Grant::Session | Grant::Impersonation { .. } => true,
            },
            (None, Some(account)) => account.key.scopes.contains(scope),
            (None, None) => true,
        }
    }
}

impl From<Principal> for Caller {
    fn from(principal: Principal) -> Self {
        match principal {
            Principal::User(user) => Self {
                user: Some(user),
                ..Self::default()
            },
            Principal::ServiceAccount(account) => Self {
                service_account: Some(account),
                ..Self::default()
            },
        }
    }
}

impl From<&User> for Pass {
    fn from(user: &User) -> Self {
        Self {
            subject: user.id,
            session_id: user.session_id,
            issued_at: user.issued_at,
            expires_at: user.expires_at,
            key_expires_at: match &user.grant {
                Grant::Key(key) => key.expires_at,
                Grant::Session | Grant::Impersonation { .. } => None,
            },
        }
    }
}

impl From<&ServiceAccount> for Pass {
    fn from(account: &ServiceAccount) -> Self {
        Self {
            subject: account.id,
            session_id: account.key_id,
            issued_at: account.issued_at,
            expires_at: account.expires_at,
            key_expires_at: account.key.expires_at,
        }
    }
}

impl From<&Principal> for Pass {
    fn from(principal: &Principal) -> Self {
        match principal {
            Principal::User(user) => (&**user).into(),
            Principal::ServiceAccount(account) => (&**account).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_found_whole() {
        let scopes = Scopes::new("users:read projects:read");
        assert!(scopes.contains("users:read") && scopes.contains("projects:read"));
        assert!(!scopes.contains("users:write") && !scopes.contains("users"));
        assert!(!scopes.contains("users:read projects:read"));
        assert!(!Scopes::new("").contains("admin"));
    }

    #[test]
    fn a_service_account_has_the_powers_that_its_scopes_say() {
        let account = ServiceAccount {
            id: Uuid::from_u128(1),
            key_id: Uuid::from_u128(2),
            key: Key {
                scopes: Scopes::new("users:read"),
                expires_at: None,
            },
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        };
        let caller = Caller::from(Principal::ServiceAccount(Arc::new(account)));
        assert!(caller.is_admin() && !caller.is_person(Uuid::from_u128(1)));
        assert!(caller.has_scope("users:read") && !caller.has_scope("admin"));
    }
}
