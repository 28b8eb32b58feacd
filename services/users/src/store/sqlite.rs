//! The people in SQLite. Its one writer keeps changes apart, so that nothing
//! needs a lock of its own.

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, SqliteDatabase, Write},
    page::Search,
    status::Error,
};
use sqlx::{AssertSqlSafe, Sqlite};
use uuid::Uuid;

use super::{
    Filter,
    changes::Engine,
    sql::{self, GET, Row, Way, purges, select_users},
};

/// Keeps the people in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
}

impl SqliteStore {
    pub(crate) fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Sqlite> {
        &self.database.readers
    }

    /// How many people there are in a list, up to the cap, and how a page of it is
    /// found: it knows nothing of its data.
    pub(super) async fn tell(&self, filter: &Filter) -> Result<(i64, Way), Error> {
        let trigrams = filter.search.as_ref().and_then(Search::trigrams);
        let (Some(search), Some(trigrams)) = (&filter.search, trigrams) else {
            let count = self.count(filter).await?;
            return Ok((count, Way::of(count, Way::Gathered)));
        };
        let counted = sqlx::query_as(AssertSqlSafe(sql::count_by_trigrams(filter)))
            .bind(search.pattern())
            .bind(trigrams);
        let (is_common, count): (bool, i64) = counted.fetch_one(self.reader()).await?;
        let few = if is_common { Way::Gathered } else { Way::Found };
        Ok((count, Way::of(count, few)))
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
