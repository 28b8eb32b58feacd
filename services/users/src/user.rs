//! A person, and the rules that hold for one. No I/O, no protobuf, no SQL.

use std::time::Duration;

use portico_chassis::{clock::Timestamp, email_address::EmailAddress, outbox::Changes, page};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error;

/// How long a deleted person can be restored.
pub(crate) const GRACE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why a value is refused: the detail code and what is expected.
pub(crate) type Refusal = (&'static str, String);

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) email: EmailAddress,
    pub(crate) name: Name,
    pub(crate) avatar: Option<Avatar>,
    pub(crate) role: Role,
    pub(crate) status: Status,
    pub(crate) email_verified: bool,
    /// Counts the changes.
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
}

/// What a person may do in the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Role {
    Admin,
    Member,
}

/// Whether a person may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Active,
    Disabled,
    Deleted,
}

impl User {
    /// Whether the person counts for the rule that an installation always has
    /// an administrator.
    pub(crate) fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && self.status == Status::Active
    }

    /// The text that a search looks into.
    pub(crate) fn search(&self) -> String {
        page::searchable(&[self.name.as_str(), self.email.as_str()])
    }

    /// The person after a change; `None` if nothing changes.
    ///
    /// # Errors
    ///
    /// `USER_DELETED`: only restoring changes a deleted person.
    pub(crate) fn after(
        &self,
        change: &Change,
        at: Timestamp,
    ) -> Result<Option<Self>, portico_chassis::status::Error> {
        if self.status == Status::Deleted {
            return Err(error::deleted());
        }
        let mut changed = self.clone();
        if let Some(name) = &change.name {
            changed.name = name.clone();
        }
        if let Some(avatar) = &change.avatar {
            changed.avatar = avatar.clone();
        }
        changed.role = change.role.unwrap_or(self.role);
        changed.status = change.status.unwrap_or(self.status);
        Ok((changed != *self).then(|| changed.touched(at)))
    }

    /// The person with an address; `None` if nothing changes. The spelling of an
    /// address that it has stays.
    ///
    /// # Errors
    ///
    /// `USER_DELETED`: only restoring changes a deleted person.
    pub(crate) fn reached_at(
        &self,
        address: &Address,
        at: Timestamp,
    ) -> Result<Option<Self>, portico_chassis::status::Error> {
        if self.status == Status::Deleted {
            return Err(error::deleted());
        }
        let mut changed = self.clone();
        if changed.email.key() != address.email.key() {
            changed.email = address.email.clone();
        }
        changed.email_verified = address.is_verified;
        let is_changed = changed != *self || address.overrides_others;
        Ok(is_changed.then(|| changed.touched(at)))
    }

    /// What is different from the person before.
    pub(crate) fn changes_from(&self, before: &Self) -> Changes {
        Changes::default()
            .field("email", &before.email, &self.email)
            .field("name", &before.name, &self.name)
            .field("avatar", &before.avatar, &self.avatar)
            .value("role", &before.role, &self.role)
            .value("status", &before.status, &self.status)
            .value(
                "emailVerified",
                &before.email_verified,
                &self.email_verified,
            )
    }

    /// The person as deleted.
    pub(crate) fn deleted(&self, at: Timestamp) -> Self {
        let deleted = Self {
            status: Status::Deleted,
            deleted_at: Some(at),
            ..self.clone()
        };
        deleted.touched(at)
    }

    /// The person as brought back.
    pub(crate) fn restored(&self, at: Timestamp) -> Self {
        let restored = Self {
            status: Status::Active,
            deleted_at: None,
            ..self.clone()
        };
        restored.touched(at)
    }

    /// Whether it is too late to bring the person back.
    pub(crate) fn is_lost(&self, now: Timestamp) -> bool {
        self.deleted_at
            .is_some_and(|deleted_at| now.since(deleted_at) >= GRACE)
    }

    /// What is left of the person once it is purged: an id.
    pub(crate) fn forgotten(&self) -> Self {
        Self {
            email: EmailAddress::stored(String::new()),
            name: Name::stored(String::new()),
            avatar: None,
            email_verified: false,
            ..self.clone()
        }
    }

    fn touched(self, at: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: at,
            ..self
        }
    }
}

/// A change of a person: what is present changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) name: Option<Name>,
    /// `Some(None)` removes the avatar.
    pub(crate) avatar: Option<Option<Avatar>>,
    pub(crate) role: Option<Role>,
    pub(crate) status: Option<Status>,
}

impl Change {
    /// Whether the change touches what only an ADMIN may change, and never on
    /// itself.
    pub(crate) fn is_administrative(&self) -> bool {
        self.role.is_some() || self.status.is_some()
    }
}

/// An address that a person is to have.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) email: EmailAddress,
    /// Whether it is known to be the person's own.
    pub(crate) is_verified: bool,
    /// Whether it counts as a change even if nothing changes, so that changes
    /// that were begun before fail.
    pub(crate) overrides_others: bool,
}

/// The name shown to others: 1 to 100 characters, without space around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let name = text.trim();
        if name.is_empty() {
            return Err(("REQUIRED", "must not be blank".to_owned()));
        }
        if name.chars().any(char::is_control) {
            return Err(("NOT_ALLOWED", "must not have control characters".to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that was accepted before.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as names are sorted: without regard to case.
    pub(crate) fn sort_key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// The https URL of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Avatar(String);

impl Avatar {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let is_plain = !text
            .chars()
            .any(|letter| letter.is_control() || letter.is_whitespace());
        let is_https = url::Url::parse(text)
            .is_ok_and(|url| url.scheme() == "https" && url.username().is_empty());
        if is_plain && is_https {
            Ok(Self(text.to_owned()))
        } else {
            Err(("URL_INVALID", "must be an https URL".to_owned()))
        }
    }

    /// A URL that was accepted before.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Member => "MEMBER",
        }
    }
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
            Self::Deleted => "DELETED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_not_blank() {
        assert_eq!(Name::parse("  Ada ").expect("valid").as_str(), "Ada");
        assert_eq!(Name::parse(" \t").expect_err("blank").0, "REQUIRED");
        assert_eq!(
            Name::parse("a\u{0}b").expect_err("control").0,
            "NOT_ALLOWED"
        );
    }

    #[test]
    fn an_avatar_is_an_https_url() {
        assert!(Avatar::parse("https://example.com/a.png").is_ok());
        for text in [
            "http://example.com/a.png",
            "javascript:alert(1)",
            "https://",
            "https://me@example.com",
            "https://example.com/a\0.png",
            "https://example.com/a .png",
            "a.png",
        ] {
            assert_eq!(Avatar::parse(text).expect_err(text).0, "URL_INVALID");
        }
    }
}
