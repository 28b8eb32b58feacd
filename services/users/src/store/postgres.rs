//! The people in PostgreSQL.

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, PostgresDatabase, Write},
    status::Error,
};
use sqlx::Postgres;
use uuid::Uuid;

use super::{
    Filter,
    changes::Engine,
    sql::{Row, Way, purges, select_users},
};

/// Keeps the people in PostgreSQL.
pub(crate) struct PostgresStore {
    database: PostgresDatabase,
}

impl PostgresStore {
    pub(crate) fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Postgres> {
        &self.database.pool
    }

    /// How many people there are in a list, up to the cap, and how a page of it is
    /// found.
    pub(super) async fn tell(&self, filter: &Filter) -> Result<(i64, Way), Error> {
        Ok((self.count(filter).await?, Way::Planned))
    }

    pub(super) async fn rows_of(&self, ids: &[Uuid]) -> Result<Vec<Row>, Error> {
        let rows = sqlx::query_as(select_users!("WHERE id = ANY($1)"))
            .bind(ids)
            .fetch_all(&self.database.pool)
            .await?;
        Ok(rows)
    }
}

#[async_trait]
impl Engine for PostgresStore {
    const NAME: &'static str = "postgresql";

    type Transaction = PostgresTransaction;

    async fn begin(&self) -> Result<PostgresTransaction, Error> {
        Ok(PostgresTransaction(self.database.begin().await?))
    }
}

/// A transaction in PostgreSQL.
pub(super) struct PostgresTransaction(pub(super) Write<Postgres>);

impl PostgresTransaction {
    pub(super) const UNIQUE_EMAIL: &'static str = "users_email_key";
    /// Who is changed at this moment is looked at the next time.
    pub(super) const LOCK_PURGES: [&'static str; 2] = purges!(" FOR UPDATE SKIP LOCKED");
    pub(super) const LOCK: &'static str = select_users!("WHERE id = $1 FOR UPDATE");

    /// In the order of ids, so that no two changes wait for each other.
    pub(super) const LOCK_ADMINS: Option<&'static str> = Some(
        "SELECT id FROM users \
         WHERE id = $1 OR (role = 'ADMIN' AND status = 'ACTIVE') ORDER BY id FOR UPDATE",
    );
}
