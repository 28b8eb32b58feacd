//! Keeps the mails. Each method is one atomic use case: a transaction never
//! leaves it. Every sentence of the methods' docs has a case in the conformance
//! suite.
//!
//! The mails are the queue: a process claims those that are due, for a time
//! that it asks for and may prolong. What it does not settle in that time,
//! perhaps because it was killed, another one claims.

mod postgres;
mod sql;
mod sqlite;
mod statements;

#[cfg(test)]
mod conformance;

use std::sync::Arc;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::Database,
    email_address::EmailAddress,
    page::{Page, Paging},
    status::Error,
};
use uuid::Uuid;

use self::{postgres::PostgresStore, sqlite::SqliteStore};
use crate::job::{Claim, Job, NewJob, Outcome, Status};

/// The store on an open database.
pub(crate) fn open(database: &Database) -> Arc<dyn Store> {
    match database {
        Database::Postgres(database) => Arc::new(PostgresStore::new(database.clone())),
        Database::Sqlite(database) => Arc::new(SqliteStore::new(database.clone())),
    }
}

/// Keeps the mails.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// When the service was first started: now, if it never was.
    async fn first_start(&self, now: Timestamp) -> Result<Timestamp, Error>;

    /// Queues a mail. Returns whether it is new: queued again, it stays as it
    /// is, also when it was sent. Where there is a most of its kind that an
    /// address gets within an hour, one more is dropped.
    async fn enqueue(&self, job: &NewJob, now: Timestamp) -> Result<bool, Error>;

    /// Claims mails that are due, those that wait longest first. Two claims at
    /// once never get the same one. A mail is due again when its claim has run
    /// out, but is given up then if it was the last attempt.
    async fn claim(&self, demand: Demand, now: Timestamp) -> Result<Vec<Claim>, Error>;

    /// Prolongs a claim. Returns whether it still stood.
    async fn prolong(&self, claim: &Claim, until: Timestamp) -> Result<bool, Error>;

    /// Notes what became of a claim; a mail that is dropped is gone. Returns
    /// whether it still stood; else nothing changes.
    async fn settle(&self, claim: &Claim, outcome: &Outcome, now: Timestamp)
    -> Result<bool, Error>;

    /// When the next mail is due.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error>;

    /// Makes a mail that was given up, or that waits for another attempt, due
    /// now, with all attempts before it. Nothing there is `JOB_NOT_FOUND`, any
    /// other status `JOB_NOT_DEAD`.
    async fn retry(&self, id: Uuid, now: Timestamp) -> Result<Job, Error>;

    /// A page of the jobs that match, newest first. Ties are broken by id. A
    /// walk by cursor meets each that is there throughout exactly once.
    async fn list(&self, filter: &Filter, paging: &Paging) -> Result<Page<Job>, Error>;

    /// The mails to an address, in whatever case, newest first, at most 1,000.
    async fn mails_to(&self, address: &EmailAddress) -> Result<Vec<Job>, Error>;

    /// Forgets the mails to an address, in whatever case and whatever became of
    /// them.
    async fn forget_address(&self, address: &EmailAddress) -> Result<(), Error>;

    /// How many mails of each status there are, but for those that were sent.
    async fn count_unsent(&self) -> Result<Vec<(Status, i64)>, Error>;

    /// Forgets what was sent or given up before a time.
    async fn forget(&self, before: Timestamp) -> Result<(), Error>;
}

/// How many mails a process wants to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    pub(crate) limit: u32,
    /// Tells these claims from all others.
    pub(crate) token: Uuid,
    /// When the claims run out.
    pub(crate) until: Timestamp,
}

/// Which jobs match.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    pub(crate) status: Option<Status>,
}
