//! The deletion of accounts.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error, token::Revoked};
use uuid::Uuid;

use super::{Engine, Transaction as _, end_all, events::AboutAccount, revoke};
use crate::{
    error,
    session::EndReason,
    store::{Deletion, DeletionStore},
};

#[async_trait]
impl<E: Engine> DeletionStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn begin_deletion(&self, deletion: Deletion, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_deletions().await?;
        if let Some(heir_id) = deletion.heir_id
            && transaction.is_leaving(heir_id).await?
        {
            return Err(error::new_owner_not_found());
        }
        if transaction.is_heir(deletion.user_id).await? {
            return Err(error::inherits_projects());
        }
        transaction.begin_deletion(deletion, now).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn cancel_deletion(&self, user_id: Uuid) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.end_deletion(user_id).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn finish_deletion(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        if !transaction.end_deletion(user_id).await? {
            return Ok(());
        }
        transaction.lock_password(user_id).await?;
        let reason = EndReason::AccountClosed;
        end_all(self, &mut transaction, user_id, reason, origin).await?;
        revoke(self, &mut transaction, Revoked::User(user_id), origin.at).await?;
        let about = AboutAccount::of(user_id);
        transaction
            .append(origin, about.event("account.deleted"))
            .await?;
        transaction.commit().await
    }
}
