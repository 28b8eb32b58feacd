//! Which callers a method is for.

use portico_proto::{CallerClass, Method};

use crate::{
    caller::{Caller, Grant, forbidden, scope_missing, unauthenticated},
    status::Error,
};

/// Which kind of caller a method is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A signed-in person.
    User,
    /// A signed-in person with the instance role ADMIN, or a service account.
    Admin,
    /// Another service of this installation, or a service account.
    Service,
}

/// Which callers a method is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Which kind of caller.
    pub access: Access,
    /// The scope that a key needs; empty: none will do, so that the method is
    /// only for people who have signed in and services of this installation.
    pub scope: &'static str,
    /// Whether a service account may call what is for people: where ADMINs do
    /// more than other people, so that it does not depend on who one is.
    pub service_accounts: bool,
    /// Whether an ADMIN may call it as somebody else.
    pub impersonation: bool,
}

impl Rule {
    /// The rule that the policy of a method makes.
    #[must_use]
    pub fn of(method: &Method) -> Self {
        Self {
            access: match method.caller {
                CallerClass::Public => Access::Public,
                CallerClass::User => Access::User,
                CallerClass::Admin => Access::Admin,
                CallerClass::Service => Access::Service,
            },
            scope: method.scope,
            service_accounts: method.service_accounts,
            impersonation: method.impersonation,
        }
    }

    /// Nothing, if the method is for this caller.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `FORBIDDEN` or `SCOPE_MISSING`.
    pub fn check(&self, caller: &Caller) -> Result<(), Error> {
        match self.access {
            Access::Public => Ok(()),
            Access::Service if caller.service.is_some() => Ok(()),
            _ => self.check_known(caller),
        }
    }

    fn check_known(&self, caller: &Caller) -> Result<(), Error> {
        let is_known = caller.service.is_some();
        match (&caller.user, &caller.service_account) {
            (None, None) if is_known => Err(forbidden()),
            (None, None) => Err(unauthenticated()),
            (Some(user), _) => {
                let is_meant = match self.access {
                    Access::Admin => user.is_admin,
                    Access::Service => false,
                    Access::Public | Access::User => true,
                };
                match &user.grant {
                    _ if !is_meant => Err(forbidden()),
                    Grant::Session => Ok(()),
                    Grant::Key(_) => self.check_scope(caller),
                    Grant::Impersonation { .. } if self.impersonation => Ok(()),
                    Grant::Impersonation { .. } => Err(forbidden()),
                }
            }
            (None, Some(_)) => {
                if self.access == Access::User && !self.service_accounts {
                    return Err(forbidden());
                }
                self.check_scope(caller)
            }
        }
    }

