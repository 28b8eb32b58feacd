//! The events that changes leave.

use portico_chassis::{clock::Timestamp, outbox::Event};
use serde::Serialize;
use uuid::Uuid;

use crate::session::{EndReason, Session};

/// What is told of a session that was opened.
#[derive(Serialize)]
pub(super) struct Opened<'a> {
    id: Uuid,
    user_id: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
    ip: &'a Option<String>,
    user_agent: &'a Option<String>,
}

impl<'a> Opened<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        Self {
            id: session.id,
            user_id: session.user_id,
            created_at: session.created_at,
            expires_at: session.expires_at,
            ip: &session.ip,
            user_agent: &session.user_agent,
        }
    }

    pub(super) fn event(&self) -> Event<'_, Self> {
        Event::new("session.created", self.id, self).id("userId", self.user_id)
    }
}

/// What is told of a session that ended.
#[derive(Serialize)]
pub(super) struct Ended {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) reason: EndReason,
}

impl Ended {
    pub(super) fn event(&self) -> Event<'_, Self> {
        Event::new("session.revoked", self.id, self)
            .id("userId", self.user_id)
            .word("reason", self.reason.as_str())
    }
}

/// What is told of something that happened to an account.
#[derive(Serialize)]
pub(in crate::store) struct AboutAccount {
    user_id: Uuid,
}

impl AboutAccount {
    pub(super) fn of(user_id: Uuid) -> Self {
        Self { user_id }
    }

    pub(super) fn event(&self, kind: &'static str) -> Event<'_, Self> {
        Event::new(kind, self.user_id, self).on("user")
    }
}
