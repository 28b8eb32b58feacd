//! Credentials, sessions, keys and revocations in SQLite, whose one writer
//! keeps changes apart without further locks.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, SqliteDatabase, Write},
    status::Error,
};
use sqlx::Sqlite;

use super::{
    changes::Engine,
    sql::{SESSION, links::EMAIL_CHANGE},
};

/// Keeps everything in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
    access_token_ttl: Duration,
}

impl SqliteStore {
    /// One transaction follows another, so that all are settled, and the
    /// cursor's transaction does not matter.
    pub(super) const REVOCATIONS: &'static str = "SELECT 0 AS xid, seq, session_id, user_id, \
        revoked_at, expires_at, true AS is_settled \
        FROM revocations WHERE seq > $2 AND expires_at > $3 ORDER BY seq";

    pub(crate) fn new(database: SqliteDatabase, access_token_ttl: Duration) -> Self {
        Self {
            database,
            access_token_ttl,
        }
    }

    pub(super) fn reader(&self) -> &Connections<Sqlite> {
        &self.database.readers
    }

    pub(super) fn watcher(&self) -> &Connections<Sqlite> {
        self.database.watcher()
    }
}

#[async_trait]
impl Engine for SqliteStore {
    const NAME: &'static str = "sqlite";

    type Transaction = SqliteTransaction;

    async fn begin(&self) -> Result<SqliteTransaction, Error> {
        Ok(SqliteTransaction(self.database.begin().await?))
    }

    fn access_token_ttl(&self) -> Duration {
        self.access_token_ttl
    }
}

/// A transaction in SQLite.
pub(super) struct SqliteTransaction(pub(super) Write<Sqlite>);

impl SqliteTransaction {
    pub(super) const LOCK_PASSWORD: Option<&'static str> = None;
    pub(super) const LOCK_FACTORS: Option<&'static str> = None;
    pub(super) const LOCK_SESSION: &'static str = SESSION;
    pub(super) const LOCK_EMAIL_CHANGE: &'static str = EMAIL_CHANGE;
    pub(super) const LOCK_LINKS: Option<&'static str> = None;
    pub(super) const LOCK_DELETIONS: Option<&'static str> = None;
    pub(super) const LOCK_KEYS: Option<&'static str> = None;
}
