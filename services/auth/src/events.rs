//! What the events of this service are about.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::{Describe, Described, Record},
    status::Error,
};
use portico_proto::{auth as proto, wkt::Any};
use serde::Deserialize;
use uuid::Uuid;

/// Knows the sessions, passkeys, accounts and changes of addresses that events
/// are about.
pub(crate) struct Events;

/// What the events tell: of a session its id, of a new one the rest of it too;
/// all of a passkey. A network concerns nobody in person.
#[derive(Deserialize)]
struct Told {
    user_id: Option<Uuid>,
    id: Option<Uuid>,
    passkey_id: Option<Uuid>,
    name: Option<String>,
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
    let session = told.id.map(|id| proto::Session {
        id: id.to_string(),
        created_at: told.created_at.map(Into::into),
        last_seen_at: told.created_at.map(Into::into),
        expires_at: told.expires_at.map(Into::into),
        ip: told.ip,
        user_agent: told.user_agent,
        current: false,
    });
    let passkey = told.passkey_id.map(|id| proto::Passkey {
        id: id.to_string(),
        name: told.name.unwrap_or_default(),
        created_at: told.created_at.map(Into::into),
        last_used_at: told.last_used_at.map(Into::into),
    });
    let change = told.email_change.map(|change| proto::EmailChange {
        id: change.id.to_string(),
        user_id: told.user_id.unwrap_or_default().to_string(),
        old_email: change.old_email,
        new_email: change.new_email,
    });
    let resource = match (session, passkey, change) {
        (Some(session), _, _) => Some(Any::from_msg(&session)),
        (None, Some(passkey), _) => Some(Any::from_msg(&passkey)),
        (None, None, change) => change.map(|change| Any::from_msg(&change)),
    };
    Ok(Described {
        resource: resource.transpose().map_err(Error::internal)?,
        project_id: None,
        user_ids: told.user_id.into_iter().collect(),
    })
}
