//! What becomes of sessions and tokens, and of all that is kept, when the users
//! service tells that a person has changed or is purged.

use async_trait::async_trait;
use portico_chassis::{
    clock::parse_id,
    consumer::{Consumer, Handler},
    outbox::Origin,
    status::Error,
};
use portico_proto::{events::Event, users};
use tokio_util::sync::CancellationToken;

use crate::{accounts::Accounts, session::EndReason};

/// What is told of people that matters here.
const TYPES: [&str; 4] = [
    "user.updated",
    "user.deleted",
    "user.purge_announced",
    "user.purged",
];

impl Accounts {
    /// Follows the users service until `stop`.
    pub(crate) async fn follow_people(self, stop: CancellationToken) {
        let consumer = Consumer::new(self.0.database.clone(), "users", &TYPES);
        let users = &self.0.peers.users;
        let open = |request| {
            let mut users = users.clone();
            async move { users.watch_events(request).await }
        };
        consumer.run(open, &self, stop).await;
    }
}

#[async_trait]
impl Handler for Accounts {
    async fn handle(&self, event: Event) -> Result<(), Error> {
        let Some(user_id) = parse_id(&event.subject) else {
            return Err(Error::internal("the users service told of a malformed id"));
        };
        if event.r#type.starts_with("user.purge") {
            return self.store().forget(user_id).await;
        }
        let is_updated = |field: &str| event.updated_fields.iter().any(|name| name == field);
        if !is_updated("status") && !is_updated("role") {
            return Ok(());
        }
        // What counts is how the person is now: an event may come late.
        let call = Default::default();
        let person = self.0.peers.person(&call, user_id).await?;
        let is_active = person.is_some_and(|user| user.status() == users::user::Status::Active);
        let origin = Origin {
            request_id: event.request_id,
            ..Origin::system(self.now())
        };
        if is_active {
            // A token holds the role; the next one will hold the new one.
            self.store().revoke_tokens(user_id, &origin).await?;
        } else {
            let reason = EndReason::AccountClosed;
            self.store().end_sessions(user_id, reason, &origin).await?;
        }
        self.0.tokens.0.feed.wake();
        Ok(())
    }
}
