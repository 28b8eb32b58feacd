//! A sign-in that waits for a second proof. No I/O, no protobuf, no SQL.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portico_chassis::clock::{Timestamp, fill_random};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How long it waits.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How many wrong answers end it.
const TRIES: u32 = 5;

/// What tokens of challenges begin with, for secret scanners.
const PREFIX: &str = "pmf_";

/// A challenge as it is kept: by a hash of its token, so that whoever has only
/// the database can answer none. It belongs to one account, ends with one right
/// answer, and counts only as long as the password that was shown does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) hash: ChallengeHash,
    pub(crate) user_id: Uuid,
    /// How many wrong answers there were.
    pub(crate) tries: u32,
    pub(crate) expires_at: Timestamp,
}

/// The hash of the token of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChallengeHash(pub(crate) [u8; 32]);

impl Challenge {
    /// A new challenge, and the token that its holder shows.
    pub(crate) fn issue(user_id: Uuid, now: Timestamp) -> (Self, String) {
        let mut secret = [0; 32];
        fill_random(&mut secret);
        let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        let challenge = Self {
            hash: ChallengeHash::of(&token),
            user_id,
            tries: 0,
            expires_at: now + LIFETIME,
        };
        (challenge, token)
    }

    /// The challenge after a wrong answer; `None` if that was the last try.
    pub(crate) fn failed(&self) -> Option<Self> {
        let tries = self.tries + 1;
        (tries < TRIES).then(|| Self {
            tries,
            ..self.clone()
        })
    }
}

impl ChallengeHash {
    /// The hash of what somebody shows. A token is too random to be guessed, so
    /// that one round is enough.
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_known_by_its_token_and_no_other_has_it() {
        let (user_id, now) = (Uuid::from_u128(1), Timestamp::from_seconds(10));
        let (challenge, token) = Challenge::issue(user_id, now);
        assert!(token.starts_with("pmf_") && token.len() == 47, "{token}");
        assert_eq!(challenge.hash, ChallengeHash::of(&token));
        assert_eq!(challenge.expires_at, Timestamp::from_seconds(310));
        assert_ne!(challenge.hash, Challenge::issue(user_id, now).0.hash);
    }

    #[test]
    fn the_fifth_wrong_answer_ends_a_challenge() {
        let (mut challenge, _) = Challenge::issue(Uuid::nil(), Timestamp::from_seconds(10));
        for tries in 1..5 {
            challenge = challenge.failed().expect("more tries");
            assert_eq!(challenge.tries, tries);
        }
        assert_eq!(challenge.failed(), None);
    }
}
