//! Credentials, sessions, keys and revocations in PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, PostgresDatabase, Write},
    status::Error,
};
use sqlx::Postgres;

use super::{
    changes::Engine,
    sql::{links::select_email_changes, select_sessions},
};

/// Keeps everything in PostgreSQL.
pub(crate) struct PostgresStore {
    database: PostgresDatabase,
    access_token_ttl: Duration,
}

impl PostgresStore {
    /// Every transaction below the snapshot's `xmin` has ended, so what it
    /// wrote is seen, and nothing will appear before it. What is above is seen
    /// as soon as it is committed.
    pub(super) const REVOCATIONS: &'static str = "SELECT xid::text::bigint AS xid, seq, \
        session_id, user_id, revoked_at, expires_at, \
        xid < pg_snapshot_xmin(pg_current_snapshot()) AS is_settled \
        FROM revocations WHERE (xid, seq) > ($1::text::xid8, $2) AND expires_at > $3 \
        ORDER BY revocations.xid, seq";

    pub(crate) fn new(database: PostgresDatabase, access_token_ttl: Duration) -> Self {
        Self {
            database,
            access_token_ttl,
        }
    }

    pub(super) fn reader(&self) -> &Connections<Postgres> {
        &self.database.pool
    }

    pub(super) fn watcher(&self) -> &Connections<Postgres> {
        self.reader()
    }
}

#[async_trait]
impl Engine for PostgresStore {
    const NAME: &'static str = "postgresql";

    type Transaction = PostgresTransaction;

    async fn begin(&self) -> Result<PostgresTransaction, Error> {
        Ok(PostgresTransaction(self.database.begin().await?))
    }

    fn access_token_ttl(&self) -> Duration {
        self.access_token_ttl
    }
}

/// A transaction in PostgreSQL.
pub(super) struct PostgresTransaction(pub(super) Write<Postgres>);

impl PostgresTransaction {
    /// Takes the row, so that a sign-in that has begun ends first.
    pub(super) const LOCK_PASSWORD: Option<&'static str> =
        Some("SELECT 1 FROM credentials WHERE user_id = $1 FOR UPDATE");

    /// A lock on a name, because there may be no row to take yet.
    pub(super) const LOCK_FACTORS: Option<&'static str> =
        Some("SELECT pg_advisory_xact_lock(hashtextextended('factors of ' || $1::text, 0))");

    pub(super) const LOCK_SESSION: &'static str =
        select_sessions!("WHERE id = $1 AND expires_at > $2 FOR UPDATE");

    pub(super) const LOCK_EMAIL_CHANGE: &'static str =
        select_email_changes!("WHERE id = $1 FOR UPDATE");

    /// In the order of their hashes, so that no two wait for each other.
    pub(super) const LOCK_LINKS: Option<&'static str> =
        Some("SELECT 1 FROM links WHERE user_id = $1 ORDER BY hash FOR UPDATE");

    /// Of two deletions that begin at once, the second waits.
    pub(super) const LOCK_DELETIONS: Option<&'static str> =
        Some("LOCK TABLE deletions IN SHARE ROW EXCLUSIVE MODE");

    /// Of two who add a key at once, the second waits.
    pub(super) const LOCK_KEYS: Option<&'static str> =
        Some("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE");
}
