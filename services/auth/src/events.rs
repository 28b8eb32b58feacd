//! What the events of this service are about.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::{Describe, Described, Record},
    status::Error,
};
use portico_proto::{auth as proto, wkt::Any};
use prost::EncodeError;
use serde::Deserialize;
use uuid::Uuid;

/// Knows the sessions, passkeys, API keys, accounts and changes of addresses that
/// events are about.
pub(crate) struct Events;

/// What the events tell: of a session its id, of a new one the rest of it too;
/// all of a passkey, and of a new API key. A network concerns nobody in person.
#[derive(Deserialize)]
struct Told {
    user_id: Option<Uuid>,
    id: Option<Uuid>,
    passkey_id: Option<Uuid>,
    key_id: Option<Uuid>,
    name: Option<String>,
    prefix: Option<String>,
    scopes: Option<Vec<String>>,
    last_used_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    ip: Option<String>,
    user_agent: Option<String>,
    email_change: Option<ToldChange>,
}

/// What is told of a change of an address.
#[derive(Deserialize)]
struct ToldChange {
    id: Uuid,
    old_email: String,
    new_email: String,
}

#[async_trait]
impl Describe for Events {
    async fn describe(&self, records: &[Record]) -> Result<Vec<Described>, Error> {
        records.iter().map(describe).collect()
    }
}

fn describe(record: &Record) -> Result<Described, Error> {
    let told: Told = record.payload()?;
    let user_ids = told.user_id.into_iter().collect();
    let resource = told.resource().transpose().map_err(Error::internal)?;
    Ok(Described {
        resource,
        project_id: None,
        user_ids,
    })
}

impl Told {
    fn resource(self) -> Option<Result<Any, EncodeError>> {
        let created_at = self.created_at.map(Into::into);
        let expires_at = self.expires_at.map(Into::into);
        if let Some(id) = self.id {
            return Some(Any::from_msg(&proto::Session {
                id: id.to_string(),
                created_at,
                last_seen_at: created_at,
                expires_at,
                ip: self.ip,
                user_agent: self.user_agent,
                current: false,
            }));
        }
        if let Some(id) = self.passkey_id {
            return Some(Any::from_msg(&proto::Passkey {
                id: id.to_string(),
                name: self.name.unwrap_or_default(),
                created_at,
                last_used_at: self.last_used_at.map(Into::into),
            }));
        }
        // Of a key that is revoked, its id is all there is to tell.
        if let (Some(id), Some(scopes)) = (self.key_id, self.scopes) {
            return Some(Any::from_msg(&proto::ApiKey {
                id: id.to_string(),
                name: self.name.unwrap_or_default(),
                prefix: self.prefix.unwrap_or_default(),
                scopes,
                created_at,
                last_used_at: None,
                expires_at,
            }));
        }
        let change = self.email_change?;
        Some(Any::from_msg(&proto::EmailChange {
            id: change.id.to_string(),
            user_id: self.user_id.unwrap_or_default().to_string(),
            old_email: change.old_email,
            new_email: change.new_email,
        }))
    }
}
