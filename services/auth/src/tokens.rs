//! Issues access tokens, with the signing keys that are in force. The keys are
//! read from the database every second, so that what another process or the
//! command line does to them is soon known here.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portico_chassis::{
    clock::{Clock, Timestamp, new_id},
    database::in_time,
    status::Error,
    token::{ACCESS_TOKEN_TYPE, ActingParty, Claims, SERVICE_ROLE},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Config,
    impersonation::Impersonation,
    key::{self, KeyState, SealedKey},
    revocation::Feed,
    secret::MasterKey,
    store::Store,
};

/// How often the keys are read.
const REFRESH: Duration = Duration::from_secs(1);

/// How soon a key made by hand signs: when every process has read it.
const IN_FORCE: Duration = Duration::from_secs(3);

/// The tokens of an installation: their keys, and those that no longer count.
#[derive(Clone)]
pub struct Tokens(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) feed: Feed,
    pub(crate) issuer: String,
    audience: String,
    ttl: Duration,
    pub(crate) master_key: MasterKey,
    ring: ArcSwap<Ring>,
}

/// The keys that were last read, and those that can sign.
#[derive(Default)]
struct Ring {
    keys: Vec<SealedKey>,
    pairs: HashMap<String, Arc<Ed25519KeyPair>>,
}

/// A signing key, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key's id.
    pub kid: String,
    /// What it is used for now.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs.
    pub active_from: Timestamp,
    /// Whether it opens under the master key.
    pub opens: bool,
}

/// For whom a token is issued.
pub(crate) struct Subject<'a> {
    /// A person or a service account.
    pub(crate) user_id: Uuid,
    /// What is revoked to end it.
    pub(crate) session_id: Uuid,
    pub(crate) role: &'static str,
    /// Empty, of a service account.
    pub(crate) email: &'a str,
}

/// What a token stands on.
pub(crate) enum Standing<'a> {
    /// A session.
    Session,
    /// An API key, and when it expires.
    Key {
        scope: &'a str,
        expires_at: Option<Timestamp>,
    },
    /// An ADMIN who acts as the person.
    Impersonation(&'a Impersonation),
}

