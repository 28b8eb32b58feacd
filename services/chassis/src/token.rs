//! Checks access tokens (JWTs signed with Ed25519, RFC 7519 and RFC 8037) and
//! makes and checks the service tokens that services show each other. Follows
//! RFC 8725: the algorithm, the type, the issuer and the audience are fixed by
//! the verifier, never taken from the token.

mod api_key;
mod keys;
mod revocations;
mod service;
mod skew;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, Validation};
use moka::{Expiry, sync::Cache};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::{api_key::KeyTokens, keys::Keys};
pub use self::{
    api_key::{ApiKeySecret, Exchanged, KeyExchange, KeyHash, NoKeys},
    keys::{KeySource, PublicKey},
    revocations::{Revocations, Revoked},
    service::ServiceIdentity,
    skew::judge_clock,
};
use crate::{
    caller::{Grant, Key, Pass, Principal, Scopes, ServiceAccount, User, unauthenticated},
    clock::{Clock, Timestamp},
    status::{Error, Kind},
};

/// The `typ` of access tokens (RFC 9068, section 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// How many verified tokens a process remembers.
const CACHED_TOKENS: u64 = 50_000;

/// A longer token is none of ours.
const MAX_TOKEN_LENGTH: usize = 4096;

/// The `role` of a service account.
pub const SERVICE_ROLE: &str = "SERVICE";

/// The claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer: the public URL.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The id of the person or the service account.
    pub sub: Uuid,
    /// The id of the session, API key or impersonation.
    pub sid: Uuid,
    /// The instance role: `ADMIN` or `MEMBER`; `SERVICE` of a service account.
    pub role: String,
    /// The e-mail address of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// When it expires, in seconds since the epoch.
    pub exp: i64,
    /// The token's own id.
    pub jti: Uuid,
    /// The service account (RFC 9068, section 2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    /// What the token of a key is good for (RFC 9068, section 2.2.3); without
    /// it, everything that the person may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When the key expires that the token was exchanged for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_exp: Option<i64>,
    /// The ADMIN who acts as the person (RFC 8693, section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActingParty>,
}

/// Who acts as somebody else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActingParty {
    /// The person's id.
    pub sub: Uuid,
}

impl Claims {
    /// Who the claims say it is; nobody, if they contradict each other.
    fn principal(&self) -> Option<Principal> {
        let seconds = Timestamp::from_seconds;
        let key = self.scope.as_deref().map(|scope| Key {
            scopes: Scopes::new(scope),
            expires_at: self.key_exp.map(seconds),
        });
        let (issued_at, expires_at) = (issued_at(self), seconds(self.exp));
        if self.role == SERVICE_ROLE {
            return Some(Principal::ServiceAccount(Arc::new(ServiceAccount {
                id: self.sub,
                key_id: self.sid,
                key: key?,
                issued_at,
                expires_at,
            })));
        }
        let grant = match (key, &self.act) {
            (None, None) => Grant::Session,
            (Some(key), None) => Grant::Key(key),
            (None, Some(actor)) => Grant::Impersonation { by: actor.sub },
            (Some(_), Some(_)) => return None,
        };
        Some(Principal::User(Arc::new(User {
            id: self.sub,
            session_id: self.sid,
            is_admin: self.role == "ADMIN",
            grant,
            issued_at,
            expires_at,
        })))
    }
}

/// Somebody who is known, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who it is.
    pub principal: Principal,
    /// The token that was taken in exchange for the key that was shown: it
    /// stands for the caller from here on.
    pub exchanged: Option<Arc<str>>,
}

/// Checks access tokens without asking anybody: by the public keys, a bounded
/// cache of tokens already checked, and the revocations. An API key is exchanged
/// for a token first.
pub struct Verifier {
    validation: Validation,
    keys: Keys,
    cache: Cache<[u8; 32], Checked>,
    key_tokens: KeyTokens,
    revocations: Arc<Revocations>,
    clock: Clock,
}

