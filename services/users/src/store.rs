//! Keeps the people. Each method is one atomic use case: a transaction never
//! leaves it, and each change leaves its event in the outbox. Every sentence of
//! the methods' docs has a case in the conformance suite.

pub(crate) mod postgres;
pub(crate) mod sqlite;

#[cfg(test)]
mod conformance;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    etag::IfMatch,
    outbox::{Event, Origin},
    page::{Page, Paging, Search, Sort},
    status::Error,
};
use uuid::Uuid;

use crate::user::{Avatar, Change, Email, Name, Role, Status, User};

/// Keeps the people.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Adds a person. Adding the same id with the same address again returns
    /// the person as it is now and changes nothing. An address that another
    /// person has, deleted or not, in whatever case, is `EMAIL_EXISTS`.
    async fn create(&self, user: &User, origin: &Origin) -> Result<User, Error>;

    /// The person with an id, deleted or not.
    async fn get(&self, id: Uuid) -> Result<Option<User>, Error>;

    /// The people with these ids, deleted or not; unknown ids are left out.
    async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error>;

    /// The person with an address, deleted or not, in whatever case.
    async fn lookup(&self, email: &Email) -> Result<Option<User>, Error>;

    /// A page of the people that match. Without a status, deleted ones do not
    /// match. Ties are broken by id. A walk by cursor meets everybody who is
    /// there throughout exactly once.
    async fn list(
        &self,
        filter: &Filter,
        sort: Sort<Column>,
        paging: &Paging,
    ) -> Result<Page<User>, Error>;

    /// Changes a person, and counts up its version unless nothing changes.
    /// Nobody there is `USER_NOT_FOUND`, another version `ETAG_MISMATCH`, a
    /// deleted person `USER_DELETED`. The last active administrator keeps role
    /// and status, also when two are demoted at once: `LAST_ADMIN`.
    async fn update(
        &self,
        id: Uuid,
        change: &Change,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<User, Error>;

    /// Marks a person as deleted; the address stays taken. Nobody there, or a
    /// deleted person, is `USER_NOT_FOUND`, another version `ETAG_MISMATCH`,
    /// the last active administrator `LAST_ADMIN`.
    async fn delete(&self, id: Uuid, if_match: &IfMatch, origin: &Origin) -> Result<(), Error>;

    /// Fails like [`Store::delete`] would now, and changes nothing.
    async fn check_delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error>;

    /// Brings a deleted person back as active. Somebody who is not deleted
    /// stays as it is. Nobody there is `USER_NOT_FOUND`.
    async fn restore(&self, id: Uuid, origin: &Origin) -> Result<User, Error>;
}

/// Which people match.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) search: Option<Search>,
    pub(crate) role: Option<Role>,
    pub(crate) status: Option<Status>,
}

/// What people are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    Email,
    CreatedAt,
    UpdatedAt,
}

impl Column {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "name" => Some(Self::Name),
            "email" => Some(Self::Email),
            "createdAt" => Some(Self::CreatedAt),
            "updatedAt" => Some(Self::UpdatedAt),
            _ => None,
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Name => "name_key",
            Self::Email => "email_key",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }
}

const COLUMNS: &str = "id, email, name, avatar, role, status, email_verified, version, \
    created_at, updated_at, deleted_at";

const GET: &str = "SELECT id, email, name, avatar, role, status, email_verified, version, \
    created_at, updated_at, deleted_at FROM users WHERE id = $1";

const LOOKUP: &str = "SELECT id, email, name, avatar, role, status, email_verified, version, \
    created_at, updated_at, deleted_at FROM users WHERE email_key = $1";

const INSERT: &str = "INSERT INTO users (id, email, email_key, name, name_key, search, avatar, \
    role, status, email_verified, version, created_at, updated_at, deleted_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
    ON CONFLICT DO NOTHING";

const UPDATE: &str = "UPDATE users SET email = $2, email_key = $3, name = $4, name_key = $5, \
    search = $6, avatar = $7, role = $8, status = $9, email_verified = $10, version = $11, \
    created_at = $12, updated_at = $13, deleted_at = $14 WHERE id = $1";

const OTHER_ADMINS: &str =
    "SELECT count(*) FROM users WHERE role = 'ADMIN' AND status = 'ACTIVE' AND id <> $1";

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
use bind_user;

/// The SQL of a list: its rows, and its count. A search is bound first, then
/// a bookmark's key and id.
struct ListSql {
    rows: String,
    count: String,
    pattern: Option<String>,
    is_filtered: bool,
}

impl ListSql {
    fn new(filter: &Filter, sort: Sort<Column>, paging: &Paging) -> Self {
        let mut conditions = match filter.status {
            Some(status) => format!("status = '{}'", status.as_str()),
            None => "status <> 'DELETED'".to_owned(),
        };
        if let Some(role) = filter.role {
            conditions += &format!(" AND role = '{}'", role.as_str());
        }
        if filter.search.is_some() {
            conditions += r" AND search LIKE $1 ESCAPE '\'";
        }
        let first = 1 + usize::from(filter.search.is_some());
        let order = sort.sql(sort.column.sql(), "id", paging, first);
        let is_filtered =
            filter.search.is_some() || filter.role.is_some() || filter.status.is_some();
        let bound = if is_filtered { " LIMIT 10001" } else { "" };
        Self {
            rows: format!("SELECT {COLUMNS} FROM users WHERE {conditions}{order}"),
            count: format!(
                "SELECT count(*) FROM (SELECT 1 FROM users WHERE {conditions}{bound}) AS matching"
            ),
            pattern: filter.search.as_ref().map(Search::pattern),
            is_filtered,
        }
    }
}

/// What happened to a person, for the outbox.
fn event<'a>(kind: &'static str, user: &'a User) -> Event<'a, User> {
    Event {
        kind,
        subject: user.id,
        payload: user,
    }
}

/// A person as the database has it.
#[derive(sqlx::FromRow)]
struct Row {
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
            email: Email::stored(row.email),
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

fn users(rows: Vec<Row>) -> Vec<User> {
    rows.into_iter().map(User::from).collect()
}
