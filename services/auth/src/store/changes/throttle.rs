//! Attempts that are counted.

mod events;

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error};

pub(super) use self::events::Failed;
use self::events::Slowed;
use super::{Engine, Transaction as _};
use crate::{
    history::{Failure, Tried},
    store::{ThrottleStore, Turn},
    throttle::{Attempt, Counted, FAMILIAR, Key, Scope, Tally},
};

/// An address that is familiar for so much longer needs no new note.
const ENOUGH: Duration = Duration::from_secs(29 * 24 * 3600);

/// The statements about attempts.
#[async_trait]
pub(in crate::store) trait ThrottleStatements: Send {
    /// Whether the account of an address was signed in to from there.
    async fn is_familiar(&mut self, address: Key, now: Timestamp) -> Result<bool, Error>;

    /// Notes that an address is familiar, unless it is for longer than
    /// `unless_after`.
    async fn become_familiar(
        &mut self,
        address: Key,
        until: Timestamp,
        unless_after: Timestamp,
    ) -> Result<(), Error>;

    /// The tally with a key, a new one if there is none; nobody else changes it
    /// from now on.
    async fn lock_tally(
        &mut self,
        key: Key,
        account: Option<Key>,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Tally, Error>;

    async fn write_tally(&mut self, key: Key, tally: Tally) -> Result<(), Error>;

    async fn forget_tally(&mut self, key: Key) -> Result<(), Error>;

    /// Forgets what counts against an account.
    async fn forget_tallies(&mut self, account: Key) -> Result<(), Error>;
}

#[async_trait]
impl<E: Engine> ThrottleStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn count_attempt(&self, attempt: &Attempt, now: Timestamp) -> Result<Turn, Error> {
        let mut transaction = self.begin().await?;
        let is_familiar = transaction.is_familiar(attempt.address, now).await?;
        let mut counted = Counted {
            attempt: attempt.clone(),
            is_familiar,
            is_first: false,
            delays: Vec::new(),
        };
        let mut wait = Duration::ZERO;
        for (scope, key) in attempt.counted(is_familiar) {
            let account = account_of(attempt, scope);
            let before = transaction.lock_tally(key, account, scope, now).await?;
            match before.counted(scope, now) {
                Ok(tally) => {
                    counted.is_first |= scope == Scope::Place && tally.failures == 1;
                    if tally.blocked_until > now {
                        counted.delays.push(scope);
                    }
                    transaction.write_tally(key, tally).await?;
                }
                Err(longer) => wait = wait.max(longer),
            }
        }
        if wait > Duration::ZERO {
            return Ok(Turn::Refused(wait));
        }
        transaction.commit().await?;
        Ok(Turn::Admitted(counted))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn attempt_succeeded(&self, counted: &Counted, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        take_back(&mut transaction, counted, now).await?;
        let (attempt, is_familiar) = (&counted.attempt, counted.is_familiar);
        succeed(&mut transaction, attempt, is_familiar, now).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn become_familiar(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let is_familiar = transaction.is_familiar(attempt.address, now).await?;
        succeed(&mut transaction, attempt, is_familiar, now).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn withdraw_attempt(&self, counted: &Counted, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        take_back(&mut transaction, counted, now).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn attempt_failed(
        &self,
        counted: &Counted,
        failure: &Failure,
        origin: &Origin,
    ) -> Result<(), Error> {
        if !counted.is_notable() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        let attempt = &counted.attempt;
        // Something is written in any case: the time would tell whether there is
        // such an account.
        let key = attempt.account;
        let tally = transaction
            .lock_tally(key, Some(key), Scope::Account, origin.at)
            .await?;
        transaction.write_tally(key, tally).await?;
        if let Some(user_id) = attempt.user_id {
            let failed = Failed::of(Tried::Account(user_id), failure);
            let event = failed.event(&counted.delays);
            transaction.append(origin, event).await?;
        }
        if counted.delays.contains(&Scope::Network) {
            let slowed = Slowed::of(&attempt.network);
            transaction.append(origin, slowed.event()).await?;
        }
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn forget_attempts(&self, account: Key) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.forget_tallies(account).await?;
        transaction.commit().await
    }
}

/// Forgets what failed from a place, whose address is familiar from now on.
async fn succeed(
    transaction: &mut impl ThrottleStatements,
    attempt: &Attempt,
    is_familiar: bool,
    now: Timestamp,
) -> Result<(), Error> {
    for (scope, key) in attempt.counted(is_familiar) {
        if scope == Scope::Place {
            transaction.forget_tally(key).await?;
        }
    }
    transaction
        .become_familiar(attempt.address, now + FAMILIAR, now + ENOUGH)
        .await
}

async fn take_back(
    transaction: &mut impl ThrottleStatements,
    counted: &Counted,
    now: Timestamp,
) -> Result<(), Error> {
    let attempt = &counted.attempt;
    for (scope, key) in attempt.counted(counted.is_familiar) {
        let account = account_of(attempt, scope);
        let tally = transaction.lock_tally(key, account, scope, now).await?;
        transaction.write_tally(key, tally.taken_back()).await?;
    }
    Ok(())
}

/// The account that a tally is forgotten with.
fn account_of(attempt: &Attempt, scope: Scope) -> Option<Key> {
    (scope != Scope::Network).then_some(attempt.account)
}
