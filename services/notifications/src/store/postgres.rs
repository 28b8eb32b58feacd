//! The mails in PostgreSQL.

use portico_chassis::{
    database::{Connections, PostgresDatabase, Write},
    status::Error,
};
use sqlx::Postgres;

/// Keeps the mails in PostgreSQL.
pub(crate) struct PostgresStore {
    database: PostgresDatabase,
}

impl PostgresStore {
    pub(super) const NAME: &'static str = "postgresql";

    /// What another transaction claims at the moment is passed over. The
    /// choice stands in a step of its own, because a subquery of the update
    /// could run more than once.
    pub(super) const CLAIM: &'static str = "WITH due AS MATERIALIZED (\
            SELECT id FROM mails WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2 \
            FOR UPDATE SKIP LOCKED\
        ) \
        UPDATE mails SET status = 'RUNNING', attempts = attempts + 1, claim = $3, due_at = $4 \
        FROM due WHERE mails.id = due.id \
        RETURNING mails.id, claim, content, recipient, request_id, traceparent, attempts";

    pub(crate) fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Postgres> {
        &self.database.pool
    }

    pub(super) fn watcher(&self) -> &Connections<Postgres> {
        self.reader()
    }

    pub(super) async fn begin(&self) -> Result<Write<Postgres>, Error> {
        self.database.begin().await
    }
}
