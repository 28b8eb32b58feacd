//! Sessions.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error, token::Revoked};
use uuid::Uuid;

use super::{
    Engine, FactorStatements as _, LinkStatements as _, Transaction as _, end, end_all,
    enter_familiar, enter_known, impersonations::end_impersonations, revoke,
};
use crate::{
    device::Device,
    history::Method,
    impersonation::Ending,
    session::{EndReason, Refreshed, Session, Visit},
    store::{Knowledge, SessionStore, Verified},
};

#[async_trait]
impl<E: Engine> SessionStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn open_session(
        &self,
        session: &Session,
        verified: Verified<'_>,
        origin: &Origin,
    ) -> Result<Option<Knowledge>, Error> {
        if enter_familiar(self.begin().await?, session, verified, origin).await? {
            return Ok(Some(Knowledge::Current));
        }
        let mut transaction = self.begin().await?;
        let known = transaction
            .known_by_password(session.user_id, verified, Device::of(session))
            .await?;
        let Some(known) = known.filter(|known| !known.has_second_factor) else {
            return Ok(None);
        };
        enter_known(&mut transaction, session, &known, Method::Password, origin).await?;
        transaction.commit().await?;
        Ok(Some(match known.is_current {
            true => Knowledge::Current,
            false => Knowledge::Outdated,
        }))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn note_person(&self, user_id: Uuid, version: i64) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_password(user_id).await?;
        transaction.note_person(user_id, version).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn refresh_session(
        &self,
        id: Uuid,
        generation: u32,
        visit: &Visit,
        ttl: Duration,
        origin: &Origin,
    ) -> Result<Option<Refreshed>, Error> {
        let mut transaction = self.begin().await?;
        let Some(session) = transaction.lock_session(id, visit.at).await? else {
            return Ok(None);
        };
        let refreshed = session.refreshed(generation, visit, ttl);
        match &refreshed {
            Refreshed::Continued(session) => transaction.refresh_session(session).await?,
            Refreshed::Reused => {
                let ended = transaction.delete_session(session.user_id, id).await?;
                let (user_id, reason) = (session.user_id, EndReason::TokenReused);
                end(self, &mut transaction, user_id, &ended, reason, origin).await?;
            }
        }
        transaction.commit().await?;
        Ok(Some(refreshed))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn reauthenticate(&self, id: Uuid, origin: &Origin) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let is_there = transaction.reauthenticate(id, origin.at).await?;
        transaction.commit().await?;
        Ok(is_there)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn end_session(
        &self,
        user_id: Uuid,
        id: Uuid,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let ended = transaction.delete_session(user_id, id).await?;
        end(self, &mut transaction, user_id, &ended, reason, origin).await?;
        transaction.commit().await?;
        Ok(!ended.is_empty())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn end_sessions(
        &self,
        user_id: Uuid,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        end_all(self, &mut transaction, user_id, reason, origin).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn revoke_tokens(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        revoke(self, &mut transaction, Revoked::User(user_id), origin.at).await?;
        end_impersonations(&mut transaction, Ending::Person(user_id), origin).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn forget_expired(&self, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.forget_expired(now).await?;
        transaction.forget_old_links(now).await?;
        transaction.commit().await
    }
}
