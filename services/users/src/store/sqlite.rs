//! The people in SQLite, whose one writer keeps changes apart.

use async_trait::async_trait;
use portico_chassis::{
    database::SqliteDatabase,
    etag::IfMatch,
    outbox::{self, Origin},
    page::{Page, Paging, Sort, SortKey, Total},
    status::Error,
};
use sqlx::{AssertSqlSafe, SqliteConnection};
use uuid::Uuid;

use super::{
    COLUMNS, Column, Filter, GET, INSERT, LOOKUP, ListSql, OTHER_ADMINS, Row, Store, UPDATE,
    bind_user, event, users,
};
use crate::{
    error,
    user::{Change, Email, Status, User},
};

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
impl Store for SqliteStore {
    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn create(&self, user: &User, origin: &Origin) -> Result<User, Error> {
        let mut transaction = self.database.begin().await?;
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

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn get(&self, id: Uuid) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error> {
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let places = places.join(", ");
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM users WHERE id IN ({places})"
        ));
        let mut query = sqlx::query_as::<_, Row>(sql);
        for id in ids {
            query = query.bind(id);
        }
        Ok(users(query.fetch_all(&self.database.readers).await?))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn lookup(&self, email: &Email) -> Result<Option<User>, Error> {
        let row: Option<Row> = sqlx::query_as(LOOKUP)
            .bind(email.key())
            .fetch_optional(&self.database.readers)
            .await?;
        Ok(row.map(User::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
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
        let rows = rows.fetch_all(&self.database.readers).await?;
        let total = Total::counted(
            count.fetch_one(&self.database.readers).await?,
            sql.is_filtered,
        );
        Ok(Page::of(users(rows), total, paging))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn update(
        &self,
        id: Uuid,
        change: &Change,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<User, Error> {
        let mut transaction = self.database.begin().await?;
        let user = get(&mut transaction, GET, id)
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

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn delete(&self, id: Uuid, if_match: &IfMatch, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        let user = deletable(&mut transaction, id, if_match).await?;
        let deleted = user.deleted(origin.at);
        write(&mut transaction, origin, "user.deleted", &deleted).await?;
        transaction.commit().await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn check_delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error> {
        let mut connection = self.database.readers.acquire().await?;
        deletable(&mut connection, id, if_match).await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn restore(&self, id: Uuid, origin: &Origin) -> Result<User, Error> {
        let mut transaction = self.database.begin().await?;
        let user = get(&mut transaction, GET, id)
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
    connection: &mut SqliteConnection,
    sql: &'static str,
    id: Uuid,
) -> Result<Option<User>, Error> {
    let row: Option<Row> = sqlx::query_as(sql)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(User::from))
}

/// The person, if it may be deleted.
async fn deletable(
    connection: &mut SqliteConnection,
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
async fn keep_an_admin(connection: &mut SqliteConnection, id: Uuid) -> Result<(), Error> {
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
    transaction: &mut SqliteConnection,
    origin: &Origin,
    kind: &'static str,
    user: &User,
) -> Result<(), Error> {
    bind_user!(UPDATE, user).execute(&mut *transaction).await?;
    append(transaction, origin, kind, user).await
}

async fn append(
    transaction: &mut SqliteConnection,
    origin: &Origin,
    kind: &'static str,
    user: &User,
) -> Result<(), Error> {
    outbox::append_sqlite(transaction, origin, event(kind, user)).await
}
