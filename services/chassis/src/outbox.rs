//! The outbox: every change leaves an event in the same transaction, from which
//! streams, live updates and mail are fed.

use std::net::IpAddr;

use serde::Serialize;
use sqlx::{PgConnection, SqliteConnection};
use uuid::Uuid;

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

impl std::fmt::Display for Actor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Service(name) => write!(formatter, "service:{name}"),
            Self::System => write!(formatter, "system"),
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
    /// What happened: `project.updated`.
    pub kind: &'static str,
    /// The thing that it happened to.
    pub subject: Uuid,
    /// The thing as it is now, or what is known of it.
    pub payload: &'a P,
}

const INSERT: &str = "INSERT INTO outbox \
    (id, kind, subject, payload, actor, request_id, traceparent, client_ip, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// The same function for each engine.
macro_rules! append {
    ($connection:ty, $engine:literal, $append:ident) => {
        #[doc = concat!("Adds an event to the transaction of a change, on ", $engine, ".")]
        ///
        /// # Errors
        ///
        /// A failure of the database.
        pub async fn $append<P: Serialize>(
            transaction: &mut $connection,
            origin: &Origin,
            event: Event<'_, P>,
        ) -> Result<(), Error> {
            sqlx::query(INSERT)
                .bind(new_id(origin.at))
                .bind(event.kind)
                .bind(event.subject)
                .bind(serde_json::to_string(event.payload).map_err(Error::internal)?)
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
