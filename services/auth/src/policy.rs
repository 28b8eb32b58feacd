//! Who may do what to whom. What a caller may not see does not exist for it.

use portico_chassis::{
    caller::{Caller, Grant, User, forbidden, scope_missing},
    clock::Timestamp,
    status::Error,
};
use uuid::Uuid;

use crate::{error, session::Session};

/// What a key needs to make ADMINs of others: more than to change people, else
/// it could make itself everything.
const GIVES_ROLES: &str = "admin";

/// Whether the caller may make an account with this role.
pub(crate) fn create(caller: &Caller, is_admin: bool) -> Result<(), Error> {
    if is_admin && !caller.has_scope(GIVES_ROLES) {
        return Err(scope_missing(GIVES_ROLES));
    }
    Ok(())
}

/// Whether the caller may delete an account: its own, or any as an ADMIN.
pub(crate) fn delete(caller: &Caller, target: Uuid) -> Result<(), Error> {
    self_or_admin(caller, target)
}

fn self_or_admin(caller: &Caller, target: Uuid) -> Result<(), Error> {
    if caller.is_admin() || caller.is_person(target) {
        Ok(())
    } else {
        Err(error::user_not_found())
    }
}

/// Whether the caller may see who signed in as a person: oneself, or anybody as
/// an ADMIN.
pub(crate) fn see_sign_ins(caller: &Caller, target: Uuid) -> Result<(), Error> {
    self_or_admin(caller, target)
}

/// Whether the caller may give the projects of a deleted account to somebody:
/// an ADMIN may.
pub(crate) fn name_new_owner(caller: &Caller) -> Result<(), Error> {
    if caller.is_admin() {
        Ok(())
    } else {
        Err(forbidden())
    }
}

/// Whether an ADMIN may act as somebody: not as itself.
pub(crate) fn impersonate(admin: &User, target: Uuid) -> Result<(), Error> {
    if admin.id == target {
        return Err(forbidden());
    }
    Ok(())
}

/// Whether the caller is the person itself, who has signed in: neither a key nor
/// an ADMIN in the person's place makes sensitive changes.
pub(crate) fn be_oneself(caller: &User) -> Result<(), Error> {
    match caller.grant {
        Grant::Session => Ok(()),
        Grant::Key(_) | Grant::Impersonation { .. } => Err(forbidden()),
    }
}

/// Whether the caller may take the second factors of an account away: of
/// anybody as an ADMIN, but not its own, for which it needs a fresh sign-in.
pub(crate) fn reset_mfa(caller: &Caller, target: Uuid) -> Result<(), Error> {
    if caller.is_admin() && !caller.is_person(target) {
        Ok(())
    } else {
        Err(forbidden())
    }
}

/// Whether the caller proved who it is so lately that sensitive changes to
/// itself are allowed (OWASP ASVS 5.0, 7.5.1).
pub(crate) fn be_fresh(session: &Session, now: Timestamp) -> Result<(), Error> {
    if session.is_fresh(now) {
        Ok(())
    } else {
        Err(error::reauthentication_required())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portico_chassis::caller::{Key, Principal, Scopes};

    use super::*;

    fn user(id: u128, is_admin: bool, grant: Grant) -> User {
        User {
            id: Uuid::from_u128(id),
            session_id: Uuid::nil(),
            is_admin,
            grant,
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        }
    }

    fn caller(id: u128, is_admin: bool) -> Caller {
        let user = user(id, is_admin, Grant::Session);
        Principal::User(Arc::new(user)).into()
    }

    fn key(scopes: &str) -> Grant {
        Grant::Key(Key {
            scopes: Scopes::new(scopes),
            expires_at: None,
        })
    }

    #[test]
    fn people_delete_themselves_and_admins_delete_anybody() {
        let target = Uuid::from_u128(1);
        assert!(delete(&caller(1, false), target).is_ok());
        assert!(delete(&caller(2, true), target).is_ok());
        let refused = delete(&caller(2, false), target).expect_err("a stranger");
        assert_eq!(refused.reason, "USER_NOT_FOUND");
    }

    #[test]
    fn admins_reset_the_factors_of_others() {
        let target = Uuid::from_u128(1);
        assert!(reset_mfa(&caller(2, true), target).is_ok());
        for refused in [caller(1, true), caller(2, false), caller(1, false)] {
            let refused = reset_mfa(&refused, target).expect_err("refused");
            assert_eq!(refused.reason, "FORBIDDEN");
        }
    }

    #[test]
    fn only_admins_name_a_new_owner() {
        assert!(name_new_owner(&caller(1, true)).is_ok());
        let refused = name_new_owner(&caller(1, false)).expect_err("a member");
        assert_eq!(refused.reason, "FORBIDDEN");
    }

    #[test]
    fn a_key_makes_admins_only_with_the_scope_for_it() {
        let with =
            |scopes| -> Caller { Principal::User(Arc::new(user(1, true, key(scopes)))).into() };
        assert!(create(&with("users:write"), false).is_ok());
        assert!(create(&with("users:write admin"), true).is_ok());
        let refused = create(&with("users:write"), true).expect_err("an escalation");
        assert_eq!(refused.reason, "SCOPE_MISSING");
        assert!(create(&caller(1, true), true).is_ok());
    }

    #[test]
    fn sensitive_changes_are_made_by_the_person_itself() {
        let by = Uuid::from_u128(9);
        assert!(be_oneself(&user(1, false, Grant::Session)).is_ok());
        for grant in [key("account:write"), Grant::Impersonation { by }] {
            let refused = be_oneself(&user(1, true, grant)).expect_err("refused");
            assert_eq!(refused.reason, "FORBIDDEN");
        }
    }

    #[test]
    fn nobody_impersonates_itself() {
        let admin = user(1, true, Grant::Session);
        assert!(impersonate(&admin, Uuid::from_u128(1)).is_err());
        assert!(impersonate(&admin, Uuid::from_u128(2)).is_ok());
    }
}
