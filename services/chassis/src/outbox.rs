//! The outbox: every change leaves an event in the same transaction, from which
//! streams, live updates and mail are fed. [`stream`] reads it.

mod rows;
mod stream;
mod tail;

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sqlx::{PgConnection, SqliteConnection};
use uuid::Uuid;

pub use self::stream::{Describe, Described, EventStream, Outbox};
use crate::{
    clock::{Timestamp, new_id},
    status::Error,
};

/// Who changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(Uuid),
    /// Another service.
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

/// Where a change comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who made it.
    pub actor: Actor,
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
        }
    }

    /// The same, with what is different from before.
    #[must_use]
    pub fn with(self, changes: Changes) -> Self {
        Self { changes, ..self }
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

const INSERT: &str = "INSERT INTO outbox \
    (id, kind, subject, payload, changes, actor, request_id, traceparent, client_ip, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// The same function for each engine.
macro_rules! append {
    ($connection:ty, $engine:literal, $append:ident) => {
        #[doc = concat!("Adds an event to the transaction of a change, on ", $engine, ".")]
        ///
        /// It comes after what it tells of: while the transaction holds the
        /// thing locked. So the events of one thing stand in the order in
        /// which they happened.
        ///
        /// # Errors
        ///
        /// A failure of the database.
        pub async fn $append<P: Serialize>(
            transaction: &mut $connection,
            origin: &Origin,
            event: Event<'_, P>,
        ) -> Result<(), Error> {
            let changes = event.changes.0;
            let changes = (!changes.is_empty()).then(|| Value::Object(changes).to_string());
            sqlx::query(INSERT)
                .bind(new_id(origin.at))
                .bind(event.kind)
                .bind(event.subject)
                .bind(serde_json::to_string(event.payload).map_err(Error::internal)?)
                .bind(changes)
                .bind(origin.actor.to_string())
                .bind(&origin.request_id)
                .bind(&origin.traceparent)
                .bind(origin.client_ip.map(|ip| ip.to_string()))
                .bind(origin.at)
                .execute(transaction)
                .await?;
            Ok(())
        }
    };
}
append!(PgConnection, "PostgreSQL", append_postgres);
append!(SqliteConnection, "SQLite", append_sqlite);
