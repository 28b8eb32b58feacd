//! API keys: their form, and what they are exchanged for. A process that is
//! shown one asks for a short access token in its place, so that whatever holds
//! for tokens, revocation above all, holds for keys too.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::{
    caller::unauthenticated,
    clock::{Clock, Timestamp, fill_random},
    status::{Error, Kind},
};

/// What keys begin with, for secret scanners.
const PREFIX: &str = "pak_";

/// The characters of a key that are shown later, so that its owner knows which
/// it is. The prefix is one of them; the rest of the key stays out of reach.
const SHOWN: usize = 12;

const RANDOM: usize = 32;
const CHECKSUM: usize = 4;

/// How many keys a process remembers.
const CACHED_KEYS: u64 = 10_000;

/// For how long it is remembered that a key does not count. What is refused
/// stays so, as no key comes back; this only bounds what a wrong clock costs.
const REFUSED: Duration = Duration::from_secs(5);

/// A new key, which is shown once.
pub struct ApiKeySecret {
    /// The key.
    pub text: String,
    /// What it is kept by.
    pub hash: KeyHash,
}

/// What a key is kept by. A key is too random to be guessed, so that one round
/// is enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyHash(…)")
    }
}

impl ApiKeySecret {
    /// A new key: 256 random bits, and a checksum by which what is none of ours
    /// is told apart without asking anybody.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; RANDOM + CHECKSUM];
        fill_random(&mut bytes[..RANDOM]);
        let (random, sum) = bytes.split_at_mut(RANDOM);
        sum.copy_from_slice(&checksum(random));
        let text = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
        Self {
            hash: KeyHash(Sha256::digest(&text).into()),
            text,
        }
    }

    /// The beginning of the key, by which its owner knows it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.text[..SHOWN]
    }
}

impl KeyHash {
    /// Whether a bearer token is meant to be a key.
    #[must_use]
    pub fn is_key(shown: &str) -> bool {
        shown.starts_with(PREFIX)
    }

    /// The hash of what somebody shows; `None` for what has not the form of a
    /// key.
    #[must_use]
    pub fn of(shown: &str) -> Option<Self> {
        let encoded = shown.strip_prefix(PREFIX)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (random, sum) = bytes.split_at_checked(RANDOM)?;
        (sum == checksum(random)).then(|| Self(Sha256::digest(shown).into()))
    }
}

fn checksum(random: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&Sha256::digest(random)[..CHECKSUM]);
    sum
}

/// What a key was exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The access token.
    pub token: Arc<str>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Where keys are exchanged.
#[async_trait]
pub trait KeyExchange: Send + Sync {
    /// A new access token for a key.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for a key that is not known, `TOKEN_REVOKED`,
    /// `TOKEN_EXPIRED`, and `SERVICE_UNAVAILABLE` if nobody answers.
    async fn exchange(&self, hash: KeyHash) -> Result<Exchanged, Error>;
}

/// The tokens of the keys that were shown lately. Of many calls with one key,
/// one exchanges it.
pub(super) struct KeyTokens {
    source: Box<dyn KeyExchange>,
    slots: Cache<KeyHash, Arc<Mutex<Option<Answer>>>>,
    clock: Clock,
}

/// What the exchange answered, until when that is good.
#[derive(Clone)]
struct Answer {
    outcome: Result<Exchanged, Refusal>,
    until: Timestamp,
}

#[derive(Clone)]
struct Refusal {
    reason: Cow<'static, str>,
    message: Cow<'static, str>,
}

impl KeyTokens {
    pub(super) fn new(source: Box<dyn KeyExchange>, clock: Clock) -> Self {
        Self {
            source,
            slots: Cache::new(CACHED_KEYS),
            clock,
        }
    }

    /// Whether the answer to a key is at hand.
    pub(super) fn knows(&self, hash: KeyHash) -> bool {
        let now = self.clock.now();
        let slot = self.slots.get(&hash);
        // While one asks, the others wait for the same answer.
        slot.is_some_and(|slot| match slot.try_lock() {
            Ok(answer) => answer.as_ref().is_some_and(|known| now < known.until),
            Err(_) => true,
        })
    }

    /// The token in the place of a key.
    pub(super) async fn get(&self, hash: KeyHash) -> Result<Arc<str>, Error> {
        let slot = self.slots.get_with(hash, Arc::default);
        let mut answer = slot.lock().await;
        let now = self.clock.now();
        let known = answer.as_ref().filter(|known| now < known.until);
        let outcome = match known {
            Some(known) => known.outcome.clone(),
            None => {
                let asked = self.ask(hash, now).await?;
                answer.insert(asked).outcome.clone()
            }
        };
        outcome
            .map(|exchanged| exchanged.token)
            .map_err(|refusal| Error::new(Kind::Unauthenticated, refusal.reason, refusal.message))
    }

