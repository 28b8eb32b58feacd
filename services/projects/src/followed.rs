//! What becomes of members when the users service tells that a person has
//! changed.

use std::sync::Arc;

use async_trait::async_trait;
use portico_chassis::{
    caller::Call,
    clock::{Clock, parse_id},
    consumer::{Consumer, Handler},
    database::Database,
    outbox::Origin,
    status::{Error, Kind},
    telemetry::EventLag,
};
use portico_proto::events::Event;
use tokio_util::sync::CancellationToken;

use crate::{
    member,
    people::{self, People},
    store::Store,
};

/// What is told of people that matters here.
const TYPES: [&str; 4] = [
    "user.updated",
    "user.deleted",
    "user.purge_announced",
    "user.purged",
];

/// Keeps the members as the people are.
pub(crate) struct Followed {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) people: Arc<People>,
    pub(crate) clock: Clock,
    pub(crate) lag: EventLag,
}

impl Followed {
    /// Follows the users service until `stop`. The place is kept in the
    /// service's database.
    pub(crate) async fn run(self, database: Database, stop: CancellationToken) {
        let consumer = Consumer::new(database, self.lag.clone(), &TYPES);
        let open = |request| self.people.watch(request);
        consumer.run(open, &self, stop).await;
    }
}

#[async_trait]
impl Handler for Followed {
    async fn handle(&self, event: Event) -> Result<(), Error> {
        let Some(user_id) = parse_id(&event.subject) else {
            return Err(Error::internal("the users service told of a malformed id"));
        };
        if event.r#type == "user.deleted" {
            return self.release(user_id, event).await;
        }
        if event.r#type.starts_with("user.purge") {
            return self.forget(user_id).await;
        }
        if !event.updated_fields.iter().any(|name| name == "name") {
            return Ok(());
        }
        // What counts is the name now: an event may come late.
        match self.people.one(&Call::default(), user_id).await? {
            Some(user) => {
                let name_key = member::name_key(&user.name);
                self.store.rename(user_id, &name_key).await
            }
            None => Ok(()),
        }
    }
}

impl Followed {
    /// When a purge is announced, the person is still there, and with it the
    /// address that invitations went to.
    async fn forget(&self, user_id: uuid::Uuid) -> Result<(), Error> {
        let user = self.people.one(&Call::default(), user_id).await?;
        let address = user.as_ref().and_then(people::own_address);
        self.store.forget(user_id, address.as_ref()).await
    }

    /// A person is taken out of its projects before it is deleted, but may
    /// have been added to one at that very moment.
    async fn release(&self, user_id: uuid::Uuid, event: Event) -> Result<(), Error> {
        let origin = Origin {
            request_id: event.request_id,
            ..Origin::system(self.clock.now())
        };
        match self.store.release(user_id, None, &origin).await {
            Err(error) if error.kind == Kind::FailedPrecondition => {
                tracing::error!(%user_id, %error, "a deleted person still owns projects");
                Ok(())
            }
            released => released,
        }
    }
}
