//! The people in PostgreSQL.

use async_trait::async_trait;
use portico_chassis::{
    database::begin,
    outbox::{self, Event, Origin},
    page::{Page, Paging, Sort, Total},
    status::Error,
};
use sqlx::{AssertSqlSafe, PgPool, Postgres};
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

/// Keeps the people in PostgreSQL.
pub(crate) struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Queries for PostgresStore {
    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn get(&self, id: Uuid) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error> {
        let rows: Vec<Row> = sqlx::query_as(select_users!("WHERE id = ANY($1)"))
            .bind(ids)
            .fetch_all(&self.pool)
            .await?;
        Ok(users(rows))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
    async fn lookup(&self, email: &Email) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(LOOKUP)
            .bind(email.key())
            .fetch_optional(&self.pool)
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
        let rows = bind_bookmark!(rows, paging).fetch_all(&self.pool).await?;
        let total = Total::counted(count.fetch_one(&self.pool).await?, sql.is_filtered);
        Ok(Page::of(users(rows), total, paging))
    }
}

#[async_trait]
impl Engine for PostgresStore {
    const NAME: &'static str = "postgresql";

    type Transaction = PostgresTransaction;

    async fn begin(&self) -> Result<PostgresTransaction, Error> {
        Ok(PostgresTransaction(begin(&self.pool).await?))
    }
}

/// A transaction in PostgreSQL.
pub(super) struct PostgresTransaction(sqlx::Transaction<'static, Postgres>);

impl PostgresTransaction {
    async fn one(&mut self, sql: &'static str, id: Uuid) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&mut *self.0)
            .await?;
        Ok(row.map(User::from))
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn insert(&mut self, user: &User) -> Result<bool, Error> {
        let inserted = bind_user!(INSERT, user).execute(&mut *self.0).await?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn get(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        self.one(GET, id).await
    }

    async fn lock(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        self.one(select_users!("WHERE id = $1 FOR UPDATE"), id)
            .await
    }

    async fn lock_among_admins(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        // In the order of ids, so that no two changes wait for each other.
        let locked = "SELECT id FROM users \
            WHERE id = $1 OR (role = 'ADMIN' AND status = 'ACTIVE') ORDER BY id FOR UPDATE";
        sqlx::query(locked).bind(id).execute(&mut *self.0).await?;
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
        outbox::append_postgres(&mut self.0, origin, event).await
    }

    async fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit().await?)
    }
}
