//! Tokens that no longer count although they have not expired. Bounded by the
//! tokens' lifetime: an entry is forgotten when the last token that it covers
//! has expired.

use std::{collections::HashMap, sync::RwLock};

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{caller::User, clock::Timestamp};

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
    /// Tells whoever keeps something open of what is revoked.
    told: broadcast::Sender<Revoked>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self {
            entries: RwLock::default(),
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
    pub(super) fn watch(&self) -> broadcast::Receiver<Revoked> {
        self.told.subscribe()
    }

    /// Whether a person's token is revoked.
    pub(super) fn covers(&self, user: &User) -> bool {
        let entries = self
            .entries
            .read()
            .unwrap_or_else(|poison| poison.into_inner());
        if entries.is_empty() {
            return false;
        }
        entries.contains_key(&Revoked::Session(user.session_id))
            || entries
                .get(&Revoked::User(user.id))
                .is_some_and(|entry| user.issued_at < entry.revoked_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(issued_at: i64) -> User {
        User {
            id: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            is_admin: false,
            issued_at: Timestamp::from_seconds(issued_at),
            expires_at: Timestamp::from_seconds(issued_at + 600),
        }
    }

    #[test]
    fn a_revoked_session_stays_revoked() {
        let revocations = Revocations::default();
        let at = Timestamp::from_seconds(10);
        revocations.add(Revoked::Session(Uuid::from_u128(2)), at, at);
        assert!(revocations.covers(&user(0)));
        assert!(revocations.covers(&user(20)));
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
        assert!(revocations.covers(&user(9)));
        assert!(!revocations.covers(&user(10)));
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
        assert!(revocations.covers(&user(5)));
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
}
