//! Keeps the people. Each method is one atomic use case: a transaction never
//! leaves it, and each change leaves its event in the outbox. Every sentence of
//! the methods' docs has a case in the conformance suite.
//!
//! What a change does stands once, in [`changes`], and so do the statements
//! that it is made of, in [`statements`]; what only one database needs stands
//! in that database's file.

mod changes;
mod postgres;
mod purges;
mod sql;
mod sqlite;
mod statements;

#[cfg(test)]
mod conformance;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::Database,
    email_address::EmailAddress,
    etag::IfMatch,
    outbox::Origin,
    page::{Page, Paging, Search, Sort},
    status::Error,
};
use uuid::Uuid;

pub(crate) use self::purges::PurgeStore;
use self::{postgres::PostgresStore, sqlite::SqliteStore};
use crate::user::{Address, Change, Role, Status, User};

/// How long an address that a person gave up stays reserved for it. A link that
/// undoes the change is made within 7 days of it and works for 7 days.
const RESERVED: Duration = Duration::from_secs(15 * 24 * 3600);

/// The store on an open database.
pub(crate) fn open(database: &Database) -> Arc<dyn Store> {
    match database {
        Database::Postgres(database) => Arc::new(PostgresStore::new(database.clone())),
        Database::Sqlite(database) => Arc::new(SqliteStore::new(database.clone())),
    }
}

/// Reads the people.
#[async_trait]
pub(crate) trait Queries: Send + Sync {
    /// The person with an id, deleted or not.
    async fn get(&self, id: Uuid) -> Result<Option<User>, Error>;

    /// The people with these ids, deleted or not; unknown ids are left out.
    async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error>;

    /// The person with an address, deleted or not, in whatever case.
    async fn lookup(&self, email: &EmailAddress) -> Result<Option<User>, Error>;

    /// The addresses that are reserved for a person, as addresses are compared.
    async fn reserved(&self, id: Uuid, now: Timestamp) -> Result<Vec<String>, Error>;

    /// A page of the people that match. Without a status, deleted ones do not
    /// match. Ties are broken by id. A walk by cursor meets everybody who is
    /// there throughout exactly once.
    async fn list(
        &self,
        filter: &Filter,
        sort: Sort<Column>,
        paging: &Paging,
    ) -> Result<Page<User>, Error>;
}

/// Keeps the people.
#[async_trait]
pub(crate) trait Store: Queries + PurgeStore {
    /// Adds a person. Adding the same id with the same address again returns
    /// the person as it is now and changes nothing. An address that another
    /// person has, deleted or not, in whatever case, is `EMAIL_EXISTS`, and so
    /// is one that is reserved for another person.
    async fn create(&self, user: &User, origin: &Origin) -> Result<User, Error>;

    /// Like [`Store::create`], for somebody who was there before, elsewhere; what
    /// is told of it is another event.
    async fn import(&self, user: &User, origin: &Origin) -> Result<User, Error>;

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

    /// Gives a person an address. The one before stays reserved for the person
    /// for 15 days; then anybody may have it. Nobody there is `USER_NOT_FOUND`,
    /// another version `ETAG_MISMATCH`, a deleted person `USER_DELETED`. An
    /// address that another person has or that is reserved for one is
    /// `EMAIL_EXISTS`, also when two want it at once.
    async fn set_email(
        &self,
        id: Uuid,
        address: &Address,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<User, Error>;

    /// Marks a person as deleted; the address stays taken. Nobody there, or a
    /// deleted person, is `USER_NOT_FOUND`, another version `ETAG_MISMATCH`,
    /// the last active administrator `LAST_ADMIN`.
    async fn delete(&self, id: Uuid, if_match: &IfMatch, origin: &Origin) -> Result<(), Error>;

    /// Fails like [`Store::delete`] would now, and changes nothing.
    async fn check_delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error>;

    /// Brings a deleted person back as active, within 30 days; then it counts as
    /// nobody. Somebody who is not deleted stays as it is. Nobody there is
    /// `USER_NOT_FOUND`.
    async fn restore(&self, id: Uuid, origin: &Origin) -> Result<User, Error>;
}

/// An address that a person gave up.
#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    pub(crate) key: String,
    pub(crate) user_id: Uuid,
    pub(crate) until: Timestamp,
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

    /// Whether people are compared by a text, not by a time.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Name | Self::Email)
    }
}
