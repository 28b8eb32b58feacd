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

/// Knows the sessions and accounts that events are about.
pub(crate) struct Events;

/// What the events tell: of a session its id, of a new one the rest of it too. A
/// network concerns nobody in person.
#[derive(Deserialize)]
struct Told {
    user_id: Option<Uuid>,
    id: Option<Uuid>,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    ip: Option<String>,
    user_agent: Option<String>,
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
    let resource = session.map(|session| Any::from_msg(&session));
    Ok(Described {
        resource: resource.transpose().map_err(Error::internal)?,
        project_id: None,
        user_ids: told.user_id.into_iter().collect(),
    })
}