impl Tokens {
    pub(crate) fn new(config: &Config, store: Arc<dyn Store>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            feed: Feed::new(store.clone(), clock.clone()),
            store,
            clock,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            ttl: config.access_token_ttl,
            master_key: config.master_key.clone(),
            ring: ArcSwap::default(),
        }))
    }

    /// The signing keys, in the order in which they become active.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>, Error> {
        let keys = self.0.store.signing_keys().await?;
        let states = key::states(&keys, self.0.clock.now(), self.0.ttl);
        let infos = keys.into_iter().zip(states).map(|(key, state)| KeyInfo {
            opens: key.open(&self.0.master_key).is_some(),
            kid: key.kid,
            state,
            created_at: key.created_at,
            active_from: key.active_from,
        });
        Ok(infos.collect())
    }

    /// Makes a key that signs within seconds, as soon as every process has
    /// read it. The one that signs now stays published until its last token
    /// has expired. Returns the new key's id.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn rotate_key(&self) -> Result<String, Error> {
        let now = self.0.clock.now();
        loop {
            let keys = self.0.store.signing_keys().await?;
            let from = if keys.is_empty() { now } else { now + IN_FORCE };
            let newest = keys.last().map(|key| key.kid.as_str());
            if let Some(kid) = self.add_key(from, newest).await? {
                self.upkeep().await?;
                return Ok(kid);
            }
        }
    }

    /// Takes a key out of use at once: every token by it fails. If no other
    /// key signs, a new one does from now on. Whether there was such a key.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn retire_key(&self, kid: &str) -> Result<bool, Error> {
        let now = self.0.clock.now();
        let mut keys = self.0.store.signing_keys().await?;
        keys.retain(|key| key.kid != kid);
        let is_needed = !keys.iter().any(|key| key.active_from <= now);
        let successor = is_needed
            .then(|| SealedKey::generate(&self.0.master_key, now, now))
            .transpose()?;
        let was_there = self
            .0
            .store
            .remove_signing_key(kid, successor.as_ref())
            .await?;
        self.upkeep().await?;
        Ok(was_there)
    }

    /// The keys to publish: id, and public key in base64url.
    pub(crate) fn published(&self) -> Vec<(String, String)> {
        let ring = self.0.ring.load();
        let states = key::states(&ring.keys, self.0.clock.now(), self.0.ttl);
        let published = ring.keys.iter().zip(states);
        published
            .filter(|(_, state)| *state != KeyState::Gone)
            .map(|(key, _)| (key.kid.clone(), key.x()))
            .collect()
    }

    /// A new access token, issued at `now`, and when it expires.
    pub(crate) fn issue_on(
        &self,
        subject: &Subject<'_>,
        standing: &Standing<'_>,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Error> {
        let usual = now + self.0.ttl;
        let (expires_at, scope, key_expires_at, by) = match *standing {
            Standing::Session => (usual, None, None, None),
            Standing::Key { scope, expires_at } => {
                let first = expires_at.map_or(usual, |expires_at| expires_at.min(usual));
                (first, Some(scope.to_owned()), expires_at, None)
            }
            Standing::Impersonation(impersonation) => {
                let by = impersonation.admin_id;
                (impersonation.expires_at, None, None, Some(by))
            }
        };
        let expires_at = Timestamp::from_seconds(expires_at.seconds());
        let is_service_account = subject.role == SERVICE_ROLE;
        let claims = Claims {
            iss: self.0.issuer.clone(),
            aud: self.0.audience.clone(),
            sub: subject.user_id,
            sid: subject.session_id,
            role: subject.role.to_owned(),
            email: Some(subject.email.to_owned()).filter(|email| !email.is_empty()),
            iat: now.seconds(),
            exp: expires_at.seconds(),
            jti: new_id(now),
            client_id: is_service_account.then_some(subject.user_id),
            scope,
            key_exp: key_expires_at.map(Timestamp::seconds),
            act: by.map(|sub| ActingParty { sub }),
        };
        let ring = self.0.ring.load();
        let active = ring.keys.iter().rfind(|key| key.active_from <= now);
        let (kid, pair) = active
            .and_then(|key| ring.pairs.get_key_value(&key.kid))
            .ok_or_else(|| Error::internal("no signing key is active"))?;
        Ok((sign(kid, pair, &claims)?, expires_at))
    }

    /// Keeps the keys in order until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stopped_within(&stop, REFRESH).await {
            if let Err(error) = in_time(self.upkeep()).await {
                tracing::warn!(%error, "the signing keys were not read");
            }
        }
        self.0.feed.stop();
    }

    /// Makes the next key when it is time, removes those that are gone, and
    /// reads all of them if anything changed.
    pub(crate) async fn upkeep(&self) -> Result<(), Error> {
        let now = self.0.clock.now();
        let mut keys = self.0.store.signing_keys().await?;
        let states = key::states(&keys, now, self.0.ttl);
        let gone = keys.iter().zip(states);
        let gone = gone.filter(|(_, state)| *state == KeyState::Gone);
        let gone: Vec<String> = gone.map(|(key, _)| key.kid.clone()).collect();
        for kid in &gone {
            self.0.store.remove_signing_key(kid, None).await?;
            tracing::info!(kid, "removed a signing key whose tokens have expired");
        }
        let due = key::next_activation(&keys, now);
        if let Some(from) = due {
            let newest = keys.last().map(|key| key.kid.as_str());
            self.add_key(from, newest).await?;
        }
        if due.is_some() || !gone.is_empty() {
            keys = self.0.store.signing_keys().await?;
        }
        self.reload(keys)
    }

    /// Adds a key after the newest one; `None` if another process was faster.
    async fn add_key(
        &self,
        from: Timestamp,
        newest: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let key = SealedKey::generate(&self.0.master_key, self.0.clock.now(), from)?;
        if !self.0.store.add_signing_key(&key, newest).await? {
            return Ok(None);
        }
        tracing::info!(kid = key.kid, "made a signing key");
        Ok(Some(key.kid))
    }

    fn reload(&self, keys: Vec<SealedKey>) -> Result<(), Error> {
        let known = self.0.ring.load();
        if known.keys == keys {
            return Ok(());
        }
        let mut pairs = HashMap::new();
        for key in &keys {
            let pair = match known.pairs.get(&key.kid) {
                Some(pair) => pair.clone(),
                None => Arc::new(self.open(key)?),
            };
            pairs.insert(key.kid.clone(), pair);
        }
        self.0.ring.store(Arc::new(Ring { keys, pairs }));
        Ok(())
    }

    fn open(&self, key: &SealedKey) -> Result<Ed25519KeyPair, Error> {
        key.open(&self.0.master_key).ok_or_else(|| {
            let message = "a signing key does not open: PORTICO_MASTER_KEY is not the key that it was sealed with";
            Error::internal(message)
        })
    }
}

/// Waits for `pause`; whether `stop` came first.
pub(crate) async fn stopped_within(stop: &CancellationToken, pause: Duration) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}

/// A JWT signed with Ed25519 (RFC 8037, section 3.1; RFC 9068, section 2.1).
fn sign(kid: &str, pair: &Ed25519KeyPair, claims: &Claims) -> Result<String, Error> {
    let header = format!(r#"{{"typ":"{ACCESS_TOKEN_TYPE}","alg":"EdDSA","kid":"{kid}"}}"#);
    let claims = serde_json::to_vec(claims).map_err(Error::internal)?;
    let mut token = BASE64_URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = pair.try_sign(token.as_bytes()).map_err(Error::internal)?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
    Ok(token)
}

#[cfg(test)]
mod tests;
