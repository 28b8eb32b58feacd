//! What the record tells of attempts that failed.

use portico_chassis::outbox::Event;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    history::Failure,
    throttle::{Key, Scope},
};

/// What is told of an attempt that failed.
#[derive(Serialize)]
pub(in crate::store) struct Failed<'a> {
    user_id: Uuid,
    user_agent: &'a Option<String>,
    #[serde(skip)]
    failure: &'a Failure,
}

impl<'a> Failed<'a> {
    pub(in crate::store) fn of(user_id: Uuid, failure: &'a Failure) -> Self {
        Self {
            user_id,
            user_agent: &failure.user_agent,
            failure,
        }
    }

    /// The event, with what further attempts have to wait for.
    pub(in crate::store) fn event(&self, delays: &[Scope]) -> Event<'_, Self> {
        let event = Event::new(self.failure.proof.failed(), self.user_id, self)
            .on("user")
            .word("method", self.failure.method.as_str())
            .word("reason", self.failure.reason);
        match delays.first() {
            Some(scope) => event.word("throttled", scope.as_str()),
            None => event,
        }
    }
}

/// What is told of a network that has to wait: its address is that of the event.
#[derive(Serialize)]
pub(in crate::store) struct Slowed {
    #[serde(skip)]
    id: Uuid,
}

impl Slowed {
    pub(in crate::store) fn of(network: &Key) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&network[..16]);
        Self {
            id: uuid::Builder::from_custom_bytes(bytes).into_uuid(),
        }
    }

    pub(in crate::store) fn event(&self) -> Event<'_, Self> {
        Event::new("network.throttled", self.id, self)
    }
}
