//! Keeps how often people failed to prove who they are.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error};

use crate::{
    history::Failure,
    throttle::{Attempt, Counted, Key},
};

/// Keeps the attempts that failed, and those that have not succeeded yet.
#[async_trait]
pub(crate) trait ThrottleStore: Send + Sync {
    /// Counts an attempt as failed, before it is made; or how long to wait
    /// before another one is made, and then it does not count. Of many at once,
    /// no more are made than of as many one after the other.
    async fn count_attempt(&self, attempt: &Attempt, now: Timestamp) -> Result<Turn, Error>;

    /// Takes an attempt back that succeeded, and forgets those before it from
    /// this place. From now on, its address is familiar: attempts from there
    /// count against nothing else than the account and the address.
    async fn attempt_succeeded(&self, counted: &Counted, now: Timestamp) -> Result<(), Error>;

    /// Notes the same of an address from which somebody signed in after an
    /// attempt that was withdrawn, or without one.
    async fn become_familiar(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Error>;

    /// Takes an attempt back that neither failed nor succeeded.
    async fn withdraw_attempt(&self, counted: &Counted, now: Timestamp) -> Result<(), Error>;

    /// Leaves what the record tells of an attempt that failed: of the first and
    /// of each that delays others, if there is such an account, and of a network
    /// that has to wait. For an account that does not exist, it is the same
    /// work.
    async fn attempt_failed(
        &self,
        counted: &Counted,
        failure: &Failure,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Forgets what failed at an account, whose owner has shown otherwise who it
    /// is.
    async fn forget_attempts(&self, account: Key) -> Result<(), Error>;
}

/// Whether an attempt is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is made, and counts as failed until it has succeeded.
    Admitted(Counted),
    /// Not before this time has passed.
    Refused(std::time::Duration),
}
