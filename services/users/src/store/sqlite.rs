//! The people in SQLite. Its one writer keeps changes apart, so that nothing
//! needs a lock of its own.

use async_trait::async_trait;
use portico_chassis::{
    database::SqliteDatabase,
    outbox::{self, Event, Origin},
    page::{Page, Paging, Sort, Total},
    status::Error,
};
use sqlx::{AssertSqlSafe, Sqlite};
use uuid::Uuid;

use super::{
    Column, Filter, Queries,
    changes::{Engine, Transaction},
    sql::{
        GET, INSERT, LOOKUP, ListSql, OTHER_ADMINS, Row, UPDATE, bind_bookmark, bind_user,
        select_users, users,
    },
};
use crate::user::{Email, User};

/// Keeps the people in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
}

impl SqliteStore {
    pub(crate) fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Queries for SqliteStore {
    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn get(&self, id: Uuid) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error> {
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!("{} WHERE id IN ({})", select_users!(""), places.join(", "));
        let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(id);
        }
        Ok(users(query.fetch_all(&self.database.readers).await?))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn lookup(&self, email: &Email) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(LOOKUP)
            .bind(email.key())
            .fetch_optional(&self.database.readers)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn list(
        &self,
        filter: &Filter,
        sort: Sort<Column>,
        paging: &Paging,
    ) -> Result<Page<User>, Error> {
        let sql = ListSql::new(filter, sort, paging);
        let mut rows = sqlx::query_as::<_, Row>(AssertSqlSafe(sql.rows));
        let mut count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql.count));
        if let Some(pattern) = &sql.pattern {
            rows = rows.bind(pattern);
            count = count.bind(pattern);
        }
        let rows = bind_bookmark!(rows, paging)
            .fetch_all(&self.database.readers)
            .await?;
        let total = Total::counted(
            count.fetch_one(&self.database.readers).await?,
            sql.is_filtered,
        );
        Ok(Page::of(users(rows), total, paging))
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
pub(super) struct SqliteTransaction(sqlx::Transaction<'static, Sqlite>);

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn insert(&mut self, user: &User) -> Result<bool, Error> {
        let inserted = bind_user!(INSERT, user).execute(&mut *self.0).await?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn get(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(&mut *self.0)
            .await?;
        Ok(row.map(User::from))
    }

    async fn lock(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        self.get(id).await
    }

    async fn lock_among_admins(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        self.get(id).await
    }

    async fn other_admins(&mut self, id: Uuid) -> Result<i64, Error> {
        let others = sqlx::query_scalar(OTHER_ADMINS)
            .bind(id)
            .fetch_one(&mut *self.0)
            .await?;
        Ok(others)
    }

    async fn update(&mut self, user: &User) -> Result<(), Error> {
        bind_user!(UPDATE, user).execute(&mut *self.0).await?;
        Ok(())
    }

    async fn append(&mut self, origin: &Origin, event: Event<'_, User>) -> Result<(), Error> {
        outbox::append_sqlite(&mut self.0, origin, event).await
    }

    async fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit().await?)
    }
}
