//! What is known of a client of Socket.IO between its packets.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use governor::DefaultDirectRateLimiter;
use uuid::Uuid;

use super::packet::Packet;
use crate::{config::Quota, live::hub::ConnectionId};

/// Packets of one client that wait to be dealt with.
const INBOX: usize = 32;

/// The state of one client.
#[derive(Default)]
pub(super) struct Session(Mutex<State>);

#[derive(Default)]
struct State {
    inbox: VecDeque<Packet>,
    is_working: bool,
    is_closed: bool,
    signed_in: Option<SignedIn>,
    pace: Option<Box<DefaultDirectRateLimiter>>,
}

/// A client who said who it is.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) id: ConnectionId,
    pub(super) person: Uuid,
    pub(super) token: Arc<str>,
}

/// What comes of a packet.
pub(super) enum Taken {
    /// Somebody must begin to work off the inbox.
    First,
    Queued,
    /// Too many wait, or come.
    Refused(Packet),
}

impl Session {
    /// Puts a packet into the inbox, unless the client sends too many.
    pub(super) fn take_in(&self, packet: Packet, most: Option<Quota>) -> Taken {
        let mut state = self.lock();
        if let Some(quota) = most {
            let pace = state
                .pace
                .get_or_insert_with(|| Box::new(DefaultDirectRateLimiter::direct(quota.gcra())));
            if pace.check().is_err() {
                return Taken::Refused(packet);
            }
        }
        if state.inbox.len() >= INBOX {
            return Taken::Refused(packet);
        }
        state.inbox.push_back(packet);
        if std::mem::replace(&mut state.is_working, true) {
            Taken::Queued
        } else {
            Taken::First
        }
    }

    /// The next packet; without one, the work is done.
    pub(super) fn next(&self) -> Option<Packet> {
        let mut state = self.lock();
        let next = state.inbox.pop_front();
        state.is_working = next.is_some();
        if next.is_none() {
            // Most clients say nothing more for hours.
            state.inbox = VecDeque::new();
        }
        next
    }

    pub(super) fn is_signed_in(&self) -> bool {
        self.lock().signed_in.is_some()
    }

    /// Whether the client may say who it is: once.
    pub(super) fn may_sign_in(&self) -> bool {
        let state = self.lock();
        state.signed_in.is_none() && !state.is_closed
    }

    pub(super) fn signed_in(&self) -> Option<SignedIn> {
        self.lock().signed_in.clone()
    }

    /// Notes who the client is; false if it has left meanwhile.
    pub(super) fn sign_in(&self, client: SignedIn) -> bool {
        let mut state = self.lock();
        if !state.is_closed {
            state.signed_in = Some(client);
        }
        !state.is_closed
    }

    /// Notes that the client has left or is sent away, and returns its
    /// connection.
    pub(super) fn close(&self) -> Option<ConnectionId> {
        let mut state = self.lock();
        state.is_closed = true;
        state.signed_in.take().map(|client| client.id)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_says_nothing_takes_no_memory_for_it() {
        let session = Session::default();
        for _ in 0..INBOX {
            session.take_in(Packet::Disconnect, None);
        }
        let refused = session.take_in(Packet::Disconnect, None);
        assert!(matches!(refused, Taken::Refused(Packet::Disconnect)));
        for _ in 0..INBOX {
            assert_eq!(session.next(), Some(Packet::Disconnect));
        }
        assert_eq!(session.next(), None);
        assert_eq!(session.lock().inbox.capacity(), 0);
        let first = session.take_in(Packet::Disconnect, None);
        assert!(matches!(first, Taken::First));
    }
}
