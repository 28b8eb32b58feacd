//! Credentials, sessions, keys and revocations in PostgreSQL.

mod accounts;
mod sessions;
mod tokens;

use std::time::Duration;

use sqlx::PgPool;

/// Keeps everything in PostgreSQL.
pub(crate) struct PostgresStore {
    pool: PgPool,
    access_token_ttl: Duration,
}

impl PostgresStore {
    pub(crate) fn new(pool: PgPool, access_token_ttl: Duration) -> Self {
        Self {
            pool,
            access_token_ttl,
        }
    }
}
