//! Credentials, sessions, keys and revocations in SQLite, whose one writer
//! keeps changes apart.

mod accounts;
mod sessions;
mod tokens;

use std::time::Duration;

use portico_chassis::database::SqliteDatabase;

/// Keeps everything in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
    access_token_ttl: Duration,
}

impl SqliteStore {
    pub(crate) fn new(database: SqliteDatabase, access_token_ttl: Duration) -> Self {
        Self {
            database,
            access_token_ttl,
        }
    }
}
