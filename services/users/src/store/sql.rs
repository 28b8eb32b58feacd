//! The SQL that both databases share: texts, rows and what is bound to them.

use portico_chassis::{
    clock::Timestamp,
    database::searches,
    email_address::EmailAddress,
    page::{COUNT_CAP, Paging, Sort},
};
use uuid::Uuid;

use super::{Column, Filter};
use crate::user::{Avatar, Name, Role, Status, User};

/// The people, with what follows.
macro_rules! select_users {
    ($($suffix:tt)+) => {
        concat!(
            "SELECT id, email, name, avatar, role, status, email_verified, version, \
             created_at, updated_at, deleted_at FROM users ",
            $($suffix)+
        )
    };
}
pub(super) use select_users;

pub(super) const GET: &str = select_users!("WHERE id = $1");

pub(super) const LOOKUP: &str = select_users!("WHERE email_key = $1");

pub(super) const INSERT: &str = "INSERT INTO users (id, email, email_key, name, name_key, search, \
    avatar, role, status, email_verified, version, created_at, updated_at, deleted_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
    ON CONFLICT DO NOTHING";

pub(super) const UPDATE: &str = "UPDATE users SET email = $2, email_key = $3, name = $4, \
    name_key = $5, search = $6, avatar = $7, role = $8, status = $9, email_verified = $10, \
    version = $11, created_at = $12, updated_at = $13, deleted_at = $14 WHERE id = $1";

pub(super) const OTHER_ADMINS: &str =
    "SELECT count(*) FROM users WHERE role = 'ADMIN' AND status = 'ACTIVE' AND id <> $1";

pub(super) const IS_RESERVED: &str = "SELECT EXISTS (SELECT 1 FROM email_reservations \
    WHERE email_key = $1 AND user_id <> $2 AND reserved_until > $3)";

pub(super) const RESERVE: &str = "INSERT INTO email_reservations \
    (email_key, user_id, reserved_until) VALUES ($1, $2, $3) ON CONFLICT (email_key) DO UPDATE \
    SET user_id = excluded.user_id, reserved_until = excluded.reserved_until";

pub(super) const FORGET_RESERVATIONS: &str =
    "DELETE FROM email_reservations WHERE reserved_until <= $1";

/// The people who are to be purged, with the end of the statement.
macro_rules! purges {
    ($suffix:literal) => {
        [
            select_users!(concat!(
                "WHERE status = 'DELETED' AND deleted_at <= $1 AND purge_announced_at IS NULL \
                 ORDER BY deleted_at LIMIT 100",
                $suffix
            )),
            select_users!(concat!(
                "WHERE purge_announced_at <= $1 ORDER BY purge_announced_at LIMIT 100",
                $suffix
            )),
        ]
    };
}
pub(super) use purges;

pub(super) const ANNOUNCE_PURGE: &str = "UPDATE users SET purge_announced_at = $2 WHERE id = $1";

pub(super) const REMOVE: [&str; 2] = [
    "DELETE FROM users WHERE id = $1",
    "DELETE FROM email_reservations WHERE user_id = $1",
];

pub(super) const RESERVED: &str = "SELECT email_key FROM email_reservations \
    WHERE user_id = $1 AND reserved_until > $2 ORDER BY email_key";

/// Binds a person to [`INSERT`] or [`UPDATE`].
macro_rules! bind_user {
    ($sql:expr, $user:expr) => {{
        let user: &crate::user::User = $user;
        sqlx::query($sql)
            .bind(user.id)
            .bind(user.email.as_str())
            .bind(user.email.key())
            .bind(user.name.as_str())
            .bind(user.name.sort_key())
            .bind(user.search())
            .bind(user.avatar.as_ref().map(|avatar| avatar.as_str()))
            .bind(user.role.as_str())
            .bind(user.status.as_str())
            .bind(user.email_verified)
            .bind(i64::try_from(user.version).unwrap_or(i64::MAX))
            .bind(user.created_at)
            .bind(user.updated_at)
            .bind(user.deleted_at)
    }};
}
pub(super) use bind_user;

/// Up to so many people are read and sorted; of more, some are met soon in the
/// order of the list.
const GATHERED: i64 = 4_000;

