//! The SQL about links in mails.

use portico_chassis::{
    clock::Timestamp, email_address::EmailAddress, outbox::Origin, status::Error,
};
use uuid::Uuid;

use crate::{
    link::{Aim, ChangeState, EmailChange, Link, LinkHash, Purpose, Undo},
    link_request::{LinkRequest, Wish},
};

/// The changes of addresses, with what follows.
macro_rules! select_email_changes {
    ($suffix:literal) => {
        concat!(
            "SELECT id, user_id, old_email, new_email, requested_at, state FROM email_changes ",
            $suffix
        )
    };
}
pub(in crate::store) use select_email_changes;

pub(in crate::store) const INSERT_LINK_REQUEST: &str = "INSERT INTO link_requests \
    (id, wish, user_id, email, name, password_hash, actor, request_id, traceparent, client_ip, \
    requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(in crate::store) const LINK_REQUESTS: &str = "SELECT id, wish, user_id, email, name, \
    password_hash, actor, request_id, traceparent, client_ip, requested_at FROM link_requests \
    ORDER BY requested_at, id LIMIT 100";

pub(in crate::store) const DELETE_LINK_REQUEST: &str = "DELETE FROM link_requests WHERE id = $1";

pub(in crate::store) const FORGET_NEW_EMAILS: &str =
    "DELETE FROM link_requests WHERE user_id = $1 AND wish = 'NEW_EMAIL'";

pub(in crate::store) const INSERT_EMAIL_CHANGE: &str = "INSERT INTO email_changes \
    (id, user_id, old_email, new_email, requested_at, state) VALUES ($1, $2, $3, $4, $5, $6)";

pub(in crate::store) const EMAIL_CHANGE: &str = select_email_changes!("WHERE id = $1");

pub(in crate::store) const EMAIL_CHANGES_OF: &str =
    select_email_changes!("WHERE user_id = $1 ORDER BY requested_at, id");

pub(in crate::store) const SUPERSEDE_EMAIL_CHANGES: &str = "UPDATE email_changes \
    SET state = 'SUPERSEDED' WHERE user_id = $1 AND id <> $2 AND state = 'PENDING'";

pub(in crate::store) const CONFIRM_EMAIL_CHANGE: &str =
    "UPDATE email_changes SET state = 'CONFIRMED' WHERE id = $1 AND state = 'PENDING'";

pub(in crate::store) const UNDO_EMAIL_CHANGES: &str =
    "UPDATE email_changes SET state = 'UNDONE' WHERE user_id = $1 AND requested_at >= $2";

pub(in crate::store) const INSERT_LINK: &str = "INSERT INTO links \
    (hash, purpose, user_id, email, email_key, change_id, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(in crate::store) const LINK: &str = "SELECT hash, purpose, user_id, email, change_id, \
    expires_at FROM links WHERE hash = $1 AND expires_at > $2";

pub(in crate::store) const DELETE_LINK: &str = "DELETE FROM links WHERE hash = $1";

pub(in crate::store) const FORGET_LINKS: &str =
    "DELETE FROM links WHERE user_id = $1 AND purpose = $2";

pub(in crate::store) const FORGET_UNDOING_LINKS: &str = "DELETE FROM links \
    WHERE user_id = $1 AND purpose = 'UNDO_EMAIL_CHANGE' AND (email_key = $2 OR change_id IN \
    (SELECT id FROM email_changes WHERE user_id = $1 AND requested_at >= $3))";

pub(in crate::store) const SET_PASSWORD: &str = "INSERT INTO credentials \
    (user_id, password_hash, is_confirmed, created_at, changed_at) \
    VALUES ($1, $2, true, $3, $3) ON CONFLICT (user_id) DO UPDATE \
    SET password_hash = $2, is_confirmed = true, changed_at = $3";

pub(in crate::store) const FORGET_PASSWORD: &str =
    "DELETE FROM credentials WHERE user_id = $1 AND changed_at >= $2";

pub(in crate::store) const FORGET_PASSKEYS: &str =
    "DELETE FROM passkeys WHERE user_id = $1 AND created_at >= $2";

pub(in crate::store) const REVOKE_RECENT_KEYS: &str = "UPDATE api_keys \
    SET revoked_at = $3, forget_at = $4 WHERE owner_id = $1 AND NOT is_of_service_account \
    AND created_at >= $2 AND revoked_at IS NULL RETURNING id";

pub(in crate::store) const PUT_UNDO: &str = "INSERT INTO email_undos \
    (user_id, id, email, needs_password, requested_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, email = excluded.email, \
    needs_password = email_undos.needs_password OR excluded.needs_password, \
    requested_at = excluded.requested_at";

pub(in crate::store) const DELETE_UNDO: &str =
    "DELETE FROM email_undos WHERE user_id = $1 AND id = $2";

pub(in crate::store) const UNDO: &str =
    "SELECT id, user_id, email, needs_password FROM email_undos WHERE user_id = $1";

pub(in crate::store) const UNDOS: &str = "SELECT id, user_id, email, needs_password \
    FROM email_undos WHERE requested_at <= $1 ORDER BY requested_at";

