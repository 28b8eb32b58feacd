//! The public keys of access tokens, fetched when they are first needed and
//! again when a token names a key that is not known.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use crate::{
    caller::unauthenticated,
    clock::{Clock, Timestamp},
    status::Error,
};

/// The least time between two fetches, so that tokens with made-up key ids
/// cannot cause more.
const FETCH_INTERVAL: Duration = Duration::from_secs(1);

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

type KeySet = HashMap<String, Arc<DecodingKey>>;

pub(super) struct Keys {
    known: ArcSwap<KeySet>,
    source: Box<dyn KeySource>,
    /// When the keys were last fetched; also keeps two fetches apart.
    fetched: Mutex<Option<Timestamp>>,
    clock: Clock,
}

impl Keys {
    pub(super) fn new(source: Box<dyn KeySource>, clock: Clock) -> Self {
        Self {
            known: ArcSwap::default(),
            source,
            fetched: Mutex::new(None),
            clock,
        }
    }

    pub(super) async fn get(&self, kid: &str) -> Result<Arc<DecodingKey>, Error> {
        if let Some(key) = self.known.load().get(kid) {
            return Ok(key.clone());
        }
        let mut fetched = self.fetched.lock().await;
        let now = self.clock.now();
        let is_recent = fetched.is_some_and(|last| now.since(last) < FETCH_INTERVAL);
        if !is_recent && !self.known.load().contains_key(kid) {
            let keys = self.source.fetch().await?;
            *fetched = Some(now);
            self.known.store(Arc::new(parse(&keys)));
        }
        self.known
            .load()
            .get(kid)
            .cloned()
            .ok_or_else(unauthenticated)
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
