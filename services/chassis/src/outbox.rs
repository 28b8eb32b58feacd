//! The outbox: every change leaves an event in the same transaction, from which
//! streams, live updates and mail are fed, and which is kept as the record of
//! who did what. [`stream`] reads it for the one, [`audit`] for the other.

mod audit;
mod forget;
#[cfg(feature = "testing")]
mod plans;
mod restored;
mod rows;
mod stream;
mod tail;
mod unwritten;

use std::{
    fmt,
    net::IpAddr,
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use portico_proto::events;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::forget::{
    forget_addresses_postgres, forget_addresses_sqlite, forget_payloads_postgres,
    forget_payloads_sqlite,
};
#[cfg(feature = "testing")]
pub use self::plans::assert_indexes_serve;
pub use self::restored::leave_room_for_lost_events;
pub use self::stream::{Describe, Described, EventStream, Outbox};
pub(crate) use self::unwritten::{
    MOST_TOGETHER, Unwritten, bind_event, insert_postgres, insert_sqlite,
};
use crate::{
    clock::{Timestamp, new_id},
    database::{Engine, Write},
    status::Error,
};

/// Who changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(Uuid),
    /// Another service, by its name, or a service account, by its id.
    Service(String),
    /// Portico itself.
    System,
}

/// As it is kept: `user:…`, `service:…` or `system`.
impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Service(name) => write!(formatter, "service:{name}"),
            Self::System => write!(formatter, "system"),
        }
    }
}

impl FromStr for Actor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("user", id)) => Ok(Self::User(id.parse().map_err(Error::internal)?)),
            Some(("service", name)) => Ok(Self::Service(name.to_owned())),
            _ if text == "system" => Ok(Self::System),
            _ => Err(Error::internal(format!("`{text}` is no actor"))),
        }
    }
}

impl From<Actor> for events::Actor {
    fn from(actor: Actor) -> Self {
        let (kind, id) = match actor {
            Actor::User(id) => (events::actor::Type::User, Some(id.to_string())),
            Actor::Service(name) => (events::actor::Type::Service, Some(name)),
            Actor::System => (events::actor::Type::System, None),
        };
        Self {
            r#type: kind.into(),
            id,
            name: None,
        }
    }
}

/// Where a change comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who made it.
    pub actor: Actor,
    /// The person as whom an ADMIN made it.
    pub impersonated: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// In which request.
    pub request_id: String,
    /// In which trace (W3C Trace Context).
    pub traceparent: Option<String>,
    /// From which address.
    pub client_ip: Option<IpAddr>,
}

impl Origin {
    /// A change that Portico makes by itself.
    #[must_use]
    pub fn system(at: Timestamp) -> Self {
        Self {
            actor: Actor::System,
            impersonated: None,
            at,
            request_id: crate::caller::new_request_id().to_string(),
            traceparent: None,
            client_ip: None,
        }
    }
}

/// What happened, to which thing.
#[derive(Debug, Clone)]
pub struct Event<'a, P> {
    kind: &'static str,
    subject: Uuid,
    payload: &'a P,
    changes: Changes,
    subject_type: Option<&'static str>,
    details: Map<String, Value>,
}

impl<'a, P> Event<'a, P> {
    /// What happened, such as `project.updated`, to the thing with the id
    /// `subject`. `payload` is the thing as it is now, or what is known of it.
    #[must_use]
    pub fn new(kind: &'static str, subject: Uuid, payload: &'a P) -> Self {
        Self {
            kind,
            subject,
            payload,
            changes: Changes::default(),
            subject_type: None,
            details: Map::new(),
        }
    }

    /// The same, with what is different from before.
    #[must_use]
    pub fn with(self, changes: Changes) -> Self {
        Self { changes, ..self }
    }

    /// The same, where the subject is not the kind of thing that `kind` begins
    /// with: a `member.added` happens to a `project`.
    #[must_use]
    pub fn on(self, subject_type: &'static str) -> Self {
        Self {
            subject_type: Some(subject_type),
            ..self
        }
    }

    /// The same, with the id of something that had to do with it. The record is
    /// kept longer than anything else: nothing but ids and words of ours is
    /// noted there beside the changes, so nothing that people wrote.
    #[must_use]
    pub fn id(mut self, name: &'static str, id: Uuid) -> Self {
        self.details.insert(name.to_owned(), id.to_string().into());
        self
    }

    /// Like [`Event::id`], with what somebody wrote for the record itself: the
    /// one text in it that is not ours.
    #[must_use]
    pub fn written_for_the_record(mut self, name: &'static str, text: &str) -> Self {
        self.details.insert(name.to_owned(), text.into());
        self
    }

