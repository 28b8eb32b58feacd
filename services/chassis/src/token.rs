//! Checks access tokens (JWTs signed with Ed25519, RFC 7519 and RFC 8037) and
//! makes and checks the service tokens that services show each other. Follows
//! RFC 8725: the algorithm, the type, the issuer and the audience are fixed by
//! the verifier, never taken from the token.

mod keys;
mod revocations;
mod service;

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::keys::Keys;
pub use self::{
    keys::{KeySource, PublicKey},
    revocations::{Revocations, Revoked},
    service::ServiceIdentity,
};
use crate::{
    caller::{User, unauthenticated},
    clock::{Clock, Timestamp},
    status::{Error, Kind},
};

/// The `typ` of access tokens (RFC 9068, section 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// How many verified tokens a process remembers.
const CACHED_TOKENS: u64 = 50_000;

/// A longer token is none of ours.
const MAX_TOKEN_LENGTH: usize = 4096;

/// The claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer: the public URL.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The person's id.
    pub sub: Uuid,
    /// The session's id.
    pub sid: Uuid,
    /// The instance role: `ADMIN` or `MEMBER`.
    pub role: String,
    /// The e-mail address.
    pub email: String,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// When it expires, in seconds since the epoch.
    pub exp: i64,
    /// The token's own id.
    pub jti: Uuid,
}

/// Checks access tokens without asking anybody: by the public keys, a bounded
/// cache of tokens already checked, and the revocations.
pub struct Verifier {
    validation: Validation,
    keys: Keys,
    cache: Cache<[u8; 32], Checked>,
    revocations: Arc<Revocations>,
    clock: Clock,
}

/// A token whose signature was checked.
#[derive(Clone)]
struct Checked {
    user: Arc<User>,
    /// The key that signed it.
    kid: Arc<str>,
}

impl Verifier {
    /// A verifier of tokens by `issuer` for `audience`, with keys from `source`.
    #[must_use]
    pub fn new(
        issuer: &str,
        audience: &str,
        source: Box<dyn KeySource>,
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
            cache: Cache::new(CACHED_TOKENS),
            revocations,
            clock,
        }
    }

    /// The person whom a token speaks for.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for anything that is no token of ours, `TOKEN_EXPIRED`,
    /// `TOKEN_REVOKED`, and `SERVICE_UNAVAILABLE` while the keys or the
    /// revocations are not known.
    pub async fn verify(&self, token: &str) -> Result<Arc<User>, Error> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(unauthenticated());
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let Checked { user, .. } = match self.cache.get(&hash) {
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
        self.check_expiry(&user)
            .inspect_err(|_| self.cache.invalidate(&hash))?;
        self.revocations.current().await?;
        self.check_revoked(&user)?;
        Ok(user)
    }

    /// Nothing, if the token that somebody is known by still counts, as far as
    /// is known here.
    ///
    /// # Errors
    ///
    /// `TOKEN_EXPIRED` or `TOKEN_REVOKED`.
    pub fn check(&self, user: &User) -> Result<(), Error> {
        self.check_expiry(user)?;
        self.check_revoked(user)
    }

    /// Nothing, unless the token that somebody is known by was revoked since.
    ///
    /// # Errors
    ///
    /// `TOKEN_REVOKED`.
    pub fn check_revoked(&self, user: &User) -> Result<(), Error> {
        if self.revocations.covers(user) {
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

    fn check_expiry(&self, user: &User) -> Result<(), Error> {
        if user.expires_at <= self.clock.now() {
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
        let user = User {
            id: claims.sub,
            session_id: claims.sid,
            is_admin: claims.role == "ADMIN",
            issued_at: issued_at(&claims),
            expires_at: Timestamp::from_seconds(claims.exp),
        };
        Ok(Checked {
            user: Arc::new(user),
            kid: kid.into(),
        })
    }
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
