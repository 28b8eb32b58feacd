//! The mails in SQLite. Its one writer keeps changes apart, so that nothing
//! needs a lock of its own.

use portico_chassis::{
    database::{Connections, SqliteDatabase, Write},
    status::Error,
};
use sqlx::Sqlite;

/// Keeps the mails in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
}

impl SqliteStore {
    pub(super) const NAME: &'static str = "sqlite";

    pub(super) const CLAIM: &'static str = "UPDATE mails \
        SET status = 'RUNNING', attempts = attempts + 1, claim = $3, due_at = $4 \
        WHERE id IN (SELECT id FROM mails WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2) \
        RETURNING id, claim, content, recipient, request_id, traceparent, attempts";

    pub(crate) fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Sqlite> {
        &self.database.readers
    }

    pub(super) fn watcher(&self) -> &Connections<Sqlite> {
        self.database.watcher()
    }

    pub(super) async fn begin(&self) -> Result<Write<Sqlite>, Error> {
        self.database.begin().await
    }
}
