//! Passwords, and the making of accounts.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, idempotency, outbox::Origin, status::Error};
use uuid::Uuid;

use super::{Engine, LinkStatements as _, Transaction as _, end, events::AboutAccount};
use crate::{
    link::Purpose,
    session::EndReason,
    store::{AccountStore, Begun, Registration, RegistrationKey},
};

#[async_trait]
impl<E: Engine> AccountStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn begin_registration(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<Begun, Error> {
        let mut transaction = self.begin().await?;
        let mut claimed = user_id;
        if let Some(key) = key {
            let claim = transaction.claim(key, user_id, now).await?;
            if claim.fingerprint != key.fingerprint {
                return Err(idempotency::reused());
            }
            claimed = claim.user_id;
            if let Some(answer) = claim.answer {
                return Ok(Begun::Done { answer });
            }
        }
        if let Some(hash) = password_hash {
            transaction.keep_password(claimed, hash, now).await?;
        }
        transaction.commit().await?;
        Ok(Begun::Open(claimed))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn finish_registration(
        &self,
        registration: Registration<'_>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let mut is_first = true;
        if let Some(key) = registration.key {
            is_first = transaction.answer_claim(key, registration.answer).await?;
        }
        if let Some(hash) = registration.password_hash {
            transaction
                .confirm_password(registration.user_id, hash, now)
                .await?;
        }
        transaction.commit().await?;
        Ok(is_first)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn abandon_registration(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        if let Some(key) = key {
            transaction.abandon_claim(key).await?;
        }
        transaction.abandon_password(user_id).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn settle(
        &self,
        existing: &[Uuid],
        missing: &[Uuid],
        before: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        for &user_id in existing {
            transaction.confirm(user_id).await?;
        }
        for &user_id in missing {
            transaction.forget_unconfirmed(user_id, before).await?;
        }
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn upgrade_password(&self, user_id: Uuid, from: &str, to: &str) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.upgrade_password(user_id, from, to).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn change_password(
        &self,
        user_id: Uuid,
        from: &str,
        to: &str,
        keep: Uuid,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let is_changed = transaction
            .change_password(user_id, from, to, origin.at)
            .await?;
        if !is_changed {
            return Ok(false);
        }
        for purpose in [Purpose::ResetPassword, Purpose::SetPassword] {
            transaction.forget_links(user_id, purpose).await?;
        }
        let ended = transaction.delete_other_sessions(user_id, keep).await?;
        let reason = EndReason::PasswordChanged;
        end(self, &mut transaction, user_id, &ended, reason, origin).await?;
        let about = AboutAccount::of(user_id);
        transaction
            .append(origin, about.event("password.changed"))
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}
