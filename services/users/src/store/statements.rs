//! The statements, for each database. They are the same but for what each
//! database's own file says: where it reads, and what it locks.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::unique_violation,
    email_address::EmailAddress,
    outbox::{self, Event, Origin},
    page::{Page, Paging, Sort, Total, bind_bookmark},
    status::Error,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Column, Filter, Queries, Reservation,
    changes::{Engine, Transaction},
    postgres::{PostgresStore, PostgresTransaction},
    sql::{
        self, ANNOUNCE_PURGE, FORGET_RESERVATIONS, GET, INSERT, IS_RESERVED, LOOKUP, OTHER_ADMINS,
        REMOVE, RESERVE, RESERVED, Row, UPDATE, Way, bind_user, users,
    },
    sqlite::{SqliteStore, SqliteTransaction},
};
use crate::{error, user::User};

macro_rules! statements {
    ($store:ty, $transaction:ty, $forget_addresses:path, $forget_payloads:path) => {
        impl $store {
            /// How many people there are in a list, up to the cap.
            pub(super) async fn count(&self, filter: &Filter) -> Result<i64, Error> {
                let mut count = sqlx::query_scalar(AssertSqlSafe(sql::count(filter)));
                if let Some(search) = &filter.search {
                    count = count.bind(search.pattern());
                }
                Ok(count.fetch_one(self.reader()).await?)
            }
        }

        #[async_trait]
        impl Queries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn get(&self, id: Uuid) -> Result<Option<User>, Error> {
                let row: Option<Row> = sqlx::query_as(GET)
                    .bind(id)
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(User::from))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn batch_get(&self, ids: &[Uuid]) -> Result<Vec<User>, Error> {
                // PostgreSQL plans for arrays anew each time, which takes longer
                // than to look one person up.
                if let [id] = ids {
                    return Ok(self.get(*id).await?.into_iter().collect());
                }
                Ok(users(self.rows_of(ids).await?))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn lookup(&self, email: &EmailAddress) -> Result<Option<User>, Error> {
                let row: Option<Row> = sqlx::query_as(LOOKUP)
                    .bind(email.key())
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(User::from))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn reserved(&self, id: Uuid, now: Timestamp) -> Result<Vec<String>, Error> {
                let query = sqlx::query_scalar(RESERVED).bind(id).bind(now);
                Ok(query.fetch_all(self.reader()).await?)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn list(
                &self,
                filter: &Filter,
                sort: Sort<Column>,
                paging: &Paging,
            ) -> Result<Page<User>, Error> {
                let (count, way) = self.tell(filter).await?;
                let sql = sql::page(filter, sort, paging, way);
                // A plan for any word would be a bad one for most.
                let keeps_plan = way != Way::Planned || filter.search.is_none();
                let mut rows = sqlx::query_as::<_, Row>(AssertSqlSafe(sql)).persistent(keeps_plan);
                if let Some(search) = &filter.search {
                    rows = rows.bind(search.pattern());
                    if way == Way::Found {
                        rows = rows.bind(search.trigrams());
                    }
                }
                let rows = bind_bookmark!(rows, paging)
                    .fetch_all(self.reader())
                    .await?;
                let total = Total::counted(count, true);
                Ok(Page::of(users(rows), total, paging))
            }
        }

        #[async_trait]
        impl Transaction for $transaction {
            async fn insert(&mut self, user: &User) -> Result<bool, Error> {
                let inserted = bind_user!(INSERT, user).execute(&mut self.0).await?;
                Ok(inserted.rows_affected() == 1)
            }

            async fn get(&mut self, id: Uuid) -> Result<Option<User>, Error> {
                let row: Option<Row> = sqlx::query_as(GET)
                    .bind(id)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(User::from))
            }

            async fn lock(&mut self, id: Uuid) -> Result<Option<User>, Error> {
                let row: Option<Row> = sqlx::query_as(Self::LOCK)
                    .bind(id)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(User::from))
            }

            async fn lock_among_admins(&mut self, id: Uuid) -> Result<Option<User>, Error> {
                if let Some(lock) = Self::LOCK_ADMINS {
                    sqlx::query(lock).bind(id).execute(&mut self.0).await?;
                }
                self.get(id).await
            }

            async fn other_admins(&mut self, id: Uuid) -> Result<i64, Error> {
                let others = sqlx::query_scalar(OTHER_ADMINS)
                    .bind(id)
                    .fetch_one(&mut self.0)
                    .await?;
                Ok(others)
            }

            async fn update(&mut self, user: &User) -> Result<(), Error> {
                match bind_user!(UPDATE, user).execute(&mut self.0).await {
                    Err(failure) if unique_violation(&failure) == Some(Self::UNIQUE_EMAIL) => {
                        Err(error::email_exists())
                    }
                    updated => Ok(updated.map(drop)?),
                }
            }

            async fn is_reserved(
                &mut self,
                key: &str,
                id: Uuid,
                now: Timestamp,
            ) -> Result<bool, Error> {
                let query = sqlx::query_scalar(IS_RESERVED).bind(key).bind(id).bind(now);
                Ok(query.fetch_one(&mut self.0).await?)
            }

            async fn reserve(&mut self, reservation: &Reservation) -> Result<(), Error> {
                sqlx::query(RESERVE)
                    .bind(&reservation.key)
                    .bind(reservation.user_id)
                    .bind(reservation.until)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn forget_reservations(&mut self, now: Timestamp) -> Result<(), Error> {
                let query = sqlx::query(FORGET_RESERVATIONS).bind(now);
                query.execute(&mut self.0).await?;
                Ok(())
            }

            async fn lock_deleted(&mut self, before: Timestamp) -> Result<Vec<User>, Error> {
                let [deleted, _] = Self::LOCK_PURGES;
                let query = sqlx::query_as(deleted).bind(before);
                Ok(users(query.fetch_all(&mut self.0).await?))
            }

            async fn announce_purge(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
                let query = sqlx::query(ANNOUNCE_PURGE).bind(id).bind(at);
                query.execute(&mut self.0).await?;
                Ok(())
            }

            async fn lock_announced(&mut self, before: Timestamp) -> Result<Vec<User>, Error> {
                let [_, announced] = Self::LOCK_PURGES;
                let query = sqlx::query_as(announced).bind(before);
                Ok(users(query.fetch_all(&mut self.0).await?))
            }

            async fn remove(&mut self, nobody: &User) -> Result<(), Error> {
                for sql in REMOVE {
                    let query = sqlx::query(sql).bind(nobody.id);
                    query.execute(&mut self.0).await?;
                }
                $forget_addresses(&mut self.0, nobody.id).await?;
                $forget_payloads(&mut self.0, nobody.id, nobody).await
            }

            async fn append(
                &mut self,
                origin: &Origin,
                event: Event<'_, User>,
            ) -> Result<(), Error> {
                outbox::append(&mut self.0, origin, event).await
            }

            async fn commit(self) -> Result<(), Error> {
                self.0.commit().await
            }
        }
    };
}
statements!(
    PostgresStore,
    PostgresTransaction,
    outbox::forget_addresses_postgres,
    outbox::forget_payloads_postgres
);
statements!(
    SqliteStore,
    SqliteTransaction,
    outbox::forget_addresses_sqlite,
    outbox::forget_payloads_sqlite
);
