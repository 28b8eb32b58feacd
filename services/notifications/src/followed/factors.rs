//! Mails about second factors, API keys and new devices.

use portico_chassis::{clock::Timestamp, status::Error};
use portico_proto::{
    auth::{ApiKey, Passkey, Session},
    events::Event,
};

use super::{Followed, resource};
use crate::mail::{Factor, Key, Mail};

/// What is told of factors, keys and devices that asks for a mail.
pub(super) const KINDS: [&str; 9] = [
    "api_key.created",
    "device.added",
    "totp.enabled",
    "totp.disabled",
    "passkey.added",
    "passkey.removed",
    "recovery_codes.renewed",
    "recovery_code.used",
    "mfa.reset",
];

impl Followed {
    /// The mail that such an event asks for, and the address that it goes to.
    pub(super) async fn about_factors(
        &self,
        event: &Event,
        at: Timestamp,
    ) -> Result<Option<(Mail, String)>, Error> {
        let Some(user_id) = event.user_ids.first() else {
            return Ok(None);
        };
        let person = self.person(user_id).await?;
        Ok(person.and_then(|user| Some((mail(event, user.name, at)?, user.email))))
    }
}

fn mail(event: &Event, name: String, at: Timestamp) -> Option<Mail> {
    let passkey = || {
        let passkey: Option<Passkey> = resource(event);
        passkey.map(|passkey| Factor::Passkey(passkey.name))
    };
    Some(match event.r#type.as_str() {
        "api_key.created" => {
            let key: ApiKey = resource(event)?;
            Mail::ApiKeyMade {
                name,
                at,
                key: Key {
                    name: key.name,
                    scopes: key.scopes,
                    expires_at: key.expires_at.map(Timestamp::from),
                },
            }
        }
        "device.added" => {
            let session: Session = resource(event)?;
            Mail::NewSignIn {
                name,
                at,
                ip: session.ip,
                user_agent: session.user_agent,
            }
        }
        "totp.enabled" => Mail::FactorAdded {
            name,
            at,
            factor: Factor::Authenticator,
        },
        "totp.disabled" => Mail::FactorRemoved {
            name,
            at,
            factor: Factor::Authenticator,
        },
        "passkey.added" => Mail::FactorAdded {
            name,
            at,
            factor: passkey()?,
        },
        "passkey.removed" => Mail::FactorRemoved {
            name,
            at,
            factor: passkey()?,
        },
        "recovery_codes.renewed" => Mail::RecoveryCodesRenewed { name, at },
        "recovery_code.used" => Mail::RecoveryCodeUsed { name, at },
        "mfa.reset" => Mail::FactorsReset { name, at },
        _ => return None,
    })
}
