//! The statements about API keys, service accounts and impersonations, for each
//! database.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    idempotency::{self, IdempotencyKey},
    page::{Page, Paging, Sort, Total, bind_bookmark},
    status::Error,
    token::KeyHash,
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    api_key::{ApiKey, Holder, Owner, ServiceAccount, ShownKey},
    impersonation::{Ending, Impersonation},
    store::{
        ApiKeyQueries,
        changes::{Engine, api_keys::ApiKeyStatements, impersonations::ImpersonationStatements},
        postgres::{PostgresStore, PostgresTransaction},
        sql::api_keys::{self as sql, ApiKeyRow, ImpersonationRow, ServiceAccountRow, ShownKeyRow},
        sqlite::{SqliteStore, SqliteTransaction},
    },
};

/// The newest first.
const NEWEST: Sort<()> = Sort {
    column: (),
    is_descending: true,
};

macro_rules! queries {
    ($store:ty) => {
        #[async_trait]
        impl ApiKeyQueries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn api_keys(
                &self,
                owner: Owner,
                paging: &Paging,
            ) -> Result<Page<ApiKey>, Error> {
                let order = NEWEST.sql("created_at", "id", paging, 3);
                let sql = AssertSqlSafe(sql::API_KEYS.to_owned() + &order);
                let rows = sqlx::query_as::<_, ApiKeyRow>(sql)
                    .bind(owner.id())
                    .bind(owner.is_service_account());
                let rows = bind_bookmark!(rows, paging).fetch_all(self.reader()).await?;
                let count: i64 = sqlx::query_scalar(sql::COUNT_API_KEYS)
                    .bind(owner.id())
                    .bind(owner.is_service_account())
                    .fetch_one(self.reader())
                    .await?;
                let keys = rows.into_iter().map(ApiKey::from).collect();
                Ok(Page::of(keys, Total::counted(count, false), paging))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn shown_key(&self, hash: KeyHash) -> Result<Option<ShownKey>, Error> {
                let row: Option<ShownKeyRow> = sqlx::query_as(sql::SHOWN_KEY)
                    .bind(&hash.0[..])
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(ShownKey::from))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn service_accounts(
                &self,
                paging: &Paging,
            ) -> Result<Page<ServiceAccount>, Error> {
                let order = NEWEST.sql("created_at", "id", paging, 1);
                let sql = AssertSqlSafe(sql::SERVICE_ACCOUNTS.to_owned() + &order);
                let rows = sqlx::query_as::<_, ServiceAccountRow>(sql);
                let rows = bind_bookmark!(rows, paging).fetch_all(self.reader()).await?;
                let count: i64 = sqlx::query_scalar(sql::COUNT_SERVICE_ACCOUNTS)
                    .fetch_one(self.reader())
                    .await?;
                let accounts = rows.into_iter().map(ServiceAccount::from).collect();
                Ok(Page::of(accounts, Total::counted(count, false), paging))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn service_account(&self, id: Uuid) -> Result<Option<ServiceAccount>, Error> {
                let row: Option<ServiceAccountRow> = sqlx::query_as(sql::SERVICE_ACCOUNT)
                    .bind(id)
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(ServiceAccount::from))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn named_service_accounts(
                &self,
                ids: &[Uuid],
            ) -> Result<Vec<ServiceAccount>, Error> {
                if ids.is_empty() {
                    return Ok(Vec::new());
                }
                let numbers: Vec<String> =
                    (1..=ids.len()).map(|number| format!("${number}")).collect();
                let sql = format!("{}({})", sql::NAMED_SERVICE_ACCOUNTS, numbers.join(", "));
                let mut rows = sqlx::query_as::<_, ServiceAccountRow>(AssertSqlSafe(sql));
                for id in ids {
                    rows = rows.bind(id);
                }
                let rows = rows.fetch_all(self.reader()).await?;
                Ok(rows.into_iter().map(ServiceAccount::from).collect())
            }
        }
    };
}
queries!(PostgresStore);
queries!(SqliteStore);

macro_rules! statements {
    ($transaction:ty, $claim:path, $keep:path) => {
        #[async_trait]
        impl ApiKeyStatements for $transaction {
            async fn claim_once<T: DeserializeOwned>(
                &mut self,
                key: Option<&IdempotencyKey>,
                now: Timestamp,
            ) -> Result<Option<T>, Error> {
                $claim(&mut self.0, key, now).await
            }

            async fn keep_answer<T: Serialize + Sync>(
                &mut self,
                key: Option<&IdempotencyKey>,
                answer: &T,
            ) -> Result<(), Error> {
                $keep(&mut self.0, key, answer).await
            }

            async fn count_api_keys(&mut self, owner: Owner) -> Result<i64, Error> {
                Ok(sqlx::query_scalar(sql::COUNT_API_KEYS)
                    .bind(owner.id())
                    .bind(owner.is_service_account())
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn insert_api_key(&mut self, key: &ApiKey, hash: KeyHash) -> Result<(), Error> {
                run!(
                    self,
                    sql::INSERT_API_KEY,
                    key.id,
                    key.owner.id(),
                    key.owner.is_service_account(),
                    &key.name,
                    &key.prefix,
                    &hash.0[..],
                    key.scopes.to_string(),
                    key.created_at,
                    key.expires_at
                );
                Ok(())
            }

            async fn revoke_api_key(
                &mut self,
                owner: Owner,
                id: Uuid,
                at: Timestamp,
                forget_at: Timestamp,
            ) -> Result<bool, Error> {
                let (owner_id, is_account) = (owner.id(), owner.is_service_account());
                let sql = sql::REVOKE_API_KEY;
                Ok(run!(self, sql, owner_id, is_account, id, at, forget_at) == 1)
            }

            async fn revoke_api_keys(
                &mut self,
                owner: Owner,
                at: Timestamp,
                forget_at: Timestamp,
            ) -> Result<Vec<Uuid>, Error> {
                Ok(sqlx::query_scalar(sql::REVOKE_API_KEYS)
                    .bind(owner.id())
                    .bind(owner.is_service_account())
                    .bind(at)
                    .bind(forget_at)
                    .fetch_all(&mut self.0)
                    .await?)
            }

            async fn note_key_use(&mut self, id: Uuid, now: Timestamp) -> Result<(), Error> {
                run!(self, sql::NOTE_KEY_USE, id, now);
                Ok(())
            }

            async fn keep_holder(&mut self, holder: &Holder) -> Result<(), Error> {
                run!(
                    self,
                    sql::KEEP_HOLDER,
                    holder.user_id,
                    &holder.email,
                    holder.is_admin,
                    holder.is_active
                );
                Ok(())
            }

            async fn update_holder(&mut self, holder: &Holder) -> Result<(), Error> {
                run!(
                    self,
                    sql::UPDATE_HOLDER,
                    holder.user_id,
                    &holder.email,
                    holder.is_admin,
                    holder.is_active
                );
                Ok(())
            }

            async fn insert_service_account(
                &mut self,
                account: &ServiceAccount,
            ) -> Result<(), Error> {
                let sql = sql::INSERT_SERVICE_ACCOUNT;
                run!(self, sql, account.id, &account.name, account.created_at);
                Ok(())
            }

            async fn hold_service_account(&mut self, id: Uuid) -> Result<bool, Error> {
                Ok(run!(self, sql::HOLD_SERVICE_ACCOUNT, id) == 1)
            }

            async fn delete_service_account(
                &mut self,
                id: Uuid,
                at: Timestamp,
            ) -> Result<bool, Error> {
                Ok(run!(self, sql::DELETE_SERVICE_ACCOUNT, id, at) == 1)
            }
        }

        #[async_trait]
        impl ImpersonationStatements for $transaction {
            async fn insert_impersonation(
                &mut self,
                impersonation: &Impersonation,
            ) -> Result<(), Error> {
                run!(
                    self,
                    sql::INSERT_IMPERSONATION,
                    impersonation.id,
                    impersonation.user_id,
                    impersonation.admin_id,
                    impersonation.admin_session_id,
                    impersonation.expires_at
                );
                Ok(())
            }

            async fn delete_impersonations(
                &mut self,
                ending: Ending,
            ) -> Result<Vec<Impersonation>, Error> {
                let (sql, id) = match ending {
                    Ending::Itself(id) => (sql::END_IMPERSONATION, id),
                    Ending::Session(id) => (sql::END_IMPERSONATIONS_OF_SESSION, id),
                    Ending::Person(id) => (sql::END_IMPERSONATIONS_OF_PERSON, id),
                };
                let rows: Vec<ImpersonationRow> =
                    sqlx::query_as(sql).bind(id).fetch_all(&mut self.0).await?;
                Ok(rows.into_iter().map(Impersonation::from).collect())
            }
        }
    };
}
statements!(
    PostgresTransaction,
    idempotency::claim_postgres,
    idempotency::store_postgres
);
statements!(
    SqliteTransaction,
    idempotency::claim_sqlite,
    idempotency::store_sqlite
);
