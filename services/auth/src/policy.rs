//! Who may do what to whom. What a caller may not see does not exist for it.

use portico_chassis::{
    caller::{User as Caller, forbidden},
    clock::Timestamp,
    status::Error,
};
use uuid::Uuid;

use crate::{error, session::Session};

/// Whether the caller may delete an account: its own, or any as an ADMIN.
pub(crate) fn delete(caller: &Caller, target: Uuid) -> Result<(), Error> {
    self_or_admin(caller, target)
}

fn self_or_admin(caller: &Caller, target: Uuid) -> Result<(), Error> {
    if caller.is_admin || caller.id == target {
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
    if caller.is_admin {
        Ok(())
    } else {
        Err(forbidden())
    }
}

/// Whether the caller may take the second factors of an account away: of
/// anybody as an ADMIN, but not its own, for which it needs a fresh sign-in.
pub(crate) fn reset_mfa(caller: &Caller, target: Uuid) -> Result<(), Error> {
    if caller.is_admin && caller.id != target {
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
    use super::*;

    fn caller(id: u128, is_admin: bool) -> Caller {
        Caller {
            id: Uuid::from_u128(id),
            session_id: Uuid::nil(),
            is_admin,
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        }
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
}
