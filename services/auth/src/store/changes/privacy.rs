//! Forgetting a person.

use async_trait::async_trait;
use portico_chassis::{outbox::Origin, status::Error};
use uuid::Uuid;

use super::{Engine, Transaction as _, events::AboutAccount};
use crate::store::PrivacyStore;

/// The statements about forgetting.
#[async_trait]
pub(in crate::store) trait PrivacyStatements: Send {
    /// Forgets what every table has of a person.
    async fn forget_rows(&mut self, user_id: Uuid) -> Result<(), Error>;

    /// Drops from the events about a person and its sessions what they tell
    /// beside ids.
    async fn forget_events(&mut self, user_id: Uuid, told: &AboutAccount) -> Result<(), Error>;
}

#[async_trait]
impl<E: Engine> PrivacyStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn note_export(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let about = AboutAccount::of(user_id);
        transaction
            .append(origin, about.event("account.exported"))
            .await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn forget(&self, user_id: Uuid) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.forget_rows(user_id).await?;
        let told = AboutAccount::of(user_id);
        transaction.forget_events(user_id, &told).await?;
        transaction.commit().await
    }
}