    async fn ask(&self, hash: KeyHash, now: Timestamp) -> Result<Answer, Error> {
        match self.source.exchange(hash).await {
            Ok(exchanged) => {
                // What is called with the token takes some time, too.
                let lifetime = exchanged.expires_at.since(exchanged.issued_at);
                Ok(Answer {
                    until: exchanged.issued_at + lifetime * 3 / 4,
                    outcome: Ok(exchanged),
                })
            }
            Err(error) if error.kind == Kind::Unauthenticated => Ok(Answer {
                outcome: Err(Refusal {
                    reason: error.reason,
                    message: error.message,
                }),
                until: now + REFUSED,
            }),
            Err(error) => Err(error),
        }
    }

    /// Forgets a token that does not count any more.
    pub(super) async fn forget(&self, hash: KeyHash, token: &str) {
        let Some(slot) = self.slots.get(&hash) else {
            return;
        };
        let mut answer = slot.lock().await;
        let is_it = |known: &Answer| {
            let exchanged = known.outcome.as_ref().ok();
            exchanged.is_some_and(|exchanged| &*exchanged.token == token)
        };
        if answer.as_ref().is_some_and(is_it) {
            *answer = None;
        }
    }
}

/// No key is known: for a process that is shown none.
pub struct NoKeys;

#[async_trait]
impl KeyExchange for NoKeys {
    async fn exchange(&self, _: KeyHash) -> Result<Exchanged, Error> {
        Err(unauthenticated())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_key_is_known_by_the_text_that_was_given_out_and_no_other_has_it() {
        let key = ApiKeySecret::generate();
        assert!(KeyHash::is_key(&key.text));
        assert_eq!(key.text.len(), 52);
        assert_eq!(KeyHash::of(&key.text), Some(key.hash));
        assert!(key.text.starts_with(key.shown()) && key.shown().len() == 12);
        assert_ne!(ApiKeySecret::generate().hash, key.hash);
    }

    #[test]
    fn what_was_mistyped_or_made_up_is_no_key() {
        let ApiKeySecret { text, .. } = ApiKeySecret::generate();
        let swapped: String = text
            .chars()
            .enumerate()
            .map(|(place, letter)| match (place, letter) {
                (20, 'A') => 'B',
                (20, _) => 'A',
                _ => letter,
            })
            .collect();
        let made_up = format!("pak_{}", "A".repeat(48));
        let cut = &text[..text.len() - 1];
        for text in ["", "pak_", "pak_ü", &swapped, &made_up, cut, &text[4..]] {
            assert_eq!(KeyHash::of(text), None, "{text}");
        }
    }

    /// Exchanges every key but one of zeros, and counts how often.
    struct Counted {
        asked: Arc<AtomicUsize>,
        clock: Clock,
    }

    #[async_trait]
    impl KeyExchange for Counted {
        async fn exchange(&self, hash: KeyHash) -> Result<Exchanged, Error> {
            let count = self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if hash == KeyHash([0; 32]) {
                return Err(unauthenticated());
            }
            let issued_at = self.clock.now();
            Ok(Exchanged {
                token: count.to_string().into(),
                issued_at,
                expires_at: issued_at + Duration::from_secs(600),
            })
        }
    }

    fn tokens() -> (KeyTokens, Arc<AtomicUsize>, Clock) {
        let clock = Clock::manual(Timestamp::from_seconds(1_000));
        let asked = Arc::new(AtomicUsize::new(0));
        let source = Counted {
            asked: asked.clone(),
            clock: clock.clone(),
        };
        let tokens = KeyTokens::new(Box::new(source), clock.clone());
        (tokens, asked, clock)
    }

    #[tokio::test]
    async fn of_many_calls_with_a_key_one_exchanges_it() {
        let (tokens, asked, clock) = tokens();
        let hash = KeyHash([1; 32]);
        assert!(!tokens.knows(hash));
        let calls = (0..20).map(|_| tokens.get(hash));
        let all = futures::future::try_join_all(calls).await.expect("tokens");
        assert!(all.iter().all(|token| &**token == "0"));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(tokens.knows(hash));
        clock.advance(Duration::from_secs(450));
        assert!(!tokens.knows(hash));
        assert_eq!(&*tokens.get(hash).await.expect("another"), "1");
    }

    #[tokio::test]
    async fn a_token_that_does_not_count_is_replaced_once() {
        let (tokens, asked, _) = tokens();
        let hash = KeyHash([1; 32]);
        let first = tokens.get(hash).await.expect("a token");
        tokens.forget(hash, &first).await;
        assert_eq!(&*tokens.get(hash).await.expect("another"), "1");
        tokens.forget(hash, &first).await;
        assert_eq!(&*tokens.get(hash).await.expect("the same"), "1");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_refusal_is_remembered_briefly() {
        let (tokens, asked, clock) = tokens();
        let hash = KeyHash([0; 32]);
        for _ in 0..3 {
            let refused = tokens.get(hash).await.expect_err("refused");
            assert_eq!(refused.reason, "UNAUTHENTICATED");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        clock.advance(REFUSED);
        assert!(tokens.get(hash).await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
