//! Purging people.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::{Event, Origin},
    status::Error,
};
use uuid::Uuid;

use super::{Engine, Transaction as _};
use crate::store::purges::PurgeStore;

#[async_trait]
impl<E: Engine> PurgeStore for E {
    #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn announce_purges(
        &self,
        before: Timestamp,
        origin: &Origin,
    ) -> Result<Vec<Uuid>, Error> {
        let mut transaction = self.begin().await?;
        let due = transaction.lock_deleted(before).await?;
        for user in &due {
            transaction.announce_purge(user.id, origin.at).await?;
            let nobody = user.forgotten();
            let event = Event::new("user.purge_announced", user.id, &nobody);
            transaction.append(origin, event).await?;
        }
        transaction.commit().await?;
        Ok(due.iter().map(|user| user.id).collect())
    }

    #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn purge(&self, before: Timestamp, origin: &Origin) -> Result<Vec<Uuid>, Error> {
        let mut transaction = self.begin().await?;
        let due = transaction.lock_announced(before).await?;
        for user in &due {
            let nobody = user.forgotten();
            transaction.remove(&nobody).await?;
            let event = Event::new("user.purged", user.id, &nobody);
            transaction.append(origin, event).await?;
        }
        transaction.commit().await?;
        Ok(due.iter().map(|user| user.id).collect())
    }
}
