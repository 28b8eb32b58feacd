//! Signing keys.

use async_trait::async_trait;
use portico_chassis::status::Error;

use super::{Engine, Transaction as _};
use crate::{key::SealedKey, store::TokenStore};

#[async_trait]
impl<E: Engine> TokenStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_signing_key(&self, key: &SealedKey, newest: Option<&str>) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_keys().await?;
        let known = transaction.newest_key().await?;
        if known.as_deref() != newest {
            return Ok(false);
        }
        transaction.add_key(key).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn remove_signing_key(
        &self,
        kid: &str,
        successor: Option<&SealedKey>,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        if !transaction.remove_key(kid).await? {
            return Ok(false);
        }
        if let Some(key) = successor {
            transaction.add_key(key).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}
