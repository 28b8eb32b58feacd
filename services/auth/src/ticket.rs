//! Tickets: what opens the stream of live changes once, for clients that cannot
//! send their access token in a header.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portico_chassis::{
    caller::User,
    clock::{Timestamp, fill_random},
};
use sha2::{Digest as _, Sha256};

/// How long a ticket counts. It stands in a URL, so not for long.
const LIFETIME: Duration = Duration::from_secs(60);

/// What tickets begin with, for secret scanners.
const PREFIX: &str = "pet_";

/// A ticket as it is kept: by a hash, so that whoever has only the database
/// opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) hash: TicketHash,
    /// Whose it is, as the access token says that it was made with.
    pub(crate) holder: User,
    pub(crate) expires_at: Timestamp,
}

/// The hash of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TicketHash(pub(crate) [u8; 32]);

impl Ticket {
    /// A new ticket, and the text that its holder shows.
    pub(crate) fn issue(holder: &User, now: Timestamp) -> (Self, String) {
        let mut secret = [0; 32];
        fill_random(&mut secret);
        let text = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        let ticket = Self {
            hash: TicketHash::of(&text),
            holder: holder.clone(),
            expires_at: now + LIFETIME,
        };
        (ticket, text)
    }
}

impl TicketHash {
    /// The hash of what somebody shows. A ticket is too random to be guessed,
    /// so that one round is enough.
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

#[cfg(test)]
mod tests {
    use portico_chassis::caller::Grant;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_ticket_is_known_by_the_text_that_was_given_out_and_no_other_has_it() {
        let holder = User {
            id: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            is_admin: false,
            grant: Grant::Session,
            issued_at: Timestamp::from_seconds(1),
            expires_at: Timestamp::from_seconds(601),
        };
        let now = Timestamp::from_seconds(10);
        let (ticket, text) = Ticket::issue(&holder, now);
        assert!(text.starts_with("pet_") && text.len() == 47, "{text}");
        assert_eq!(ticket.hash, TicketHash::of(&text));
        assert_eq!(ticket.expires_at, now + LIFETIME);
        let (other, _) = Ticket::issue(&holder, now);
        assert_ne!(ticket.hash, other.hash);
    }
}
