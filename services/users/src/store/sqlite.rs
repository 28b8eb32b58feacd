//! The people in SQLite. Its one writer keeps changes apart, so that nothing
//! needs a lock of its own.

use async_trait::async_trait;
use portico_chassis::{
    database::{SqliteDatabase, Write},
    status::Error,
};
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool};
use uuid::Uuid;

use super::{
    changes::Engine,
    sql::{GET, Row, purges, select_users},
};

/// Keeps the people in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
}

impl SqliteStore {
    /// Whether it is told how to find the rows of a list. It knows nothing of its data.
    pub(super) const IS_TOLD: bool = true;

    pub(crate) fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &SqlitePool {
        &self.database.readers
    }

    pub(super) async fn rows_of(&self, ids: &[Uuid]) -> Result<Vec<Row>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!("{} WHERE id IN ({})", select_users!(""), places.join(", "));
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(id);
        }
        Ok(query.fetch_all(self.reader()).await?)
    }
}

#[async_trait]
impl Engine for SqliteStore {
    const NAME: &'static str = "sqlite";

    type Transaction = SqliteTransaction;

    async fn begin(&self) -> Result<SqliteTransaction, Error> {
        Ok(SqliteTransaction(self.database.begin().await?))
    }
}

/// A transaction in SQLite.
pub(super) struct SqliteTransaction(pub(super) Write<Sqlite>);

impl SqliteTransaction {
    pub(super) const UNIQUE_EMAIL: &'static str = "users.email_key";
    pub(super) const LOCK_PURGES: [&'static str; 2] = purges!("");
    pub(super) const LOCK: &'static str = GET;
    pub(super) const LOCK_ADMINS: Option<&'static str> = None;
}
