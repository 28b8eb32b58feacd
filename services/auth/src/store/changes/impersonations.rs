//! Impersonations.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::{Event, Origin},
    status::Error,
    token::Revoked,
};
use serde::Serialize;
use uuid::Uuid;

use super::{Engine, REVOCATION_MARGIN, Transaction, end_all, events::AboutAccount};
use crate::{
    impersonation::{Ending, Impersonation},
    session::EndReason,
    store::ImpersonationStore,
};

/// The statements about impersonations.
#[async_trait]
pub(in crate::store) trait ImpersonationStatements: Send {
    async fn insert_impersonation(&mut self, impersonation: &Impersonation) -> Result<(), Error>;

    /// Those that are gone.
    async fn delete_impersonations(&mut self, ending: Ending) -> Result<Vec<Impersonation>, Error>;
}

/// What is told of an impersonation.
#[derive(Serialize)]
struct AboutImpersonation {
    impersonation_id: Uuid,
    user_id: Uuid,
    expires_at: Timestamp,
}

impl AboutImpersonation {
    fn of(impersonation: &Impersonation) -> Self {
        Self {
            impersonation_id: impersonation.id,
            user_id: impersonation.user_id,
            expires_at: impersonation.expires_at,
        }
    }

    fn event(&self, kind: &'static str, impersonation: &Impersonation) -> Event<'_, Self> {
        Event::new(kind, impersonation.user_id, self)
            .on("user")
            .id("impersonationId", impersonation.id)
            .id("adminId", impersonation.admin_id)
    }
}

#[async_trait]
impl<E: Engine> ImpersonationStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn begin_impersonation(
        &self,
        impersonation: &Impersonation,
        reason: &str,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        // Whoever ends the session waits, and then sees this one.
        let session = transaction
            .lock_session(impersonation.admin_session_id, origin.at)
            .await?;
        if session.is_none_or(|session| session.user_id != impersonation.admin_id) {
            return Ok(false);
        }
        transaction.insert_impersonation(impersonation).await?;
        let about = AboutImpersonation::of(impersonation);
        let event = about.event("impersonation.started", impersonation);
        let event = event.written_for_the_record("reason", reason);
        transaction.append(origin, event).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn end_impersonation(&self, id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        end_impersonations(&mut transaction, Ending::Itself(id), origin).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn end_all_for(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let reason = EndReason::EndedByAdmin;
        end_all(self, &mut transaction, user_id, reason, origin).await?;
        let about = AboutAccount::of(user_id);
        transaction
            .append(origin, about.event("account.sessions_ended"))
            .await?;
        transaction.commit().await
    }
}

/// Ends impersonations, revokes their tokens for as long as those live, and
/// tells of it.
pub(super) async fn end_impersonations<T: Transaction>(
    transaction: &mut T,
    ending: Ending,
    origin: &Origin,
) -> Result<(), Error> {
    for ended in transaction.delete_impersonations(ending).await? {
        let forget_at = ended.expires_at + REVOCATION_MARGIN;
        let tokens = Revoked::Session(ended.id);
        transaction.revoke(tokens, origin.at, forget_at).await?;
        let about = AboutImpersonation::of(&ended);
        let event = about.event("impersonation.ended", &ended);
        transaction.append(origin, event).await?;
    }
    Ok(())
}
