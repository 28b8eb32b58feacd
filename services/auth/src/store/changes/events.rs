//! The events that changes leave.

use portico_chassis::{clock::Timestamp, outbox::Event};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    history::Method,
    passkey::Passkey,
    session::{EndReason, Session},
};

/// What is told of a session that was opened.
#[derive(Serialize)]
pub(super) struct Opened<'a> {
    id: Uuid,
    user_id: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
    ip: &'a Option<String>,
    user_agent: &'a Option<String>,
    #[serde(skip)]
    method: Method,
    #[serde(skip)]
    is_unknown_device: bool,
}

impl<'a> Opened<'a> {
    pub(super) fn of(session: &'a Session, method: Method, is_unknown_device: bool) -> Self {
        Self {
            method,
            is_unknown_device,
            id: session.id,
            user_id: session.user_id,
            created_at: session.created_at,
            expires_at: session.expires_at,
            ip: &session.ip,
            user_agent: &session.user_agent,
        }
    }

    pub(super) fn event(&self) -> Event<'_, Self> {
        let mut event = Event::new("session.created", self.id, self).id("userId", self.user_id);
        if self.method != Method::Password {
            event = event.word("method", self.method.as_str());
        }
        if self.is_unknown_device {
            event.word("device", "UNKNOWN")
        } else {
            event
        }
    }

    /// The same told of the person: from where it was never seen before.
    pub(super) fn device_event(&self) -> Event<'_, Self> {
        Event::new("device.added", self.user_id, self)
            .on("user")
            .id("sessionId", self.id)
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

/// What is told of a second proof that was wrong.
#[derive(Serialize)]
pub(super) struct Refused<'a> {
    pub(super) user_id: Uuid,
    pub(super) user_agent: &'a Option<String>,
    #[serde(skip)]
    pub(super) method: &'static str,
}

impl Refused<'_> {
    pub(super) fn event(&self, kind: &'static str) -> Event<'_, Self> {
        Event::new(kind, self.user_id, self)
            .on("user")
            .word("method", self.method)
            .word("reason", "WRONG_CREDENTIALS")
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

/// What is told of a passkey.
#[derive(Serialize)]
pub(super) struct AboutPasskey<'a> {
    passkey_id: Uuid,
    user_id: Uuid,
    name: &'a str,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl<'a> AboutPasskey<'a> {
    pub(super) fn of(passkey: &'a Passkey) -> Self {
        Self {
            passkey_id: passkey.id,
            user_id: passkey.user_id,
            name: &passkey.name,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }

    pub(super) fn event(&self, kind: &'static str) -> Event<'_, Self> {
        Event::new(kind, self.passkey_id, self).id("userId", self.user_id)
    }
}
