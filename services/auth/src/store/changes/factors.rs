//! Authenticators, recovery codes and challenges.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::{Actor, Origin},
    status::Error,
};
use uuid::Uuid;

use super::{
    Engine, Known, Transaction, end_all, enter,
    events::{AboutAccount, Refused},
};
use crate::{
    challenge::{Challenge, ChallengeHash},
    device::Device,
    factors::{self, Attempt, Factors, Totp, Tried},
    history::Method,
    passkey::{Ceremony, Passkey, Use},
    recovery::RecoveryCodes,
    session::{EndReason, Session},
    store::{Answered, ChallengeStore, FactorStore, Verified},
};

/// The statements about factors.
#[async_trait]
pub(in crate::store) trait FactorStatements: Send {
    /// Nobody else changes the factors of a person from now on, nor the
    /// password.
    async fn lock_factors(&mut self, user_id: Uuid) -> Result<(), Error>;

    async fn read_factors(&mut self, user_id: Uuid) -> Result<Factors, Error>;

    async fn keep_factors(&mut self, user_id: Uuid, factors: &Factors) -> Result<(), Error>;

    async fn delete_factors(&mut self, user_id: Uuid) -> Result<(), Error>;

    /// Whether a person has a confirmed authenticator or a passkey.
    async fn has_second_factor(&mut self, user_id: Uuid) -> Result<bool, Error>;

    /// Keeps a challenge, if the password still has this hash. Whether it has.
    async fn insert_challenge(
        &mut self,
        challenge: &Challenge,
        password_hash: &str,
    ) -> Result<bool, Error>;

    /// The challenge, if it is there and its password is still the same.
    async fn read_challenge(
        &mut self,
        hash: ChallengeHash,
        now: Timestamp,
    ) -> Result<Option<Challenge>, Error>;

    async fn update_challenge(&mut self, challenge: &Challenge) -> Result<(), Error>;

    async fn delete_challenge(&mut self, hash: ChallengeHash) -> Result<(), Error>;

    async fn delete_challenges(&mut self, user_id: Uuid) -> Result<(), Error>;

    async fn insert_ceremony(&mut self, ceremony: &Ceremony) -> Result<(), Error>;

