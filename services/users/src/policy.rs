//! Who may do what to whom. What a caller may not see does not exist for it.

use portico_chassis::{
    caller::{Caller, forbidden, scope_missing},
    status::Error,
};
use uuid::Uuid;

use crate::{error, user::Change};

/// What a key needs to give and take roles: more than to change people, else it
/// could make itself everything.
const GIVES_ROLES: &str = "admin";

/// Whether the caller may see a person: itself, or anybody as an ADMIN.
pub(crate) fn see(caller: &Caller, target: Uuid) -> Result<(), Error> {
    if caller.is_admin() || caller.is_person(target) {
        Ok(())
    } else {
        Err(error::not_found())
    }
}

/// Whether the caller may make this change: role and status are an ADMIN's to
/// change, and never its own.
pub(crate) fn change(caller: &Caller, target: Uuid, change: &Change) -> Result<(), Error> {
    see(caller, target)?;
    if change.is_administrative() && (!caller.is_admin() || caller.is_person(target)) {
        return Err(forbidden());
    }
    if change.role.is_some() && !caller.has_scope(GIVES_ROLES) {
        return Err(scope_missing(GIVES_ROLES));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portico_chassis::{
        caller::{Grant, Key, Principal, Scopes, User},
        clock::Timestamp,
    };

    use super::*;
    use crate::user::Role;

    fn with(id: u128, is_admin: bool, grant: Grant) -> Caller {
        let user = User {
            id: Uuid::from_u128(id),
            session_id: Uuid::nil(),
            is_admin,
            grant,
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        };
        Principal::User(Arc::new(user)).into()
    }

    fn caller(id: u128, is_admin: bool) -> Caller {
        with(id, is_admin, Grant::Session)
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
    #[test]
    fn a_key_gives_roles_only_with_the_scope_for_it() {
        let with = |scopes| {
            let scopes = Scopes::new(scopes);
            let expires_at = None;
            with(1, true, Grant::Key(Key { scopes, expires_at }))
        };
        let promotion = Change {
            role: Some(Role::Admin),
            ..Change::default()
        };
        assert_eq!(
            outcome(&with("users:write"), 2, &promotion),
            "SCOPE_MISSING"
        );
        assert_eq!(
            outcome(&with("users:write admin"), 2, &promotion),
            "allowed"
        );
        let plain = Change::default();
        assert_eq!(outcome(&with("users:write"), 2, &plain), "allowed");
    }
}
