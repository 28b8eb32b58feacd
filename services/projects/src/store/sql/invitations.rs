//! The SQL of invitations.

use portico_chassis::{
    clock::Timestamp,
    email_address::EmailAddress,
    page::{COUNT_CAP, Paging, Sort},
};
use uuid::Uuid;

use crate::{
    invitation::{Invitation, Status},
    member::Role,
    project::Name,
    store::{InvitationFilter, Whose},
};

/// The invitations with the names of their projects, with what follows.
macro_rules! select_invitations {
    ($suffix:literal) => {
        concat!(
            "SELECT i.id, i.project_id, p.name AS project_name, i.email, i.role, i.status, \
             i.invited_by, i.account_id, i.created_at, i.expires_at \
             FROM invitations i JOIN projects p ON p.id = i.project_id WHERE ",
            $suffix
        )
    };
}

pub(in crate::store) use select_invitations;

pub(in crate::store) const INVITATION: &str = select_invitations!("i.id = $1");

/// At most one, whether its time is over or not.
pub(in crate::store) const PENDING_TO: &str =
    select_invitations!("i.project_id = $1 AND i.email_key = $2 AND i.status = 'PENDING'");

pub(in crate::store) const PENDING_IN: &str =
    select_invitations!("i.project_id = $1 AND i.status = 'PENDING' AND i.expires_at > $2");

pub(in crate::store) const INSERT_INVITATION: &str = "INSERT INTO invitations \
    (id, project_id, email, email_key, role, status, invited_by, account_id, created_at, \
    expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(in crate::store) const UPDATE_INVITATION: &str =
    "UPDATE invitations SET status = $2, account_id = $3, expires_at = $4 WHERE id = $1";

/// The SQL of a list of invitations: its rows, and its count. The project or
/// the address is bound first, then the moment if it matters, then a bookmark's
/// key and id.
pub(in crate::store) struct ListSql {
    pub(in crate::store) rows: String,
    pub(in crate::store) count: String,
    pub(in crate::store) depends_on_time: bool,
}

impl ListSql {
    pub(in crate::store) fn new(
        filter: &InvitationFilter<'_>,
        sort: Sort<()>,
        paging: &Paging,
    ) -> Self {
        let whose = match filter.whose {
            Whose::Project(_) => "i.project_id = $1",
            Whose::Address(_) => "i.email_key = $1",
        };
        let status = match filter.status {
            None => String::new(),
            Some(Status::Pending) => " AND i.status = 'PENDING' AND i.expires_at > $2".to_owned(),
            Some(Status::Expired) => {
                " AND (i.status = 'EXPIRED' OR i.status = 'PENDING' AND i.expires_at <= $2)"
                    .to_owned()
            }
            Some(status) => format!(" AND i.status = '{}'", status.as_str()),
        };
        let depends_on_time = status.contains("$2");
        let first = 2 + usize::from(depends_on_time);
        let order = sort.sql("i.created_at", "i.id", paging, first);
        let bound = match filter.status {
            None => String::new(),
            Some(_) => format!(" LIMIT {}", COUNT_CAP + 1),
        };
        Self {
            rows: format!("{}{whose}{status}{order}", select_invitations!("")),
            count: format!(
                "SELECT count(*) FROM \
                 (SELECT 1 FROM invitations i WHERE {whose}{status}{bound}) AS matching"
            ),
            depends_on_time,
        }
    }
}

/// An invitation as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct InvitationRow {
    id: Uuid,
    project_id: Uuid,
    project_name: String,
    email: String,
    role: String,
    status: String,
    invited_by: Uuid,
    account_id: Option<Uuid>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            project_name: Name::stored(row.project_name),
            email: EmailAddress::stored(row.email),
            role: Role::stored(&row.role),
            status: Status::stored(&row.status),
            invited_by: row.invited_by,
            account_id: row.account_id,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}
