//! What becomes of sessions and tokens, and of all that is kept, when the users
//! service tells that a person has changed or is purged.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    clock::parse_id,
    consumer::{Consumer, Handler},
    outbox::Origin,
    status::Error,
};
use portico_proto::{events::Event, users};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::Accounts, api_key::Holder, convert, service::api_keys::holder_of, session::EndReason,
};

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
        let consumer = Consumer::new(self.0.database.clone(), self.0.lag.clone(), &TYPES);
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
        let matters = is_updated("status") || is_updated("role");
        if !matters && !is_updated("email") {
            return Ok(());
        }
        // What counts is how the person is now: an event may come late.
        let call = Default::default();
        let person = self.0.peers.person(&call, user_id).await?;
        // Before anything is revoked: what is issued from here on tells how the
        // person is, and what was issued before is revoked below.
        let (holder, version) = match &person {
            Some(person) => (holder_of(person)?, convert::version(person)?),
            None => (Holder::nobody(user_id), i64::MAX),
        };
        self.store().update_holder(&holder).await?;
        self.store().note_person(user_id, version).await?;
        if !matters {
            return Ok(());
        }
        let is_active = person.is_some_and(|user| user.status() == users::user::Status::Active);
        // Times count milliseconds, and this one itself is to be covered.
        let origin = Origin {
            request_id: event.request_id,
            ..Origin::system(self.now() + Duration::from_millis(1))
        };
        if !is_active {
            let reason = EndReason::AccountClosed;
            self.store().end_sessions(user_id, reason, &origin).await?;
        }
        // A token holds the role; the next one will hold the new one. Those of
        // API keys stand on no session.
        self.store().revoke_tokens(user_id, &origin).await?;
        self.0.tokens.0.feed.wake();
        Ok(())
    }
}
