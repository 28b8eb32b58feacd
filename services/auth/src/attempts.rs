//! Counts attempts to prove who one is, and makes those wait who fail often. The
//! rules stand in [`throttle`](crate::throttle).

use std::{future::Future, time::Duration};

use portico_chassis::{
    caller::Call,
    email_address::EmailAddress,
    outbox::{Actor, Origin},
    status::{Error, Kind},
};
use portico_proto::users::User;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    accounts::{Accounts, id_of},
    error,
    history::{Failure, Method, Proof, Tried},
    session::shortened,
    store::Turn,
    throttle::{Attempt, Claimed, account_key},
};

/// Attempts at one account from one place that are made at once, in a process:
/// fewer than are free, so that many sign-ins at once with the right password
/// wait for each other and are not taken for guesses.
const AT_ONCE: usize = 4;

/// Accounts and places that share places in the queue, by their hash.
const LANES: usize = 64;

/// The reason of a failure, as the record calls it: a wrong password or code.
const WRONG: &str = "WRONG_CREDENTIALS";

/// The queues of those who try at the same account from the same place.
pub(crate) struct Lanes([Semaphore; LANES]);

impl Lanes {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(AT_ONCE)))
    }

    fn of(&self, attempt: &Attempt) -> &Semaphore {
        &self.0[usize::from(attempt.address[0]) % LANES]
    }
}

impl Accounts {
    /// Lets somebody prove who it is by a password, as `outcome` finds out once
    /// it is awaited. If too many attempts failed before, it is not, and the
    /// answer is `TOO_MANY_ATTEMPTS`. Whether more is needed than was proved is
    /// asked of the outcome: then, nothing is known of the address yet.
    pub(crate) async fn throttled<T>(
        &self,
        call: &Call,
        claimed: Claimed<'_>,
        proof: Proof,
        needs_more: fn(&T) -> bool,
        outcome: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let key = &self.0.tokens.0.master_key;
        let attempt = Attempt::new(key, claimed, call.client_ip);
        if !self.0.is_throttled {
            return outcome.await;
        }
        let lane = self.0.lanes.of(&attempt).acquire().await;
        let _turn = lane.map_err(Error::internal)?;
        let admitted = self.store().count_attempt(&attempt, self.now()).await?;
        let counted = match admitted {
            Turn::Admitted(counted) => counted,
            Turn::Refused(wait) => return Err(error::too_many_attempts(whole_seconds(wait))),
        };
        // Whoever leaves meanwhile has made an attempt all the same.
        let outcome = outcome.await;
        let (store, now) = (self.store(), self.now());
        let failure = |error| failure(call, proof, Method::Password, error);
        match &outcome {
            Ok(proved) if !needs_more(proved) => store.attempt_succeeded(&counted, now).await?,
            Err(error) if is_wrong(error) => {
                let origin = self.origin_of_attempt(call);
                store
                    .attempt_failed(&counted, &failure(error), &origin)
                    .await?;
            }
            // Only who has the password learns that it may not sign in.
            Err(error) if error.kind == Kind::PermissionDenied => {
                store.withdraw_attempt(&counted, now).await?;
                if let Some(user_id) = counted.attempt.user_id {
                    let tried = Tried::Account(user_id);
                    let origin = self.origin_of_attempt(call);
                    store
                        .sign_in_refused(tried, &failure(error), &origin)
                        .await?;
                }
            }
            Ok(_) | Err(_) => store.withdraw_attempt(&counted, now).await?,
        }
        outcome
    }

    /// Leaves in the record that somebody showed a passkey and was not let in,
    /// unless nothing is to be blamed on the passkey or its person.
    pub(crate) async fn passkey_failed(
        &self,
        call: &Call,
        tried: Tried,
        error: &Error,
    ) -> Result<(), Error> {
        if !is_wrong(error) && error.kind != Kind::PermissionDenied {
            return Ok(());
        }
        let failure = failure(call, Proof::SignIn, Method::Passkey, error);
        let origin = self.origin_of_attempt(call);
        self.store().sign_in_refused(tried, &failure, &origin).await
    }

    /// Notes that somebody signed in from an address otherwise than by a
    /// password alone.
    pub(crate) async fn signed_in_from(&self, call: &Call, user_id: Uuid) -> Result<(), Error> {
        if !self.0.is_throttled {
            return Ok(());
        }
        let key = &self.0.tokens.0.master_key;
        let attempt = Attempt::new(key, Claimed::Person(user_id), call.client_ip);
        self.store().become_familiar(&attempt, self.now()).await
    }

    /// Forgets what failed at the account of somebody who has shown otherwise
    /// who it is, such as by a mail.
    pub(crate) async fn forget_attempts(&self, user_id: Uuid) -> Result<(), Error> {
        let account = account_key(&self.0.tokens.0.master_key, user_id);
        self.store().forget_attempts(account).await
    }

    /// Who tries to sign in has not shown yet who it is.
    fn origin_of_attempt(&self, call: &Call) -> Origin {
        let origin = call.origin(self.now());
        match call.caller.user {
            Some(_) => origin,
            None => Origin {
                actor: Actor::System,
                ..origin
            },
        }
    }
}

/// Whom somebody claims to be who names an address; `key` is what addresses are
/// compared by.
pub(crate) fn claimed<'a>(found: Option<&User>, key: &'a str) -> Result<Claimed<'a>, Error> {
    Ok(match found {
        Some(user) => Claimed::Person(id_of(user)?),
        None => Claimed::Nobody { address: key },
    })
}

/// What an address is compared by; one that is none, by itself.
pub(crate) fn address_key(email: &str) -> String {
    match EmailAddress::parse(email) {
        Ok(email) => email.key(),
        Err(_) => email.to_lowercase(),
    }
}

/// What the record tells of a failure.
fn failure(call: &Call, proof: Proof, method: Method, error: &Error) -> Failure {
    Failure {
        proof,
        method,
        reason: match is_wrong(error) {
            true => WRONG,
            false => refusal(error),
        },
        user_agent: call.client_agent.as_deref().map(shortened),
    }
}

/// Whether what was shown is wrong: a password, a code, or a passkey.
fn is_wrong(error: &Error) -> bool {
    let is_of_proof = |code: &str| code.ends_with("_INCORRECT") || code == "CREDENTIAL_INVALID";
    error.kind == Kind::Unauthenticated || error.violations.iter().any(|one| is_of_proof(&one.code))
}

/// A refusal, as the record calls it.
fn refusal(error: &Error) -> &'static str {
    match &*error.reason {
        "ACCOUNT_DISABLED" => "ACCOUNT_DISABLED",
        "EMAIL_NOT_VERIFIED" => "EMAIL_NOT_VERIFIED",
        _ => "NOT_ALLOWED",
    }
}

/// The time in whole seconds, as `Retry-After` has it, and not too short.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_millis().div_ceil(1000) as u64)
}
