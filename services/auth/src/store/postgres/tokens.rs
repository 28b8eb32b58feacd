//! Signing keys and revocations.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, database::begin, status::Error};

use super::PostgresStore;
use crate::{
    key::SealedKey,
    store::{
        Cursor, Revocation, TokenStore,
        sql::{self, KeyRow, RevocationRow, add_key},
    },
};

/// Of two who add a key at once, the second waits.
const LOCK_KEYS: &str = "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE";

/// Every transaction below the snapshot's `xmin` has ended, so what it wrote is
/// seen, and nothing will appear before it. What is above is seen as soon as
/// it is committed.
const REVOCATIONS: &str = "SELECT xid::text::bigint AS xid, seq, session_id, user_id, \
    revoked_at, expires_at, xid < pg_snapshot_xmin(pg_current_snapshot()) AS is_settled \
    FROM revocations WHERE (xid, seq) > ($1::text::xid8, $2) AND expires_at > $3 \
    ORDER BY revocations.xid, seq";

#[async_trait]
impl TokenStore for PostgresStore {
    #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn signing_keys(&self) -> Result<Vec<SealedKey>, Error> {
        let rows: Vec<KeyRow> = sqlx::query_as(sql::SIGNING_KEYS)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(SealedKey::from).collect())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn add_signing_key(&self, key: &SealedKey, newest: Option<&str>) -> Result<bool, Error> {
        let mut transaction = begin(&self.pool).await?;
        sqlx::query(LOCK_KEYS).execute(&mut *transaction).await?;
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

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn remove_signing_key(
        &self,
        kid: &str,
        successor: Option<&SealedKey>,
    ) -> Result<bool, Error> {
        let mut transaction = begin(&self.pool).await?;
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

    #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn revocations(&self, after: Cursor, now: Timestamp) -> Result<Vec<Revocation>, Error> {
        let rows: Vec<RevocationRow> = sqlx::query_as(REVOCATIONS)
            .bind(after.transaction.to_string())
            .bind(after.number)
            .bind(now)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(Revocation::from).collect())
    }
}
