//! The statements about what is kept of a person.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::{self, Actor},
    status::Error,
};
use uuid::Uuid;

use super::super::{
    PrivacyQueries,
    changes::{AboutAccount, Engine, PrivacyStatements},
    postgres::{PostgresStore, PostgresTransaction},
    sql::{
        SessionRow,
        links::{EMAIL_CHANGES_OF, EmailChangeRow},
        privacy as sql,
    },
    sqlite::{SqliteStore, SqliteTransaction},
};
use crate::{link::EmailChange, session::Session};

macro_rules! privacy_statements {
    ($store:ty, $transaction:ty, $forget_addresses:path, $forget_payloads:path) => {
        #[async_trait]
        impl PrivacyQueries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn password_set_at(&self, user_id: Uuid) -> Result<Option<Timestamp>, Error> {
                Ok(sqlx::query_scalar(sql::PASSWORD_SET_AT)
                    .bind(user_id)
                    .fetch_optional(self.reader())
                    .await?)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn all_sessions(
                &self,
                user_id: Uuid,
                now: Timestamp,
            ) -> Result<Vec<Session>, Error> {
                let rows: Vec<SessionRow> = sqlx::query_as(sql::ALL_SESSIONS)
                    .bind(user_id)
                    .bind(now)
                    .fetch_all(self.reader())
                    .await?;
                Ok(rows.into_iter().map(Session::from).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn email_changes(&self, user_id: Uuid) -> Result<Vec<EmailChange>, Error> {
                let rows: Vec<EmailChangeRow> = sqlx::query_as(EMAIL_CHANGES_OF)
                    .bind(user_id)
                    .fetch_all(self.reader())
                    .await?;
                rows.into_iter().map(EmailChange::try_from).collect()
            }
        }

        #[async_trait]
        impl PrivacyStatements for $transaction {
            async fn forget_rows(&mut self, user_id: Uuid) -> Result<(), Error> {
                for forget in sql::FORGET_ROWS {
                    run!(self, forget, user_id);
                }
                Ok(())
            }

            async fn forget_events(
                &mut self,
                user_id: Uuid,
                told: &AboutAccount,
            ) -> Result<(), Error> {
                let actor = Actor::User(user_id).to_string();
                let payload = serde_json::to_string(told).map_err(Error::internal)?;
                run!(self, sql::FORGET_EVENTS, actor, payload);
                $forget_payloads(&mut self.0, user_id, told).await?;
                $forget_addresses(&mut self.0, user_id).await
            }
        }
    };
}
privacy_statements!(
    PostgresStore,
    PostgresTransaction,
    outbox::forget_addresses_postgres,
    outbox::forget_payloads_postgres
);
privacy_statements!(
    SqliteStore,
    SqliteTransaction,
    outbox::forget_addresses_sqlite,
    outbox::forget_payloads_sqlite
);
