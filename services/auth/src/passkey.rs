//! Passkeys and the ceremonies of WebAuthn in which they are added and used
//! (W3C Web Authentication, Level 3). What a ceremony must check is
//! `webauthn-rs`'s; here stands what Portico asks of a passkey: that it is
//! discoverable, that it checks who uses it, and that it was made for this
//! installation. No I/O, no protobuf, no SQL.

use std::time::Duration;

use portico_chassis::{
    clock::{Timestamp, new_id},
    status::Error,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    self as webauthn, CredentialID, DiscoverableAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};
use webauthn_rs_proto::{AllowCredentials, ResidentKeyRequirement};

/// How long a ceremony may take.
pub(crate) const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// So many passkeys one person may have.
pub(crate) const LIMIT: usize = 25;

/// A passkey of a person.
#[derive(Debug, Clone)]
pub(crate) struct Passkey {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) credential: webauthn::Passkey,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// A ceremony that has begun. It is kept here and not by the client, so that it
/// can be answered once only.
#[derive(Debug, Clone)]
pub(crate) struct Ceremony {
    pub(crate) id: Uuid,
    pub(crate) purpose: Purpose,
    pub(crate) expires_at: Timestamp,
}

/// What a ceremony is for, with what its answer is checked against.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// A person adds a passkey.
    Registration {
        user_id: Uuid,
        state: PasskeyRegistration,
    },
    /// Somebody uses a passkey: this person, or whoever it is.
    Authentication {
        user_id: Option<Uuid>,
        state: DiscoverableAuthentication,
    },
}

/// A passkey that was used, as it is to be kept from now on.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) passkey: Passkey,
    /// How often the authenticator says that it has signed; zero if it does
    /// not count.
    pub(crate) sign_count: u32,
}

/// Who adds a passkey.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder<'a> {
    pub(crate) user_id: Uuid,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
}

/// This installation, as authenticators know it.
pub(crate) struct RelyingParty(Webauthn);

impl RelyingParty {
    /// The installation at a public URL; `None` where its host is an IP
    /// address, which no authenticator accepts.
    pub(crate) fn at(public_url: &str) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let host = url.domain()?.to_owned();
        let builder = WebauthnBuilder::new(&host, &url).ok()?;
        builder
            .rp_name(&host)
            .timeout(LIFETIME)
            .build()
            .ok()
            .map(Self)
    }

    /// Begins to add a passkey on an authenticator that holds none of those
    /// that the person has. The options are for the browser.
    pub(crate) fn begin_registration(
        &self,
        holder: Holder<'_>,
        known: &[Passkey],
        now: Timestamp,
    ) -> Result<(Ceremony, Value), Error> {
        let excluded = known.iter().map(credential_id).collect();
        let (mut options, state) = self
            .0
            .start_passkey_registration(holder.user_id, holder.email, holder.name, Some(excluded))
            .map_err(Error::internal)?;
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        let purpose = Purpose::Registration {
            user_id: holder.user_id,
            state,
        };
        let options = serde_json::to_value(options.public_key).map_err(Error::internal)?;
        Ok((Ceremony::begin(purpose, now), options))
    }

    /// The passkey that a browser answered a registration with, if all is
    /// right about it.
    pub(crate) fn registered(
        &self,
        ceremony: &Ceremony,
        user_id: Uuid,
        answer: &Value,
        name: &str,
        now: Timestamp,
    ) -> Option<Passkey> {
        let Purpose::Registration {
            user_id: owner,
            state,
        } = &ceremony.purpose
        else {
            return None;
        };
        let answer = RegisterPublicKeyCredential::deserialize(answer).ok()?;
        let credential = self.0.finish_passkey_registration(&answer, state).ok()?;
        (*owner == user_id).then(|| Passkey {
            id: new_id(now),
            user_id,
            name: name.to_owned(),
            credential,
            created_at: now,
            last_used_at: None,
        })
    }

    /// Begins to use a passkey: one of these, or whichever the person chooses.
    pub(crate) fn begin_authentication(
        &self,
        user_id: Option<Uuid>,
        allowed: &[Passkey],
        now: Timestamp,
    ) -> Result<(Ceremony, Value), Error> {
        let (mut options, state) = self
            .0
            .start_discoverable_authentication()
            .map_err(Error::internal)?;
        let allow = |passkey: &Passkey| AllowCredentials {
            type_: "public-key".to_owned(),
            id: credential_id(passkey).to_vec(),
            transports: None,
        };
        options.public_key.allow_credentials = allowed.iter().map(allow).collect();
        let purpose = Purpose::Authentication { user_id, state };
        let options = serde_json::to_value(options.public_key).map_err(Error::internal)?;
        Ok((Ceremony::begin(purpose, now), options))
    }

    /// The use of a passkey that a browser answered with, if all is right about
    /// it: the signature, the challenge, the origin, that the person was
    /// verified, whose it is, and that its counter has grown, which it has not
    /// on a copy of the authenticator.
    pub(crate) fn used(
        &self,
        ceremony: Ceremony,
        answer: &Answer,
        passkey: Passkey,
        now: Timestamp,
    ) -> Option<Use> {
        let Purpose::Authentication { user_id, state } = ceremony.purpose else {
            return None;
        };
        let handle = answer.0.get_user_unique_id();
        // Whoever did not say before who it is must be named by the passkey.
        let is_named = handle.is_some() || user_id.is_some();
        let is_theirs = handle.is_none_or(|handle| handle == passkey.user_id.as_bytes())
            && user_id.is_none_or(|user_id| user_id == passkey.user_id);
        if !is_named || !is_theirs {
            return None;
        }
        let result = self
            .0
            .finish_discoverable_authentication_v2(&answer.0, state, &passkey.credential)
            .inspect_err(|error| {
                tracing::info!(passkey_id = %passkey.id, %error, "a passkey is refused");
            })
            .ok()?;
        let mut credential = passkey.credential;
        credential.update_credential(&result)?;
        result.user_verified().then(|| Use {
            passkey: Passkey {
                credential,
                last_used_at: Some(now),
                ..passkey
            },
            sign_count: result.counter(),
        })
    }
}

/// A name that a person gives a passkey: what is wrong with it otherwise.
pub(crate) fn name(text: &str) -> Result<String, (&'static str, String)> {
    let name = text.trim();
    if name.is_empty() {
        return Err(("REQUIRED", "is required".to_owned()));
    }
    if name.chars().any(char::is_control) {
        return Err(("NOT_ALLOWED", "must not have control characters".to_owned()));
    }
    Ok(name.to_owned())
}

/// What a browser answered the use of a passkey with; whether it is right is
/// not known yet.
pub(crate) struct Answer(PublicKeyCredential);

impl Answer {
    /// Reads an answer; `None` for what has not the form of one.
    pub(crate) fn parse(answer: &Value) -> Option<Self> {
        PublicKeyCredential::deserialize(answer).ok().map(Self)
    }

    /// The passkey that it claims to come from, by its authenticator's id.
    pub(crate) fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }
}

impl Ceremony {
    fn begin(purpose: Purpose, now: Timestamp) -> Self {
        Self {
            id: new_id(now),
            purpose,
            expires_at: now + LIFETIME,
        }
    }
}

fn credential_id(passkey: &Passkey) -> CredentialID {
    passkey.credential.cred_id().clone()
}

#[cfg(test)]
pub(crate) mod authenticator;

#[cfg(test)]
mod tests;