/// How a page of a list is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As the database thinks best, which has statistics of its data.
    Planned,
    /// All that are in the list are read and sorted.
    Gathered,
    /// People are met in the order of the list.
    Walked,
    /// Those that the index of searches has are read and sorted.
    Found,
}

impl Way {
    /// For a list of so many people, for a database without statistics: few are
    /// found that way.
    pub(super) fn of(count: i64, few: Self) -> Self {
        if count > GATHERED { Self::Walked } else { few }
    }
}

/// The SQL of the number of people in a list. A search is bound.
pub(super) fn count(filter: &Filter) -> String {
    count_among("users", &condition(filter))
}

/// The SQL of whether a search is for what many people have, and of the number of
/// people in its list, for a database without statistics. The trigrams are bound
/// after the search.
pub(super) fn count_by_trigrams(filter: &Filter) -> String {
    format!(
        "WITH search (is_common) AS MATERIALIZED (SELECT {}) \
         SELECT is_common, CASE WHEN is_common THEN ({}) ELSE ({}) END FROM search",
        searches::is_common(TRIGRAMS),
        count(filter),
        count_among(
            &format!("users {BY_ID}"),
            &format!("{} AND {}", found(), condition(filter))
        )
    )
}

fn count_among(people: &str, condition: &str) -> String {
    format!(
        "SELECT count(*) FROM (SELECT 1 FROM {people} WHERE {condition} LIMIT {}) AS matching",
        COUNT_CAP + 1
    )
}

/// Where the trigrams of a search are bound.
const TRIGRAMS: usize = 2;

/// What SQLite calls the index of the ids.
const BY_ID: &str = "INDEXED BY sqlite_autoindex_users_1";

fn found() -> String {
    format!("id IN ({})", searches::found(TRIGRAMS))
}

/// The SQL of a page of a list. A search is bound first, then its trigrams if
/// people are found by them, then a bookmark's key and id.
pub(super) fn page(filter: &Filter, sort: Sort<Column>, paging: &Paging, way: Way) -> String {
    let (column, index) = match sort.column {
        Column::Name => ("name_key", "users_name"),
        Column::Email => ("email_key", "users_email"),
        Column::CreatedAt => ("created_at", "users_created_at"),
        Column::UpdatedAt => ("updated_at", "users_updated_at"),
    };
    let is_found = way == Way::Found;
    let first = 1 + usize::from(filter.search.is_some()) + usize::from(is_found);
    let by = match way {
        Way::Planned => String::new(),
        Way::Gathered => " INDEXED BY users_standing".to_owned(),
        Way::Walked => format!(" INDEXED BY {index}"),
        Way::Found => format!(" {BY_ID}"),
    };
    let mut condition = condition(filter);
    if is_found {
        condition = format!("{} AND {condition}", found());
    }
    format!(
        "{}{by} WHERE {condition}{}",
        select_users!(""),
        sort.sql(column, "id", paging, first)
    )
}

fn condition(filter: &Filter) -> String {
    let mut condition = match filter.status {
        Some(status) => format!("status = '{}'", status.as_str()),
        None => "status IN ('ACTIVE', 'DISABLED')".to_owned(),
    };
    condition += &match filter.role {
        Some(role) => format!(" AND role = '{}'", role.as_str()),
        // All that there are, by which the index of both is found.
        None => " AND role IN ('ADMIN', 'MEMBER')".to_owned(),
    };
    if filter.search.is_some() {
        condition += r" AND search LIKE $1 ESCAPE '\'";
    }
    condition
}

/// A person as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    email: String,
    name: String,
    avatar: Option<String>,
    role: String,
    status: String,
    email_verified: bool,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            email: EmailAddress::stored(row.email),
            name: Name::stored(row.name),
            avatar: row.avatar.map(Avatar::stored),
            role: match row.role.as_str() {
                "ADMIN" => Role::Admin,
                _ => Role::Member,
            },
            status: match row.status.as_str() {
                "ACTIVE" => Status::Active,
                "DISABLED" => Status::Disabled,
                _ => Status::Deleted,
            },
            email_verified: row.email_verified,
            version: u64::try_from(row.version).unwrap_or(0),
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        }
    }
}

/// The people of these rows.
pub(super) fn users(rows: Vec<Row>) -> Vec<User> {
    rows.into_iter().map(User::from).collect()
}
