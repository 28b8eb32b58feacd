//! Passkeys, and the ceremonies in which they are added and used.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, idempotency, outbox::Origin, status::Error};
use uuid::Uuid;

use super::{
    Engine, FactorStatements as _, Transaction as _, enter, events::AboutPasskey,
    factors::drop_idle_recovery_codes,
};
use crate::{
    history::Method,
    passkey::{self, Ceremony, Passkey, Use},
    session::Session,
    store::{Added, NewPasskey, PasskeyStore},
};

#[async_trait]
impl<E: Engine> PasskeyStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn begin_ceremony(&self, ceremony: &Ceremony) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.insert_ceremony(ceremony).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn take_ceremony(&self, id: Uuid, now: Timestamp) -> Result<Option<Ceremony>, Error> {
        let mut transaction = self.begin().await?;
        let ceremony = transaction.delete_ceremony(id, now).await?;
        transaction.commit().await?;
        Ok(ceremony)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_passkey(&self, new: &NewPasskey<'_>, origin: &Origin) -> Result<Added, Error> {
        let mut transaction = self.begin().await?;
        if let Some(key) = new.key {
            let claim = transaction.claim(key, new.user_id, origin.at).await?;
            if claim.fingerprint != key.fingerprint {
                return Err(idempotency::reused());
            }
            if let Some(answer) = claim.answer {
                return Ok(Added::Replayed(answer));
            }
        }
        let ceremony = transaction.delete_ceremony(new.ceremony_id, origin.at);
        let passkey = ceremony.await?.as_ref().and_then(new.check);
        transaction.lock_factors(new.user_id).await?;
        let count = transaction.count_passkeys(new.user_id).await?;
        let added = match passkey {
            Some(_) if count >= passkey::LIMIT => Added::TooMany,
            Some(passkey) if transaction.insert_passkey(&passkey).await? => {
                Added::New(Box::new(passkey))
            }
            _ => Added::Refused,
        };
        if let Added::New(passkey) = &added {
            let about = AboutPasskey::of(passkey);
            transaction
                .append(origin, about.event("passkey.added"))
                .await?;
        }
        match (&added, new.key) {
            (Added::New(passkey), Some(key)) => {
                let answer = (new.answer)(passkey);
                transaction.answer_claim(key, &answer).await?;
            }
            (_, Some(key)) => transaction.abandon_claim(key).await?,
            (_, None) => {}
        }
        transaction.commit().await?;
        Ok(added)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn rename_passkey(
        &self,
        user_id: Uuid,
        id: Uuid,
        name: &str,
        origin: &Origin,
    ) -> Result<Option<Passkey>, Error> {
        let mut transaction = self.begin().await?;
        let Some(passkey) = transaction.rename_passkey(user_id, id, name).await? else {
            return Ok(None);
        };
        let about = AboutPasskey::of(&passkey);
        transaction
            .append(origin, about.event("passkey.renamed"))
            .await?;
        transaction.commit().await?;
        Ok(Some(passkey))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn remove_passkey(
        &self,
        user_id: Uuid,
        id: Uuid,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(user_id).await?;
        let Some(passkey) = transaction.delete_passkey(user_id, id).await? else {
            return Ok(false);
        };
        drop_idle_recovery_codes(&mut transaction, user_id).await?;
        let about = AboutPasskey::of(&passkey);
        transaction
            .append(origin, about.event("passkey.removed"))
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn open_session_by_passkey(
        &self,
        session: &Session,
        passkey: &Use,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(session.user_id).await?;
        if transaction.is_leaving(session.user_id).await?
            || !transaction.use_passkey(passkey).await?
        {
            return Ok(false);
        }
        enter(&mut transaction, session, Method::Passkey, origin).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn reauthenticate_by_passkey(
        &self,
        session_id: Uuid,
        passkey: &Use,
        origin: &Origin,
    ) -> Result<Option<bool>, Error> {
        let mut transaction = self.begin().await?;
        if !transaction.use_passkey(passkey).await? {
            return Ok(Some(false));
        }
        if !transaction.reauthenticate(session_id, origin.at).await? {
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(true))
    }
}
