//! Service tokens: short-lived JWTs (HS256, `aud` `portico-internal`, `sub`
//! `service:<name>`) by a secret that the services of an installation share.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::{
    caller::unauthenticated,
    clock::{Clock, Timestamp},
    status::Error,
};

const AUDIENCE: &str = "portico-internal";
const LIFETIME: Duration = Duration::from_secs(60);
/// A token is replaced this long before it expires.
const RENEWAL: Duration = Duration::from_secs(30);

/// As much may a clock be wrong: of two machines, one may be slow by so much and
/// the other fast, and the one's tokens, which are replaced in time by its own
/// clock, still have not expired for the other.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(RENEWAL.as_secs() / 2);

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
}

/// What a service shows to others, and how it knows them.
pub struct ServiceIdentity {
    name: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    current: Mutex<Option<(Arc<str>, Timestamp)>>,
    verified: Cache<Box<str>, (Arc<str>, Timestamp)>,
    clock: Clock,
}

impl ServiceIdentity {
    /// The identity of the service `name` under the shared secret.
    #[must_use]
    pub fn new(name: &str, secret: &[u8], clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["aud", "sub", "exp"]);
        validation.validate_exp = false;
        Self {
            name: name.to_owned(),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            current: Mutex::new(None),
            verified: Cache::new(1_000),
            clock,
        }
    }

    /// This service's token, made anew when the last one is about to expire.
    ///
    /// # Errors
    ///
    /// `INTERNAL_ERROR` if it cannot be signed.
    pub fn token(&self) -> Result<Arc<str>, Error> {
        let now = self.clock.now();
        let mut current = self
            .current
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        if let Some((token, renew_at)) = current.as_ref()
            && now < *renew_at
        {
            return Ok(token.clone());
        }
        let token: Arc<str> = self.mint(&self.name, LIFETIME)?.into();
        *current = Some((token.clone(), now + LIFETIME - RENEWAL));
        Ok(token)
    }

    /// A token for the service `name` that expires after `lifetime`.
    ///
    /// # Errors
    ///
    /// `INTERNAL_ERROR` if it cannot be signed.
    pub fn mint(&self, name: &str, lifetime: Duration) -> Result<String, Error> {
        let now = self.clock.now();
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            sub: format!("service:{name}"),
            iat: now.seconds(),
            exp: (now + lifetime).seconds(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(Error::internal)
    }

    /// The name of the service that shows this token.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for anything that is no valid service token.
    pub fn verify(&self, token: &str) -> Result<Arc<str>, Error> {
        let now = self.clock.now();
        if let Some((name, expires_at)) = self.verified.get(token)
            && now < expires_at
        {
            return Ok(name);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| unauthenticated())?
            .claims;
        let expires_at = Timestamp::from_seconds(claims.exp);
        let name = claims
            .sub
            .strip_prefix("service:")
            .ok_or_else(unauthenticated)?;
        if expires_at <= now {
            return Err(unauthenticated());
        }
        let name: Arc<str> = name.into();
        self.verified
            .insert(token.into(), (name.clone(), expires_at));
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(secret: &str, clock: &Clock) -> ServiceIdentity {
        ServiceIdentity::new("auth", secret.as_bytes(), clock.clone())
    }

    #[test]
    fn services_with_the_same_secret_know_each_other() {
        let clock = Clock::manual(Timestamp::from_seconds(1_000));
        let token = identity("secret", &clock).token().expect("token");
        assert_eq!(
            &*identity("secret", &clock).verify(&token).expect("valid"),
            "auth"
        );
        assert!(identity("other", &clock).verify(&token).is_err());
    }

    #[test]
    fn a_token_expires_also_when_it_was_seen_before() {
        let clock = Clock::manual(Timestamp::from_seconds(1_000));
        let identity = identity("secret", &clock);
        let token = identity.token().expect("token");
        assert!(identity.verify(&token).is_ok());
        clock.advance(LIFETIME);
        assert!(identity.verify(&token).is_err());
        let renewed = identity.token().expect("token");
        assert!(identity.verify(&renewed).is_ok());
    }
}