/// A token whose signature was checked.
#[derive(Clone)]
struct Checked {
    principal: Principal,
    /// The key that signed it.
    kid: Arc<str>,
}

/// Those that are remembered, each for as long as it is good.
fn checked_tokens(clock: Clock) -> Cache<[u8; 32], Checked> {
    Cache::builder()
        .max_capacity(CACHED_TOKENS)
        .expire_after(UntilExpiry(clock))
        .build()
}

struct UntilExpiry(Clock);

impl Expiry<[u8; 32], Checked> for UntilExpiry {
    fn expire_after_create(&self, _: &[u8; 32], checked: &Checked, _: Instant) -> Option<Duration> {
        let expires_at = Pass::from(&checked.principal).expires_at;
        Some(expires_at.since(self.0.now()))
    }
}

impl Verifier {
    /// A verifier of tokens by `issuer` for `audience`, with the keys that sign
    /// them from `source`; API keys are taken to `exchange`.
    #[must_use]
    pub fn new(
        issuer: &str,
        audience: &str,
        source: Box<dyn KeySource>,
        exchange: Box<dyn KeyExchange>,
        revocations: Arc<Revocations>,
        clock: Clock,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Expiry is checked below, by our clock and also for cached tokens.
        validation.validate_exp = false;
        Self {
            validation,
            keys: Keys::new(source, clock.clone()),
            cache: checked_tokens(clock.clone()),
            key_tokens: KeyTokens::new(exchange, clock.clone()),
            revocations,
            clock,
        }
    }

    /// Whom a token or an API key speaks for.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for anything that is none of ours, `TOKEN_EXPIRED`,
    /// `TOKEN_REVOKED`, and `SERVICE_UNAVAILABLE` while the keys or the
    /// revocations are not known.
    pub async fn verify(&self, shown: &str) -> Result<Known, Error> {
        if !KeyHash::is_key(shown) {
            let principal = self.verify_token(shown).await?;
            return Ok(Known {
                principal,
                exchanged: None,
            });
        }
        let hash = KeyHash::of(shown).ok_or_else(unauthenticated)?;
        let token = self.key_tokens.get(hash).await?;
        let (token, verified) = match self.verify_token(&token).await {
            // The token may be revoked and the key not, as when its owner's
            // role has changed.
            Err(refused) if refused.kind == Kind::Unauthenticated => {
                self.key_tokens.forget(hash, &token).await;
                let token = self.key_tokens.get(hash).await?;
                let verified = self.verify_token(&token).await;
                (token, verified)
            }
            verified => (token, verified),
        };
        Ok(Known {
            principal: verified?,
            exchanged: Some(token),
        })
    }

    /// Whether nobody need be asked to verify this: it is no API key, or one
    /// that was shown lately.
    #[must_use]
    pub fn is_at_hand(&self, shown: &str) -> bool {
        !KeyHash::is_key(shown) || KeyHash::of(shown).is_none_or(|hash| self.key_tokens.knows(hash))
    }