    fn check_scope(&self, caller: &Caller) -> Result<(), Error> {
        match self.scope {
            "" => Err(forbidden()),
            scope if caller.has_scope(scope) => Ok(()),
            scope => Err(scope_missing(scope)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::{
        caller::{Key, Principal, Scopes, ServiceAccount, User},
        clock::Timestamp,
    };

    const OPEN: Rule = Rule {
        access: Access::User,
        scope: "users:read",
        service_accounts: false,
        impersonation: true,
    };
    const CLOSED: Rule = Rule {
        scope: "",
        impersonation: false,
        ..OPEN
    };
    const ADMIN: Rule = Rule {
        access: Access::Admin,
        ..OPEN
    };
    const INTERNAL: Rule = Rule {
        access: Access::Service,
        ..OPEN
    };

    fn key(scopes: &str) -> Key {
        Key {
            scopes: Scopes::new(scopes),
            expires_at: None,
        }
    }

    fn person(is_admin: bool, grant: Grant) -> Caller {
        let user = User {
            id: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            is_admin,
            grant,
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        };
        Principal::User(Arc::new(user)).into()
    }

    fn account(scopes: &str) -> Caller {
        let account = ServiceAccount {
            id: Uuid::from_u128(1),
            key_id: Uuid::from_u128(2),
            key: key(scopes),
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        };
        Principal::ServiceAccount(Arc::new(account)).into()
    }

    fn service() -> Caller {
        Caller {
            service: Some("auth".into()),
            ..Caller::default()
        }
    }

    fn outcome(rule: Rule, caller: &Caller) -> String {
        match rule.check(caller) {
            Ok(()) => "allowed".to_owned(),
            Err(error) => error.reason.into_owned(),
        }
    }

    #[test]
    fn a_stranger_is_asked_to_sign_in_and_others_are_forbidden() {
        let nobody = Caller::default();
        let public = Rule {
            access: Access::Public,
            ..CLOSED
        };
        assert_eq!(outcome(public, &nobody), "allowed");
        for rule in [OPEN, CLOSED, ADMIN, INTERNAL] {
            assert_eq!(outcome(rule, &nobody), "UNAUTHENTICATED");
        }
        for rule in [OPEN, CLOSED, ADMIN] {
            assert_eq!(outcome(rule, &service()), "FORBIDDEN");
        }
        assert_eq!(outcome(INTERNAL, &service()), "allowed");
    }

    #[test]
    fn who_has_signed_in_may_do_all_that_the_role_allows() {
        let (member, admin) = (Grant::Session, Grant::Session);
        let (member, admin) = (person(false, member), person(true, admin));
        for rule in [OPEN, CLOSED] {
            assert_eq!(outcome(rule, &member), "allowed");
        }
        assert_eq!(outcome(ADMIN, &member), "FORBIDDEN");
        assert_eq!(outcome(ADMIN, &admin), "allowed");
        assert_eq!(outcome(INTERNAL, &admin), "FORBIDDEN");
    }

    #[test]
    fn a_key_does_what_its_scopes_say_and_no_more_than_its_owner() {
        let owner = |is_admin, scopes| person(is_admin, Grant::Key(key(scopes)));
        assert_eq!(outcome(OPEN, &owner(false, "users:read")), "allowed");
        assert_eq!(outcome(OPEN, &owner(true, "admin")), "SCOPE_MISSING");
        assert_eq!(outcome(CLOSED, &owner(true, "admin")), "FORBIDDEN");
        assert_eq!(outcome(ADMIN, &owner(false, "users:read")), "FORBIDDEN");
        assert_eq!(outcome(ADMIN, &owner(true, "users:read")), "allowed");
        assert_eq!(
            outcome(ADMIN, &owner(true, "account:read")),
            "SCOPE_MISSING"
        );
        assert_eq!(outcome(INTERNAL, &owner(true, "users:read")), "FORBIDDEN");
        let refused = OPEN.check(&owner(false, "admin")).expect_err("refused");
        assert_eq!(refused.details.expect("the scope")["scope"], "users:read");
    }

    #[test]
    fn a_service_account_is_no_person() {
        let (reader, other) = (account("users:read"), account("admin"));
        assert_eq!(outcome(OPEN, &reader), "FORBIDDEN");
        let shared = Rule {
            service_accounts: true,
            ..OPEN
        };
        assert_eq!(outcome(shared, &reader), "allowed");
        for rule in [shared, ADMIN, INTERNAL] {
            assert_eq!(outcome(rule, &other), "SCOPE_MISSING");
        }
        assert_eq!(outcome(ADMIN, &reader), "allowed");
        assert_eq!(outcome(INTERNAL, &reader), "allowed");
        let own = Rule {
            scope: "",
            ..INTERNAL
        };
        assert_eq!(outcome(own, &reader), "FORBIDDEN");
    }

    #[test]
    fn whoever_impersonates_may_not_do_what_only_the_person_may() {
        let by = Uuid::from_u128(7);
        let caller = person(false, Grant::Impersonation { by });
        assert_eq!(outcome(OPEN, &caller), "allowed");
        assert_eq!(outcome(CLOSED, &caller), "FORBIDDEN");
        assert_eq!(outcome(ADMIN, &caller), "FORBIDDEN");
        assert_eq!(outcome(INTERNAL, &caller), "FORBIDDEN");
    }

    #[test]
    fn a_service_that_acts_for_somebody_gets_no_more_than_that_one() {
        let mut caller = account("admin");
        caller.service = Some("gateway".into());
        assert_eq!(outcome(ADMIN, &caller), "SCOPE_MISSING");
        assert_eq!(outcome(INTERNAL, &caller), "allowed");
    }
}
