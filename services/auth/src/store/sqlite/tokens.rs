//! Signing keys and revocations.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, status::Error};

use super::SqliteStore;
use crate::{
    key::SealedKey,
    store::{
        Cursor, Revocation, TokenStore,
        sql::{self, KeyRow, RevocationRow, add_key},
    },
};

/// One transaction follows another, so that all are settled.
const REVOCATIONS: &str = "SELECT 0 AS xid, seq, session_id, user_id, revoked_at, expires_at, \
    true AS is_settled FROM revocations WHERE seq > $1 AND expires_at > $2 ORDER BY seq";

#[async_trait]
impl TokenStore for SqliteStore {
    #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn signing_keys(&self) -> Result<Vec<SealedKey>, Error> {
        let rows: Vec<KeyRow> = sqlx::query_as(sql::SIGNING_KEYS)
            .fetch_all(&self.database.readers)
            .await?;
        Ok(rows.into_iter().map(SealedKey::from).collect())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn add_signing_key(&self, key: &SealedKey, newest: Option<&str>) -> Result<bool, Error> {
        let mut transaction = self.database.begin().await?;
        let known: Option<String> = sqlx::query_scalar(sql::NEWEST_KEY)
            .fetch_optional(&mut *transaction)
            .await?;
        if known.as_deref() != newest {
            return Ok(false);
        }
        add_key!(key).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn remove_signing_key(
        &self,
        kid: &str,
        successor: Option<&SealedKey>,
    ) -> Result<bool, Error> {
        let mut transaction = self.database.begin().await?;
        let removed = sqlx::query(sql::REMOVE_KEY)
            .bind(kid)
            .execute(&mut *transaction)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some(key) = successor {
            add_key!(key).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = "sqlite", otel.kind = "client"))]
    async fn revocations(&self, after: Cursor, now: Timestamp) -> Result<Vec<Revocation>, Error> {
        let rows: Vec<RevocationRow> = sqlx::query_as(REVOCATIONS)
            .bind(after.number)
            .bind(now)
            .fetch_all(&self.database.readers)
            .await?;
        Ok(rows.into_iter().map(Revocation::from).collect())
    }
}
