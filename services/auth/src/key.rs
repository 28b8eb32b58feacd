//! The keys that sign access tokens: Ed25519 (RFC 8037), sealed at rest, and
//! the rules by which one follows another. No I/O, no SQL.
//!
//! A key is published some time before it signs, signs until the next one
//! does, and stays published until the last token that it signed has expired.
//! All of that follows from when each key becomes active, so nothing has to
//! happen at the right moment and all processes agree.

use std::time::Duration;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portico_chassis::{clock::Timestamp, status::Error};
use sha2::{Digest as _, Sha256};

use crate::secret::MasterKey;

/// How long a key signs before the next one follows by itself.
pub(crate) const LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

/// How long a key is published before it signs, where nobody is in a hurry.
const AHEAD: Duration = Duration::from_secs(10 * 60);

/// How much longer than its tokens live a key stays published, for clocks that
/// differ.
const MARGIN: Duration = Duration::from_secs(60);

/// A signing key as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedKey {
    /// The thumbprint of the key (RFC 7638).
    pub(crate) kid: String,
    pub(crate) public_key: Vec<u8>,
    /// PKCS #8 under the master key.
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: Timestamp,
    pub(crate) active_from: Timestamp,
}

/// What a key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and will sign.
    Pending,
    /// Signs.
    Active,
    /// Published, and does not sign any more.
    Retiring,
    /// All tokens by it have expired.
    Gone,
}

impl SealedKey {
    /// Makes a key that signs from `active_from` on.
    pub(crate) fn generate(
        master_key: &MasterKey,
        now: Timestamp,
        active_from: Timestamp,
    ) -> Result<Self, Error> {
        let pkcs8 =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(Error::internal)?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(Error::internal)?;
        let public_key = pair.public_key().as_ref().to_vec();
        let kid = thumbprint(&public_key);
        Ok(Self {
            sealed: master_key.seal(&kid, pkcs8.as_ref())?,
            kid,
            public_key,
            created_at: now,
            active_from,
        })
    }

    /// The key itself; `None` under another master key.
    pub(crate) fn open(&self, master_key: &MasterKey) -> Option<Ed25519KeyPair> {
        let pkcs8 = master_key.open(&self.kid, &self.sealed)?;
        Ed25519KeyPair::from_pkcs8(&pkcs8).ok()
    }

    /// The public key in base64url, as a JWK has it.
    pub(crate) fn x(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.public_key)
    }
}

/// The thumbprint of a public key as JWK (RFC 7638; RFC 8037, appendix A.3).
fn thumbprint(public_key: &[u8]) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
}

/// What each of the keys is used for now. They stand in the order in which
/// they become active; tokens live for `ttl`.
pub(crate) fn states(keys: &[SealedKey], now: Timestamp, ttl: Duration) -> Vec<KeyState> {
    let state = |index: usize| {
        let successor = keys.get(index + 1).map(|next| next.active_from);
        match successor {
            _ if keys[index].active_from > now => KeyState::Pending,
            Some(from) if from + ttl + MARGIN <= now => KeyState::Gone,
            Some(from) if from <= now => KeyState::Retiring,
            _ => KeyState::Active,
        }
    };
    (0..keys.len()).map(state).collect()
}

/// When the next key should become active, if it is time to make one.
pub(crate) fn next_activation(keys: &[SealedKey], now: Timestamp) -> Option<Timestamp> {
    let Some(newest) = keys.last() else {
        return Some(now);
    };
    let due = newest.active_from + LIFETIME;
    (due - AHEAD <= now).then(|| due.max(now + AHEAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(600);

    fn key(active_from: i64) -> SealedKey {
        SealedKey {
            kid: active_from.to_string(),
            public_key: Vec::new(),
            sealed: Vec::new(),
            created_at: Timestamp::from_seconds(0),
            active_from: Timestamp::from_seconds(active_from),
        }
    }

    fn at(keys: &[SealedKey], seconds: i64) -> Vec<KeyState> {
        states(keys, Timestamp::from_seconds(seconds), TTL)
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_until_its_tokens_have_expired() {
        use KeyState::{Active, Gone, Pending, Retiring};
        let keys = [key(1_000), key(2_000)];
        assert_eq!(at(&keys, 999), [Pending, Pending]);
        assert_eq!(at(&keys, 1_999), [Active, Pending]);
        assert_eq!(at(&keys, 2_000), [Retiring, Active]);
        assert_eq!(at(&keys, 2_659), [Retiring, Active]);
        assert_eq!(at(&keys, 2_660), [Gone, Active]);
        assert_eq!(at(&[key(1_000)], 1_000_000), [Active]);
    }

    #[test]
    fn the_first_key_signs_at_once_and_the_next_after_90_days() {
        let now = Timestamp::from_seconds(5);
        assert_eq!(next_activation(&[], now), Some(now));
        let keys = [key(0)];
        let due = Timestamp::from_seconds(90 * 86_400);
        assert_eq!(next_activation(&keys, due - AHEAD - MARGIN), None);
        assert_eq!(next_activation(&keys, due - AHEAD), Some(due));
        let late = due + LIFETIME;
        assert_eq!(next_activation(&keys, late), Some(late + AHEAD));
    }

    #[test]
    fn a_key_opens_under_its_master_key_only() {
        let master_key = MasterKey::parse(&"A".repeat(43)).expect("key");
        let other = MasterKey::parse(&"B".repeat(44)).expect("key");
        let now = Timestamp::from_seconds(1);
        let key = SealedKey::generate(&master_key, now, now).expect("key");
        let pair = key.open(&master_key).expect("opens");
        assert_eq!(pair.public_key().as_ref(), key.public_key);
        assert!(key.open(&other).is_none());
        let renamed = SealedKey {
            kid: "other".to_owned(),
            ..key
        };
        assert!(renamed.open(&master_key).is_none());
    }

    #[test]
    fn a_kid_is_the_thumbprint_of_the_standards_example() {
        // RFC 8037, appendices A.2 and A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public_key = BASE64_URL_SAFE_NO_PAD.decode(x).expect("base64");
        assert_eq!(
            thumbprint(&public_key),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
