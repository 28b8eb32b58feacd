//! What the record tells of attempts that failed.

use portico_chassis::outbox::Event;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    history::{Failure, Tried},
    throttle::{Key, Scope},
};

/// What is told of an attempt that failed.
#[derive(Serialize)]
pub(in crate::store) struct Failed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    user_agent: &'a Option<String>,
    #[serde(skip)]
    tried: Tried,
    #[serde(skip)]
    failure: &'a Failure,
}

impl<'a> Failed<'a> {
    pub(in crate::store) fn of(tried: Tried, failure: &'a Failure) -> Self {
        Self {
            user_id: match tried {
                Tried::Account(user_id) => Some(user_id),
                Tried::Ceremony(_) => None,
            },
            tried,
            user_agent: &failure.user_agent,
            failure,
        }
    }

    /// The event, with what further attempts have to wait for.
    pub(in crate::store) fn event(&self, delays: &[Scope]) -> Event<'_, Self> {
        let (subject_type, subject) = match self.tried {
            Tried::Account(user_id) => ("user", user_id),
            Tried::Ceremony(id) => ("ceremony", id),
        };
        let event = Event::new(self.failure.proof.failed(), subject, self)
            .on(subject_type)
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