    async fn verify_token(&self, token: &str) -> Result<Principal, Error> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(unauthenticated());
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let Checked { principal, .. } = match self.cache.get(&hash) {
            Some(checked) => {
                // The key may have been retired since.
                self.keys.get(&checked.kid).await?;
                checked
            }
            None => {
                let checked = self.check_signature(token).await?;
                self.cache.insert(hash, checked.clone());
                checked
            }
        };
        let pass = Pass::from(&principal);
        self.check_expiry(pass)
            .inspect_err(|_| self.cache.invalidate(&hash))?;
        self.revocations.current().await?;
        self.check_revoked(pass)?;
        Ok(principal)
    }

    /// Nothing, if the token that somebody is known by still counts, as far as
    /// is known here.
    ///
    /// # Errors
    ///
    /// `TOKEN_EXPIRED` or `TOKEN_REVOKED`.
    pub fn check(&self, pass: impl Into<Pass>) -> Result<(), Error> {
        let pass = pass.into();
        self.check_expiry(pass)?;
        self.check_revoked(pass)
    }

    /// Nothing, if what was begun with a token may go on, also past the time at
    /// which the token expires: unless it was revoked since, or the key has
    /// expired that it was exchanged for.
    ///
    /// # Errors
    ///
    /// `TOKEN_EXPIRED` or `TOKEN_REVOKED`.
    pub fn check_begun(&self, pass: impl Into<Pass>) -> Result<(), Error> {
        let pass = pass.into();
        let now = self.clock.now();
        if pass
            .key_expires_at
            .is_some_and(|expires_at| expires_at <= now)
        {
            return Err(key_expired());
        }
        self.check_revoked(pass)
    }

    fn check_revoked(&self, pass: Pass) -> Result<(), Error> {
        if self.revocations.covers(pass) {
            return Err(Error::new(
                Kind::Unauthenticated,
                "TOKEN_REVOKED",
                "The session has ended or the account has changed. Sign in again.",
            ));
        }
        Ok(())
    }

    /// The revocations, for whoever keeps something open for somebody.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    fn check_expiry(&self, pass: Pass) -> Result<(), Error> {
        if pass.expires_at <= self.clock.now() {
            return Err(Error::new(
                Kind::Unauthenticated,
                "TOKEN_EXPIRED",
                "The access token has expired. Get a new one with the refresh token.",
            ));
        }
        Ok(())
    }

    async fn check_signature(&self, token: &str) -> Result<Checked, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| unauthenticated())?;
        if header.typ.as_deref() != Some(ACCESS_TOKEN_TYPE) {
            return Err(unauthenticated());
        }
        let kid = header.kid.ok_or_else(unauthenticated)?;
        let key = self.keys.get(&kid).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.validation)
            .map_err(|_| unauthenticated())?
            .claims;
        Ok(Checked {
            principal: claims.principal().ok_or_else(unauthenticated)?,
            kid: kid.into(),
        })
    }
}

/// The failure of an API key whose time is over.
#[must_use]
pub fn key_expired() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "TOKEN_EXPIRED",
        "The API key has expired. Make a new one.",
    )
}

/// The failure of an API key that its owner has revoked, or whose owner may not
/// sign in any more.
#[must_use]
pub fn key_revoked() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "TOKEN_REVOKED",
        "The API key was revoked, or its owner may not sign in.",
    )
}

/// When a token was issued, to the millisecond: `jti` is a UUIDv7, and `iat`
/// counts seconds, too coarse to tell a token from just before a revocation
/// from one just after.
fn issued_at(claims: &Claims) -> Timestamp {
    let millis = claims.jti.get_timestamp().map(|made| {
        let (seconds, nanos) = made.to_unix();
        seconds * 1000 + u64::from(nanos / 1_000_000)
    });
    millis
        .and_then(|millis| i64::try_from(millis).ok())
        .map_or(Timestamp::from_seconds(claims.iat), Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(expires_at: Timestamp) -> Checked {
        let user = User {
            id: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            is_admin: false,
            grant: Grant::Session,
            issued_at: Timestamp::from_seconds(90),
            expires_at,
        };
        Checked {
            principal: Principal::User(Arc::new(user)),
            kid: "key".into(),
        }
    }

    #[test]
    fn a_token_that_nobody_shows_any_more_is_forgotten_when_it_expires() {
        let now = Timestamp::from_seconds(100);
        let cache = checked_tokens(Clock::manual(now));
        let life = Duration::from_millis(50);
        cache.insert([1; 32], checked(now + life));
        cache.insert([2; 32], checked(now + Duration::from_secs(600)));
        cache.run_pending_tasks();
        assert_eq!(cache.entry_count(), 2);
        let begun = Instant::now();
        while cache.entry_count() > 1 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is kept");
            std::thread::sleep(life);
            cache.run_pending_tasks();
        }
        assert!(cache.contains_key(&[2; 32]));
    }
}