    /// Like [`Event::id`], with a word that it is about, such as a role.
    #[must_use]
    pub fn word(mut self, name: &'static str, word: &'static str) -> Self {
        self.details.insert(name.to_owned(), word.into());
        self
    }
}

/// Which fields a change made different. The record of changes is kept longer
/// than anything else, so it holds values only of fields that say nothing of a
/// person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Map<String, Value>);

impl Changes {
    /// Notes a field, by its JSON name, if its value is another one now.
    #[must_use]
    pub fn field<T: PartialEq>(mut self, name: &str, before: &T, after: &T) -> Self {
        if before != after {
            self.0.insert(name.to_owned(), Value::Null);
        }
        self
    }

    /// Like [`Changes::field`], and notes both values.
    #[must_use]
    pub fn value<T: PartialEq + Serialize>(mut self, name: &str, before: &T, after: &T) -> Self {
        if before != after {
            let values = serde_json::json!({"from": before, "to": after});
            self.0.insert(name.to_owned(), values);
        }
        self
    }
}

/// An event as it is kept.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its place in the stream.
    pub seq: i64,
    /// The event's id.
    pub id: Uuid,
    /// What happened.
    pub kind: String,
    /// The thing that it happened to.
    pub subject: Uuid,
    /// The names of the fields that are different from before.
    pub changed: Vec<String>,
    /// Who made it happen.
    pub actor: Actor,
    /// In which request.
    pub request_id: String,
    /// In which trace.
    pub traceparent: Option<String>,
    /// When.
    pub at: Timestamp,
    payload: String,
}

impl Record {
    /// What was given to [`Event::new`].
    ///
    /// # Errors
    ///
    /// `INTERNAL_ERROR` if it was something else.
    pub fn payload<P: DeserializeOwned>(&self) -> Result<P, Error> {
        serde_json::from_str(&self.payload).map_err(Error::internal)
    }
}

/// Numbers the events of this process.
static MADE: AtomicU32 = AtomicU32::new(0);

/// The id of a new event: a UUIDv7 with a counter where most of them have
/// randomness (RFC 9562, section 6.2), so that events of one moment, such as
/// those of one transaction, are in the order of their making.
fn new_event_id(at: Timestamp) -> Uuid {
    const FIRST_12_BITS: u128 = 0xfff << 64;
    const LAST_20_BITS: u128 = 0xf_ffff << 42;
    let count = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
    let random = new_id(at).as_u128() & !(FIRST_12_BITS | LAST_20_BITS);
    let counter = (count >> 20 << 64) | ((count << 42) & LAST_20_BITS);
    Uuid::from_u128(random | counter)
}

/// What there is to tell beside the changes.
fn details(mut details: Map<String, Value>, origin: &Origin) -> Map<String, Value> {
    if let Some(id) = origin.impersonated {
        details.insert("impersonated".to_owned(), id.to_string().into());
    }
    details
}

/// An object as it is kept; nothing, if it is empty.
fn kept(object: Map<String, Value>) -> Option<String> {
    (!object.is_empty()).then(|| Value::Object(object).to_string())
}

/// Adds an event to the transaction of a change. It is written with the commit,
/// while the transaction holds locked what it tells of. So the events of one
/// thing stand in the order in which they happened.
///
/// # Errors
///
/// A failure of the database.
pub async fn append<D: Engine, P: Serialize>(
    transaction: &mut Write<D>,
    origin: &Origin,
    event: Event<'_, P>,
) -> Result<(), Error> {
    let row = Unwritten {
        id: new_event_id(origin.at),
        kind: event.kind,
        subject_type: event.subject_type,
        subject: event.subject,
        payload: serde_json::to_string(event.payload).map_err(Error::internal)?,
        changes: kept(event.changes.0),
        details: kept(details(event.details, origin)),
        actor: origin.actor.to_string(),
        request_id: origin.request_id.clone(),
        traceparent: origin.traceparent.clone(),
        client_ip: origin.client_ip.map(|ip| ip.to_string()),
        created_at: origin.at,
    };
    transaction.tell(row).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_moment_are_in_the_order_of_their_making() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        let ids: Vec<Uuid> = (0..5_000).map(|_| new_event_id(at)).collect();
        assert!(ids.is_sorted());
        for id in ids {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            let made = id.get_timestamp().expect("a time").to_unix();
            assert_eq!(made, (1_700_000_000, 123_000_000));
        }
    }
}