    /// The ceremony that is gone, if it was there.
    async fn delete_ceremony(
        &mut self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Ceremony>, Error>;

    async fn count_passkeys(&mut self, user_id: Uuid) -> Result<usize, Error>;

    /// Whether nobody had it.
    async fn insert_passkey(&mut self, passkey: &Passkey) -> Result<bool, Error>;

    async fn rename_passkey(
        &mut self,
        user_id: Uuid,
        id: Uuid,
        name: &str,
    ) -> Result<Option<Passkey>, Error>;

    /// The passkey that is gone, if it was there.
    async fn delete_passkey(&mut self, user_id: Uuid, id: Uuid) -> Result<Option<Passkey>, Error>;

    async fn delete_passkeys(&mut self, user_id: Uuid) -> Result<(), Error>;

    /// Keeps a passkey after its use. Whether it is there and its counter has
    /// grown.
    async fn use_passkey(&mut self, passkey: &Use) -> Result<bool, Error>;

    /// What is known of a person who signs in on a device.
    async fn known(&mut self, user_id: Uuid, device: Device) -> Result<Known, Error>;

    /// What is known of a person who signs in on a device and was read at a
    /// version, if the password has this hash and the account is not being
    /// deleted. The password is confirmed by that; nobody changes it from now on.
    async fn known_by_password(
        &mut self,
        user_id: Uuid,
        verified: Verified<'_>,
        device: Device,
    ) -> Result<Option<Known>, Error>;

    /// Notes that a person signs in on a device.
    async fn note_device(
        &mut self,
        user_id: Uuid,
        device: Device,
        at: Timestamp,
    ) -> Result<(), Error>;
}

#[async_trait]
impl<E: Engine> FactorStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn begin_totp(&self, user_id: Uuid, sealed: &[u8]) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(user_id).await?;
        let factors = transaction.read_factors(user_id).await?;
        if factors.has_totp() {
            return Ok(false);
        }
        let totp = Totp {
            sealed: sealed.to_vec(),
            confirmed_at: None,
        };
        let factors = Factors {
            totp: Some(totp),
            // What was taken was a code of another secret.
            last_step: 0,
            ..factors
        };
        transaction.keep_factors(user_id, &factors).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn confirm_totp(
        &self,
        attempt: &Attempt<'_>,
        recovery_codes: &RecoveryCodes,
        origin: &Origin,
    ) -> Result<Tried, Error> {
        let mut transaction = self.begin().await?;
        let user_id = attempt.user_id;
        let tried = attempt_code(&mut transaction, attempt, origin).await?;
        if let Tried::Right { factors, .. } = &tried {
            let factors = Factors {
                recovery_codes: recovery_codes.clone(),
                ..factors.clone()
            };
            transaction.keep_factors(user_id, &factors).await?;
            tell(&mut transaction, user_id, "totp.enabled", origin).await?;
        }
        transaction.commit().await?;
        Ok(tried)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn disable_totp(&self, attempt: &Attempt<'_>, origin: &Origin) -> Result<Tried, Error> {
        let mut transaction = self.begin().await?;
        let user_id = attempt.user_id;
        let had_totp = {
            transaction.lock_factors(user_id).await?;
            transaction.read_factors(user_id).await?.has_totp()
        };
        let tried = attempt_code(&mut transaction, attempt, origin).await?;
        if let Tried::Right { factors, .. } = &tried
            && had_totp
        {
            let factors = Factors {
                totp: None,
                ..factors.clone()
            };
            transaction.keep_factors(user_id, &factors).await?;
            drop_idle_recovery_codes(&mut transaction, user_id).await?;
            tell(&mut transaction, user_id, "totp.disabled", origin).await?;
        }
        transaction.commit().await?;
        Ok(tried)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn renew_recovery_codes(
        &self,
        user_id: Uuid,
        recovery_codes: &RecoveryCodes,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(user_id).await?;
        if !transaction.has_second_factor(user_id).await? {
            return Ok(false);
        }
        let factors = Factors {
            recovery_codes: recovery_codes.clone(),
            ..transaction.read_factors(user_id).await?
        };
        transaction.keep_factors(user_id, &factors).await?;
        tell(&mut transaction, user_id, "recovery_codes.renewed", origin).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn reauthenticate_by_code(
        &self,
        session_id: Uuid,
        attempt: &Attempt<'_>,
        origin: &Origin,
    ) -> Result<Option<Tried>, Error> {
        let mut transaction = self.begin().await?;
        let tried = attempt_code(&mut transaction, attempt, origin).await?;
        match tried {
            Tried::Right { .. } => {
                if !transaction.reauthenticate(session_id, origin.at).await? {
                    return Ok(None);
                }
            }
            Tried::Wrong(_) => {
                let refused = Refused {
                    user_id: attempt.user_id,
                    user_agent: &None,
                    method: attempt.shown.method().as_str(),
                };
                transaction
                    .append(origin, refused.event("reauthentication.failed"))
                    .await?;
            }
            Tried::Blocked(_) => {}
        }
        transaction.commit().await?;
        Ok(Some(tried))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn reset_factors(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(user_id).await?;
        transaction.delete_factors(user_id).await?;
        transaction.delete_passkeys(user_id).await?;
        transaction.delete_challenges(user_id).await?;
        let reason = EndReason::FactorsReset;
        end_all(self, &mut transaction, user_id, reason, origin).await?;
        tell(&mut transaction, user_id, "mfa.reset", origin).await?;
        transaction.commit().await
    }
}

#[async_trait]
impl<E: Engine> ChallengeStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn open_challenge(
        &self,
        challenge: &Challenge,
        password_hash: &str,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let stands = transaction
            .insert_challenge(challenge, password_hash)
            .await?;
        transaction.commit().await?;
        Ok(stands)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn answer_by_code(
        &self,
        hash: ChallengeHash,
        attempt: &Attempt<'_>,
        session: &Session,
        origin: &Origin,
    ) -> Result<Answered, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(session.user_id).await?;
        let Some(challenge) = transaction.read_challenge(hash, origin.at).await? else {
            return Ok(Answered::Gone);
        };
        let answered = match attempt_code(&mut transaction, attempt, origin).await? {
            Tried::Right { by, .. } => {
                transaction.delete_challenge(hash).await?;
                let method = Method::with_password(by);
                enter(&mut transaction, session, method, origin).await?;
                Answered::Opened
            }
            Tried::Wrong(_) => {
                let method = Method::with_password(attempt.shown.method());
                fail(&mut transaction, &challenge, session, method, origin).await?;
                Answered::Wrong
            }
            Tried::Blocked(pause) => Answered::Blocked(pause),
        };
        transaction.commit().await?;
        Ok(answered)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn answer_by_passkey(
        &self,
        hash: ChallengeHash,
        passkey: Option<&Use>,
        session: &Session,
        origin: &Origin,
    ) -> Result<Answered, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_factors(session.user_id).await?;
        let Some(challenge) = transaction.read_challenge(hash, origin.at).await? else {
            return Ok(Answered::Gone);
        };
        let is_right = match passkey {
            Some(passkey) => transaction.use_passkey(passkey).await?,
            None => false,
        };
        let answered = if is_right {
            transaction.delete_challenge(hash).await?;
            let method = Method::PasswordAndPasskey;
            enter(&mut transaction, session, method, origin).await?;
            Answered::Opened
        } else {
            let method = Method::PasswordAndPasskey;
            fail(&mut transaction, &challenge, session, method, origin).await?;
            Answered::Wrong
        };
        transaction.commit().await?;
        Ok(answered)
    }
}

/// Tries a code: whatever it comes to is kept.
async fn attempt_code<T: Transaction>(
    transaction: &mut T,
    attempt: &Attempt<'_>,
    origin: &Origin,
) -> Result<Tried, Error> {
    let user_id = attempt.user_id;
    transaction.lock_factors(user_id).await?;
    let tried = transaction.read_factors(user_id).await?.tried(attempt)?;
    match &tried {
        Tried::Right { by, factors } => {
            transaction.keep_factors(user_id, factors).await?;
            if *by == factors::Method::RecoveryCode {
                tell(transaction, user_id, "recovery_code.used", origin).await?;
            }
        }
        Tried::Wrong(factors) => transaction.keep_factors(user_id, factors).await?,
        Tried::Blocked(_) => {}
    }
    Ok(tried)
}

/// Counts a wrong answer to a challenge, which would have opened a session, and
/// tells of it.
async fn fail<T: Transaction>(
    transaction: &mut T,
    challenge: &Challenge,
    session: &Session,
    method: Method,
    origin: &Origin,
) -> Result<(), Error> {
    match challenge.failed() {
        Some(challenge) => transaction.update_challenge(&challenge).await?,
        None => transaction.delete_challenge(challenge.hash).await?,
    }
    let refused = Refused {
        user_id: session.user_id,
        user_agent: &session.user_agent,
        method: method.as_str(),
    };
    // Whoever it was, it did not prove to be the person.
    let origin = Origin {
        actor: Actor::System,
        ..origin.clone()
    };
    transaction
        .append(&origin, refused.event("sign_in.failed"))
        .await
}

/// Forgets the recovery codes of somebody who has no other factor left.
pub(super) async fn drop_idle_recovery_codes<T: Transaction>(
    transaction: &mut T,
    user_id: Uuid,
) -> Result<(), Error> {
    if transaction.has_second_factor(user_id).await? {
        return Ok(());
    }
    let factors = Factors {
        recovery_codes: RecoveryCodes::default(),
        ..transaction.read_factors(user_id).await?
    };
    transaction.keep_factors(user_id, &factors).await
}

/// Tells of something that happened to an account.
async fn tell<T: Transaction>(
    transaction: &mut T,
    user_id: Uuid,
    kind: &'static str,
    origin: &Origin,
) -> Result<(), Error> {
    let about = AboutAccount::of(user_id);
    transaction.append(origin, about.event(kind)).await
}