pub(in crate::store) const FORGET_EXPIRED_LINKS: &str = "DELETE FROM links WHERE expires_at <= $1";

pub(in crate::store) const FORGET_EMAIL_CHANGES: &str =
    "DELETE FROM email_changes WHERE requested_at <= $1";

pub(in crate::store) const FORGET_LINK_REQUESTS: &str =
    "DELETE FROM link_requests WHERE requested_at <= $1";

/// A request as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct LinkRequestRow {
    id: Uuid,
    wish: String,
    user_id: Option<Uuid>,
    email: Option<String>,
    name: Option<String>,
    password_hash: Option<String>,
    actor: String,
    request_id: String,
    traceparent: Option<String>,
    client_ip: Option<String>,
    requested_at: Timestamp,
}

/// A wish as the database has it: its name, and the columns that it fills.
pub(in crate::store) struct WishColumns<'a> {
    pub(in crate::store) name_of_wish: &'static str,
    pub(in crate::store) user_id: Option<Uuid>,
    pub(in crate::store) email: Option<&'a str>,
    pub(in crate::store) name: Option<&'a str>,
    pub(in crate::store) password_hash: Option<&'a str>,
}

impl<'a> From<&'a Wish> for WishColumns<'a> {
    fn from(wish: &'a Wish) -> Self {
        let none = Self {
            name_of_wish: "",
            user_id: None,
            email: None,
            name: None,
            password_hash: None,
        };
        match wish {
            Wish::NewPassword { email } => Self {
                name_of_wish: "NEW_PASSWORD",
                email: Some(email.as_str()),
                ..none
            },
            Wish::Verification { user_id } => Self {
                name_of_wish: "VERIFICATION",
                user_id: Some(*user_id),
                ..none
            },
            Wish::NewEmail { user_id, email } => Self {
                name_of_wish: "NEW_EMAIL",
                user_id: Some(*user_id),
                email: Some(email.as_str()),
                ..none
            },
            Wish::Account {
                user_id,
                email,
                name,
                password_hash,
            } => Self {
                name_of_wish: "ACCOUNT",
                user_id: Some(*user_id),
                email: Some(email.as_str()),
                name: Some(name),
                password_hash: Some(password_hash),
            },
        }
    }
}

impl TryFrom<LinkRequestRow> for LinkRequest {
    type Error = Error;

    fn try_from(row: LinkRequestRow) -> Result<Self, Error> {
        let email = EmailAddress::stored(row.email.unwrap_or_default());
        let user_id = row.user_id.unwrap_or_default();
        let wish = match row.wish.as_str() {
            "NEW_PASSWORD" => Wish::NewPassword { email },
            "VERIFICATION" => Wish::Verification { user_id },
            "NEW_EMAIL" => Wish::NewEmail { user_id, email },
            "ACCOUNT" => Wish::Account {
                user_id,
                email,
                name: row.name.unwrap_or_default(),
                password_hash: row.password_hash.unwrap_or_default(),
            },
            other => return Err(Error::internal(format!("`{other}` is no wish"))),
        };
        Ok(Self {
            id: row.id,
            wish,
            origin: Origin {
                actor: row.actor.parse()?,
                impersonated: None,
                at: row.requested_at,
                request_id: row.request_id,
                traceparent: row.traceparent,
                client_ip: row.client_ip.and_then(|ip| ip.parse().ok()),
            },
        })
    }
}

/// A link as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct LinkRow {
    hash: Vec<u8>,
    purpose: String,
    user_id: Uuid,
    email: String,
    change_id: Option<Uuid>,
    expires_at: Timestamp,
}

impl TryFrom<LinkRow> for Link {
    type Error = Error;

    fn try_from(row: LinkRow) -> Result<Self, Error> {
        let hash = row.hash.try_into();
        let purpose = Purpose::parse(&row.purpose);
        Ok(Self {
            hash: LinkHash(hash.map_err(|_| Error::internal("a link has a malformed hash"))?),
            aim: Aim {
                purpose: purpose.ok_or_else(|| Error::internal("a link has no known purpose"))?,
                user_id: row.user_id,
                email: EmailAddress::stored(row.email),
                change_id: row.change_id,
            },
            expires_at: row.expires_at,
        })
    }
}

/// A change of an address as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct EmailChangeRow {
    id: Uuid,
    user_id: Uuid,
    old_email: String,
    new_email: String,
    requested_at: Timestamp,
    state: String,
}

impl TryFrom<EmailChangeRow> for EmailChange {
    type Error = Error;

    fn try_from(row: EmailChangeRow) -> Result<Self, Error> {
        let state = ChangeState::parse(&row.state);
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            old_email: EmailAddress::stored(row.old_email),
            new_email: EmailAddress::stored(row.new_email),
            requested_at: row.requested_at,
            state: state.ok_or_else(|| Error::internal("a change has no known state"))?,
        })
    }
}

/// An undo as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct UndoRow {
    id: Uuid,
    user_id: Uuid,
    email: String,
    needs_password: bool,
}

impl From<UndoRow> for Undo {
    fn from(row: UndoRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            email: EmailAddress::stored(row.email),
            needs_password: row.needs_password,
        }
    }
}
