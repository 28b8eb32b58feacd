//! Who may do what to whom. What a caller may not see does not exist for it.

use portico_chassis::{
    caller::{User as Caller, forbidden},
    status::Error,
};
use uuid::Uuid;

use crate::{error, user::Change};

/// Whether the caller may see a person: itself, or anybody as an ADMIN.
pub(crate) fn see(caller: &Caller, target: Uuid) -> Result<(), Error> {
    if caller.is_admin || caller.id == target {
        Ok(())
    } else {
        Err(error::not_found())
    }
}

/// Whether the caller may make this change: role and status are an ADMIN's to
/// change, and never its own.
pub(crate) fn change(caller: &Caller, target: Uuid, change: &Change) -> Result<(), Error> {
    see(caller, target)?;
    if change.is_administrative() && (!caller.is_admin || caller.id == target) {
        return Err(forbidden());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use portico_chassis::clock::Timestamp;

    use super::*;
    use crate::user::Role;

    fn caller(id: u128, is_admin: bool) -> Caller {
        Caller {
            id: Uuid::from_u128(id),
            session_id: Uuid::nil(),
            is_admin,
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        }
    }

    fn outcome(caller: &Caller, target: u128, change: &Change) -> String {
        match super::change(caller, Uuid::from_u128(target), change) {
            Ok(()) => "allowed".to_owned(),
            Err(error) => error.reason.into_owned(),
        }
    }

    #[test]
    fn people_change_themselves_and_admins_change_anybody() {
        let plain = Change::default();
        assert_eq!(outcome(&caller(1, false), 1, &plain), "allowed");
        assert_eq!(outcome(&caller(1, false), 2, &plain), "USER_NOT_FOUND");
        assert_eq!(outcome(&caller(1, true), 2, &plain), "allowed");
    }

    #[test]
    fn a_role_is_changed_by_another_admin_only() {
        let promotion = Change {
            role: Some(Role::Admin),
            ..Change::default()
        };
        assert_eq!(outcome(&caller(1, false), 1, &promotion), "FORBIDDEN");
        assert_eq!(outcome(&caller(1, true), 1, &promotion), "FORBIDDEN");
        assert_eq!(outcome(&caller(1, false), 2, &promotion), "USER_NOT_FOUND");
        assert_eq!(outcome(&caller(1, true), 2, &promotion), "allowed");
    }
}
