//! Tokens that no longer count although they have not expired. Bounded by the
//! tokens' lifetime: an entry is forgotten when the last token that it covers
//! has expired.
//!
//! They are known by a stream. What the stream has not told for a while may not
//! be all there is: then nobody's token is trusted until the stream has caught
//! up, so that a revocation is in force everywhere within two seconds, also
//! where the stream was cut off without a sign.

use std::{collections::HashMap, sync::RwLock, time::Duration};

use tokio::{
    sync::{broadcast, watch},
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{caller::Pass, clock::Timestamp, status::Error};

/// How long the stream may be silent. It tells every half second that nothing
/// is new.
const TRUSTED: Duration = Duration::from_millis(1500);

/// How long a request waits for the stream to catch up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which tokens are revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// All tokens of a session.
    Session(Uuid),
    /// The tokens of a person that were issued before the revocation.
    User(Uuid),
}

/// Revocations that wait for somebody slow to hear of them.
const WAITING: usize = 1_024;

#[derive(Clone, Copy)]
struct Entry {
    revoked_at: Timestamp,
    expires_at: Timestamp,
}

/// The revocations that still matter.
pub struct Revocations {
    entries: RwLock<HashMap<Revoked, Entry>>,
    /// When all that was revoked until then was last known.
    caught_up: watch::Sender<Option<Instant>>,
    /// Tells whoever keeps something open of what is revoked.
    told: broadcast::Sender<Revoked>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self {
            entries: RwLock::default(),
            caught_up: watch::Sender::default(),
            told: broadcast::Sender::new(WAITING),
        }
    }
}

impl Revocations {
    /// Notes a revocation, and forgets those that no longer matter at
    /// `revoked_at`.
    pub fn add(&self, tokens: Revoked, revoked_at: Timestamp, expires_at: Timestamp) {
        let mut entries = self
            .entries
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        entries.retain(|_, entry| entry.expires_at > revoked_at);
        let entry = entries.entry(tokens).or_insert(Entry {
            revoked_at,
            expires_at,
        });
        entry.revoked_at = entry.revoked_at.max(revoked_at);
        entry.expires_at = entry.expires_at.max(expires_at);
        drop(entries);
        // Nobody may want to know.
        let _ = self.told.send(tokens);
    }

    /// What is revoked from now on, once it is known here. Whoever falls
    /// behind has missed some, and looks at everything.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Revoked> {
        self.told.subscribe()
    }

    /// Notes that everything revoked until now is known.
    pub fn catch_up(&self) {
        self.caught_up.send_replace(Some(Instant::now()));
    }

    /// How long it is known that nothing is missing; nothing, if it never was.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.caught_up.borrow().map(|at| at.elapsed())
    }

    /// Whether everything that was revoked until a moment ago is known.
    #[must_use]
    pub fn is_current(&self) -> bool {
        is_fresh(&self.caught_up.borrow())
    }

    /// Waits until everything that was revoked until a moment ago is known.
    ///
    /// # Errors
    ///
    /// `SERVICE_UNAVAILABLE` if it takes too long.
    pub async fn current(&self) -> Result<(), Error> {
        if self.is_current() {
            return Ok(());
        }
        let mut caught_up = self.caught_up.subscribe();
        let is_current = timeout(PATIENCE, caught_up.wait_for(is_fresh)).await;
        match is_current {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::unavailable("revocations are not known at present")),
        }
    }

    /// Whether a token is revoked.
    pub(super) fn covers(&self, pass: Pass) -> bool {
        let entries = self
            .entries
            .read()
            .unwrap_or_else(|poison| poison.into_inner());
        if entries.is_empty() {
            return false;
        }
        entries.contains_key(&Revoked::Session(pass.session_id))
            || entries
                .get(&Revoked::User(pass.subject))
                .is_some_and(|entry| pass.issued_at < entry.revoked_at)
    }
}

fn is_fresh(caught_up: &Option<Instant>) -> bool {
    caught_up.is_some_and(|at| at.elapsed() < TRUSTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(issued_at: i64) -> Pass {
        Pass {
            subject: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            issued_at: Timestamp::from_seconds(issued_at),
            expires_at: Timestamp::from_seconds(issued_at + 600),
            key_expires_at: None,
        }
    }

    #[test]
    fn a_revoked_session_stays_revoked() {
        let revocations = Revocations::default();
        let at = Timestamp::from_seconds(10);
        revocations.add(Revoked::Session(Uuid::from_u128(2)), at, at);
        assert!(revocations.covers(pass(0)));
        assert!(revocations.covers(pass(20)));
    }

    #[test]
    fn a_person_revoked_may_sign_in_again() {
        let revocations = Revocations::default();
        let at = Timestamp::from_seconds(10);
        revocations.add(
            Revoked::User(Uuid::from_u128(1)),
            at,
            Timestamp::from_seconds(700),
        );
        assert!(revocations.covers(pass(9)));
        assert!(!revocations.covers(pass(10)));
    }

    #[test]
    fn a_watcher_hears_of_what_is_already_known() {
        let revocations = Revocations::default();
        let mut watcher = revocations.watch();
        let (tokens, at) = (
            Revoked::User(Uuid::from_u128(1)),
            Timestamp::from_seconds(10),
        );
        revocations.add(tokens, at, at);
        assert_eq!(watcher.try_recv(), Ok(tokens));
        assert!(revocations.covers(pass(5)));
        assert!(watcher.try_recv().is_err());
    }

    #[test]
    fn entries_are_forgotten_when_their_tokens_have_expired() {
        let revocations = Revocations::default();
        let (early, late) = (Timestamp::from_seconds(10), Timestamp::from_seconds(1000));
        revocations.add(
            Revoked::User(Uuid::from_u128(7)),
            early,
            Timestamp::from_seconds(610),
        );
        revocations.add(
            Revoked::User(Uuid::from_u128(8)),
            late,
            Timestamp::from_seconds(1600),
        );
        assert_eq!(revocations.entries.read().expect("lock").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_trusted_that_was_not_heard_of_for_a_while() {
        let revocations = Revocations::default();
        let refused = revocations.current().await.expect_err("never heard");
        assert_eq!(refused.reason, "SERVICE_UNAVAILABLE");
        revocations.catch_up();
        assert!(revocations.current().await.is_ok());
        tokio::time::advance(TRUSTED).await;
        assert!(!revocations.is_current());
        let late = async {
            tokio::time::sleep(PATIENCE / 2).await;
            revocations.catch_up();
        };
        let (trusted, ()) = tokio::join!(revocations.current(), late);
        assert!(trusted.is_ok(), "it waits for the stream");
    }
}
