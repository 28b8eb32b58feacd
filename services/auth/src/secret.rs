//! The master key and what is derived from it (HKDF, RFC 5869): one key for
//! each purpose, so that no use of one can weaken another.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf, hmac,
};
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use portico_chassis::{clock::fill_random, status::Error};

/// The least length of a master key, in bytes.
const MIN_LENGTH: usize = 32;

/// The key that protects what is secret at rest. Whoever has only the database
/// can neither sign nor refresh.
#[derive(Clone)]
pub struct MasterKey(Arc<Derived>);

struct Derived {
    sealing: LessSafeKey,
    refresh: hmac::Key,
    fingerprint: hmac::Key,
    recovery: hmac::Key,
    throttle: hmac::Key,
}

impl MasterKey {
    /// Reads a key: 32 bytes or more in base64.
    ///
    /// # Errors
    ///
    /// What is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let expected = || format!("{MIN_LENGTH} bytes or more in base64");
        let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient)
            .decode(text.trim())
            .map_err(|_| expected())?;
        if bytes.len() < MIN_LENGTH {
            return Err(expected());
        }
        Self::derive(&bytes).map_err(|Unspecified| expected())
    }

    fn derive(bytes: &[u8]) -> Result<Self, Unspecified> {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(bytes);
        let key = |purpose: &str| {
            let mut key = [0; 32];
            extracted
                .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)?
                .fill(&mut key)?;
            Ok::<_, Unspecified>(key)
        };
        Ok(Self(Arc::new(Derived {
            sealing: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key("portico sealing")?)?),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, &key("portico refresh tokens")?),
            fingerprint: hmac::Key::new(hmac::HMAC_SHA256, &key("portico fingerprints")?),
            recovery: hmac::Key::new(hmac::HMAC_SHA256, &key("portico recovery codes")?),
            throttle: hmac::Key::new(hmac::HMAC_SHA256, &key("portico throttles")?),
        })))
    }

    /// Encrypts a secret (AES-256-GCM) so that it opens only under the same
    /// name: a random nonce, then the ciphertext.
    pub(crate) fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce);
        let mut body = secret.to_vec();
        self.0
            .sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut body,
            )
            .map_err(Error::internal)?;
        Ok([nonce.as_slice(), &body].concat())
    }

    /// Decrypts what [`MasterKey::seal`] made; `None` if it was made under
    /// another key or name, or has changed.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let secret = self
            .0
            .sealing
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut body)
            .ok()?;
        Some(secret.to_vec())
    }

    /// The secret of a refresh token.
    pub(crate) fn refresh_secret(&self, token: &[u8]) -> [u8; 32] {
        mac(&self.0.refresh, token)
    }

    /// A hash of a request that holds a password: keyed, so that the database
    /// alone does not serve to guess it.
    pub(crate) fn fingerprint(&self, request: &[u8]) -> [u8; 32] {
        mac(&self.0.fingerprint, request)
    }

    /// A hash of a recovery code.
    pub(crate) fn recovery_hash(&self, code: &[u8]) -> [u8; 32] {
        mac(&self.0.recovery, code)
    }

    /// A hash of what attempts to sign in have in common: keyed, so that the
    /// database alone does not tell which accounts and addresses they were.
    pub(crate) fn throttle_key(&self, subject: &[u8]) -> [u8; 32] {
        mac(&self.0.throttle, subject)
    }
}

fn mac(key: &hmac::Key, data: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(key, data).as_ref());
    tag
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::derive(&[byte; 32]).expect("key")
    }

    #[test]
    fn what_is_sealed_opens_under_the_same_key_and_name_only() {
        let sealed = key(1).seal("a", b"secret").expect("sealed");
        assert_eq!(key(1).open("a", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(key(1).open("b", &sealed), None);
        assert_eq!(key(2).open("a", &sealed), None);
        assert_eq!(key(1).open("a", &sealed[..10]), None);
        let mut changed = sealed.clone();
        changed[NONCE_LEN] ^= 1;
        assert_eq!(key(1).open("a", &changed), None);
    }

    #[test]
    fn nothing_sealed_looks_the_same_twice() {
        let seal = || key(1).seal("a", b"secret").expect("sealed");
        assert_ne!(seal(), seal());
        assert!(!seal().windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn a_master_key_is_long_enough_and_in_base64() {
        let text = "A".repeat(43);
        assert!(MasterKey::parse(&text).is_ok());
        assert!(MasterKey::parse(&format!("{text}=\n")).is_ok());
        for text in ["", "short", "AAAA", "not base64!"] {
            assert!(MasterKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        assert_ne!(key(1).refresh_secret(b"x"), key(1).fingerprint(b"x"));
        assert_ne!(key(1).recovery_hash(b"x"), key(1).fingerprint(b"x"));
        assert_ne!(key(1).throttle_key(b"x"), key(1).fingerprint(b"x"));
        assert_eq!(format!("{:?}", key(1)), "MasterKey(…)");
    }
}
