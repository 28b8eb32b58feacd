//! The people in PostgreSQL.

use async_trait::async_trait;
use portico_chassis::{
    database::begin,
    etag::IfMatch,
    outbox::{self, Origin},
    page::{Page, Paging, Sort, SortKey, Total},
    status::Error,
};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use super::{
    COLUMNS, Column, Filter, GET, INSERT, LOOKUP, ListSql, OTHER_ADMINS, Row, Store, UPDATE,
    bind_user, event, users,
};
use crate::{
    error,
    user::{Change, Email, Status, User},
};

/// Like [`GET`], and nobody else changes the person until the transaction ends.
const GET_LOCKED: &str = "SELECT id, email, name, avatar, role, status, email_verified, version, \
    created_at, updated_at, deleted_at FROM users WHERE id = $1 FOR UPDATE";

/// Locks a person and all active administrators, always in the order of their
/// ids, so that two changes which each leave one administrator wait for each
/// other.
const LOCK_ADMINS: &str = "SELECT id FROM users \
    WHERE id = $1 OR (role = 'ADMIN' AND status = 'ACTIVE') ORDER BY id FOR UPDATE";

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
impl Store for PostgresStore {
    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn create(&self, user: &User, origin: &Origin) -> Result<User, Error> {
        let mut transaction = begin(&self.pool).await?;
        let inserted = bind_user!(INSERT, user).execute(&mut *transaction).await?;
        if inserted.rows_affected() == 1 {
            append(&mut transaction, origin, "user.created", user).await?;
            transaction.commit().await?;
            return Ok(user.clone());
        }
        let known = get(&mut transaction, GET, user.id).await?;
        known
            .filter(|known| known.email.key() == user.email.key())
            .ok_or_else(error::email_exists)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn get(&self, id: Uuid) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error> {
        let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE id = ANY($1)"));
        let rows: Vec<Row> = sqlx::query_as(sql).bind(ids).fetch_all(&self.pool).await?;
        Ok(users(rows))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn lookup(&self, email: &Email) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(LOOKUP)
            .bind(email.key())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
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
        if let Some(after) = paging.after() {
            rows = match &after.key {
                SortKey::Text(text) => rows.bind(text),
                SortKey::Time(time) => rows.bind(time),
            };
            rows = rows.bind(after.id);
        }
        let rows = rows.fetch_all(&self.pool).await?;
        let total = Total::counted(count.fetch_one(&self.pool).await?, sql.is_filtered);
        Ok(Page::of(users(rows), total, paging))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn update(
        &self,
        id: Uuid,
        change: &Change,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<User, Error> {
        let mut transaction = begin(&self.pool).await?;
        if change.is_administrative() {
            lock_admins(&mut transaction, id).await?;
        }
        let user = get(&mut transaction, GET_LOCKED, id)
            .await?
            .ok_or_else(error::not_found)?;
        if_match.check(user.version)?;
        let Some(changed) = user.after(change, origin.at)? else {
            return Ok(user);
        };
        if user.is_active_admin() && !changed.is_active_admin() {
            keep_an_admin(&mut transaction, id).await?;
        }
        write(&mut transaction, origin, "user.updated", &changed).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn delete(&self, id: Uuid, if_match: &IfMatch, origin: &Origin) -> Result<(), Error> {
        let mut transaction = begin(&self.pool).await?;
        lock_admins(&mut transaction, id).await?;
        let user = deletable(&mut transaction, id, if_match).await?;
        let deleted = user.deleted(origin.at);
        write(&mut transaction, origin, "user.deleted", &deleted).await?;
        transaction.commit().await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn check_delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await?;
        deletable(&mut connection, id, if_match).await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn restore(&self, id: Uuid, origin: &Origin) -> Result<User, Error> {
        let mut transaction = begin(&self.pool).await?;
        let user = get(&mut transaction, GET_LOCKED, id)
            .await?
            .ok_or_else(error::not_found)?;
        if user.status != Status::Deleted {
            return Ok(user);
        }
        let restored = user.restored(origin.at);
        write(&mut transaction, origin, "user.restored", &restored).await?;
        transaction.commit().await?;
        Ok(restored)
    }
}

async fn get(
    connection: &mut PgConnection,
    sql: &'static str,
    id: Uuid,
) -> Result<Option<User>, Error> {
    let row: Option<Row> = sqlx::query_as(sql)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(User::from))
}

async fn lock_admins(transaction: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    sqlx::query(LOCK_ADMINS)
        .bind(id)
        .execute(transaction)
        .await?;
    Ok(())
}

/// The person, if it may be deleted.
async fn deletable(
    connection: &mut PgConnection,
    id: Uuid,
    if_match: &IfMatch,
) -> Result<User, Error> {
    let user = get(connection, GET, id)
        .await?
        .filter(|user| user.status != Status::Deleted)
        .ok_or_else(error::not_found)?;
    if_match.check(user.version)?;
    if user.is_active_admin() {
        keep_an_admin(connection, id).await?;
    }
    Ok(user)
}

/// Nothing, if there is an active administrator beside this one.
async fn keep_an_admin(connection: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    let others: i64 = sqlx::query_scalar(OTHER_ADMINS)
        .bind(id)
        .fetch_one(connection)
        .await?;
    if others == 0 {
        return Err(error::last_admin());
    }
    Ok(())
}

async fn write(
    transaction: &mut PgConnection,
    origin: &Origin,
    kind: &'static str,
    user: &User,
) -> Result<(), Error> {
    bind_user!(UPDATE, user).execute(&mut *transaction).await?;
    append(transaction, origin, kind, user).await
}

async fn append(
    transaction: &mut PgConnection,
    origin: &Origin,
    kind: &'static str,
    user: &User,
) -> Result<(), Error> {
    outbox::append_postgres(transaction, origin, event(kind, user)).await
}
