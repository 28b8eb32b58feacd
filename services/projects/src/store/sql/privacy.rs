//! The SQL about what is kept of a person.

use portico_chassis::clock::Timestamp;
use uuid::Uuid;

use super::invitations::select_invitations;
use crate::{member::Role, project::Name, store::privacy::Membership};

pub(in crate::store) const MEMBERSHIPS_OF: &str = "SELECT m.project_id, p.name AS project_name, \
    m.role, m.joined_at FROM members m JOIN projects p ON p.id = m.project_id \
    WHERE m.user_id = $1 ORDER BY m.project_id LIMIT 10000";

pub(in crate::store) const INVITATIONS_OF: &str =
    select_invitations!("i.account_id = $1 ORDER BY i.created_at, i.id LIMIT 10000");

pub(in crate::store) const INVITATIONS_TO: &str =
    select_invitations!("i.email_key = $1 ORDER BY i.created_at, i.id LIMIT 10000");

pub(in crate::store) const INVITATIONS_BY: &str =
    select_invitations!("i.invited_by = $1 ORDER BY i.created_at, i.id LIMIT 10000");

pub(in crate::store) const FORGET_INVITATIONS_OF: &str =
    "DELETE FROM invitations WHERE account_id = $1";

pub(in crate::store) const FORGET_INVITATIONS_TO: &str =
    "DELETE FROM invitations WHERE email_key = $1";

/// A membership as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct MembershipRow {
    project_id: Uuid,
    project_name: String,
    role: String,
    joined_at: Timestamp,
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        Self {
            project_id: row.project_id,
            project_name: Name::stored(row.project_name),
            role: Role::stored(&row.role),
            joined_at: row.joined_at,
        }
    }
}
