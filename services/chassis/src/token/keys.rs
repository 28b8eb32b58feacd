//! The public keys of access tokens: fetched when they are first needed, again
//! when a token names a key that is not known, and every few seconds while
//! tokens are checked, so that a key that is retired soon counts nowhere.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use jsonwebtoken::DecodingKey;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    caller::unauthenticated,
    clock::{Clock, Timestamp},
    status::Error,
};

/// The least time between two fetches, so that tokens with made-up key ids
/// cannot cause more.
const FETCH_INTERVAL: Duration = Duration::from_secs(1);

/// For how long keys count without being fetched again.
const MAX_AGE: Duration = Duration::from_secs(3);

/// A public Ed25519 key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The key's id.
    pub kid: String,
    /// The key in base64url (RFC 8037, section 2, parameter `x`).
    pub x: String,
}

/// Where the public keys come from.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// All keys that may have signed a token that is still valid.
    ///
    /// # Errors
    ///
    /// `SERVICE_UNAVAILABLE` if they cannot be had now.
    async fn fetch(&self) -> Result<Vec<PublicKey>, Error>;
}

/// How long a fetch may take: a caller waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

type KeySet = HashMap<String, Arc<DecodingKey>>;

pub(super) struct Keys {
    known: ArcSwap<KeySet>,
    source: Box<dyn KeySource>,
    /// When the keys were last asked for, in milliseconds.
    asked: AtomicI64,
    /// Keeps two fetches apart.
    fetching: Mutex<()>,
    clock: Clock,
}

impl Keys {
    pub(super) fn new(source: Box<dyn KeySource>, clock: Clock) -> Self {
        Self {
            known: ArcSwap::default(),
            source,
            asked: AtomicI64::new(i64::MIN),
            fetching: Mutex::new(()),
            clock,
        }
    }

    /// The key with an id, if it counts.
    pub(super) async fn get(&self, kid: &str) -> Result<Arc<DecodingKey>, Error> {
        if let Some(key) = self.known.load().get(kid) {
            if self.age() < MAX_AGE {
                return Ok(key.clone());
            }
            // One call looks for news while the others go on.
            if let Ok(_alone) = self.fetching.try_lock()
                && let Err(error) = self.fetch().await
            {
                tracing::warn!(%error, "the signing keys were not fetched again");
            }
        } else {
            let _alone = self.fetching.lock().await;
            if self.age() >= FETCH_INTERVAL && !self.known.load().contains_key(kid) {
                self.fetch().await?;
            }
        }
        self.known
            .load()
            .get(kid)
            .cloned()
            .ok_or_else(unauthenticated)
    }

    /// How long ago the keys were asked for.
    fn age(&self) -> Duration {
        let asked = Timestamp::from_millis(self.asked.load(Ordering::Acquire));
        self.clock.now().since(asked)
    }

    async fn fetch(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let fetched = timeout(PATIENCE, self.source.fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| Err(Error::unavailable("no keys in time")));
        if fetched.is_ok() || !self.known.load().is_empty() {
            self.asked.store(now.millis(), Ordering::Release);
        }
        self.known.store(Arc::new(parse(&fetched?)));
        Ok(())
    }
}

fn parse(keys: &[PublicKey]) -> KeySet {
    keys.iter()
        .filter_map(|key| match DecodingKey::from_ed_components(&key.x) {
            Ok(decoding) => Some((key.kid.clone(), Arc::new(decoding))),
            Err(error) => {
                tracing::error!(kid = key.kid, %error, "a signing key cannot be read");
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex as StdMutex, atomic::AtomicUsize};

    use super::*;

    /// Publishes these key ids, and counts how often it is asked.
    #[derive(Default)]
    struct Published {
        kids: StdMutex<Option<Vec<&'static str>>>,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl KeySource for Arc<Published> {
        async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let kids = self.kids.lock().expect("lock").clone();
            let kids = kids.ok_or_else(|| Error::unavailable("down"))?;
            let key = |kid: &str| PublicKey {
                kid: kid.to_owned(),
                // RFC 8037, appendix A.2.
                x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
            };
            Ok(kids.into_iter().map(key).collect())
        }
    }

    impl Published {
        fn set(&self, kids: &[&'static str]) {
            *self.kids.lock().expect("lock") = Some(kids.to_vec());
        }

        fn go_down(&self) {
            *self.kids.lock().expect("lock") = None;
        }
    }

    fn keys(kids: &[&'static str]) -> (Keys, Arc<Published>, Clock) {
        let published = Arc::new(Published::default());
        published.set(kids);
        let clock = Clock::manual(Timestamp::from_seconds(1_000));
        let keys = Keys::new(Box::new(published.clone()), clock.clone());
        (keys, published, clock)
    }

    #[tokio::test]
    async fn an_unknown_key_is_asked_for_at_most_once_a_second() {
        let (keys, published, clock) = keys(&["a"]);
        assert!(keys.get("a").await.is_ok());
        published.set(&["a", "b"]);
        assert!(keys.get("b").await.is_err());
        clock.advance(FETCH_INTERVAL);
        assert!(keys.get("b").await.is_ok());
        for _ in 0..10 {
            assert!(keys.get("made up").await.is_err());
        }
        assert_eq!(published.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_key_that_is_no_longer_published_soon_counts_no_more() {
        let (keys, published, clock) = keys(&["a"]);
        assert!(keys.get("a").await.is_ok());
        published.set(&["b"]);
        assert!(keys.get("a").await.is_ok());
        clock.advance(MAX_AGE);
        assert!(keys.get("a").await.is_err());
    }

    #[tokio::test]
    async fn known_keys_count_while_the_source_is_down() {
        let (keys, published, clock) = keys(&["a"]);
        assert!(keys.get("a").await.is_ok());
        published.go_down();
        clock.advance(MAX_AGE);
        assert!(keys.get("a").await.is_ok());
        published.set(&["a"]);
        clock.advance(MAX_AGE);
        assert!(keys.get("a").await.is_ok());
        assert_eq!(published.asked.load(Ordering::SeqCst), 3);
    }
}
