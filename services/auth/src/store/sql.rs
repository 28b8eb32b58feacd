//! The SQL that both databases share: texts and rows.

pub(super) mod api_keys;
pub(super) mod factors;
pub(super) mod links;
pub(super) mod privacy;
pub(super) mod sign_ins;
pub(super) mod throttle;

use portico_chassis::{
    caller::{Grant, User},
    clock::Timestamp,
    token::Revoked,
};
use uuid::Uuid;

use super::{Cursor, Deletion, Revocation};
use crate::{key::SealedKey, session::Session};

/// The sessions, with what follows.
macro_rules! select_sessions {
    ($suffix:literal) => {
        concat!(
            "SELECT id, user_id, created_at, last_seen_at, expires_at, authenticated_at, ip, \
             user_agent, seed, generation, rotated_at FROM sessions ",
            $suffix
        )
    };
}
pub(super) use select_sessions;

/// As many as the users service is asked about at a time.
pub(super) const UNCONFIRMED: &str = "SELECT user_id FROM credentials \
    WHERE NOT is_confirmed AND created_at < $1 ORDER BY created_at LIMIT 100";

pub(super) const CONFIRM: &str = "UPDATE credentials SET is_confirmed = true WHERE user_id = $1";

pub(super) const FORGET_UNCONFIRMED: &str = "DELETE FROM credentials \
    WHERE user_id = $1 AND NOT is_confirmed AND created_at < $2";

pub(super) const CLAIM: &str = "INSERT INTO registrations \
    (id, fingerprint, user_id, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";

pub(super) const READ_CLAIM: &str =
    "SELECT fingerprint, user_id, answer FROM registrations WHERE id = $1";

pub(super) const FORGET_CLAIM: &str =
    "DELETE FROM registrations WHERE id = $1 AND expires_at <= $2";

pub(super) const ANSWER_CLAIM: &str =
    "UPDATE registrations SET answer = $2 WHERE id = $1 AND answer IS NULL";

pub(super) const ABANDON_CLAIM: &str = "DELETE FROM registrations WHERE id = $1 AND answer IS NULL";

/// Also where it was kept before, so that it counts as new.
pub(super) const KEEP_PASSWORD: &str = "INSERT INTO credentials \
    (user_id, password_hash, is_confirmed, created_at, changed_at) \
    VALUES ($1, $2, false, $3, $3) ON CONFLICT (user_id) DO UPDATE \
    SET password_hash = $2, created_at = $3, changed_at = $3 WHERE NOT credentials.is_confirmed";

pub(super) const CONFIRM_PASSWORD: &str = "INSERT INTO credentials \
    (user_id, password_hash, is_confirmed, created_at, changed_at) \
    VALUES ($1, $2, true, $3, $3) ON CONFLICT (user_id) DO UPDATE \
    SET is_confirmed = true WHERE NOT credentials.is_confirmed";

pub(super) const ABANDON_PASSWORD: &str =
    "DELETE FROM credentials WHERE user_id = $1 AND NOT is_confirmed";

pub(super) const PASSWORD_HASH: &str = "SELECT password_hash FROM credentials WHERE user_id = $1";

pub(super) const UPGRADE_PASSWORD: &str =
    "UPDATE credentials SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2";

pub(super) const CHANGE_PASSWORD: &str = "UPDATE credentials \
    SET password_hash = $3, is_confirmed = true, changed_at = $4 \
    WHERE user_id = $1 AND password_hash = $2";

pub(super) const NOTE_PERSON: &str = "INSERT INTO people (user_id, version) VALUES ($1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET version = $2 WHERE people.version < $2";

pub(super) const IS_LEAVING: &str = "SELECT EXISTS (SELECT 1 FROM deletions WHERE user_id = $1)";

pub(super) const IS_HEIR: &str = "SELECT EXISTS (SELECT 1 FROM deletions WHERE heir_id = $1)";

pub(super) const BEGIN_DELETION: &str = "INSERT INTO deletions (user_id, heir_id, requested_at) \
    VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE \
    SET heir_id = coalesce(excluded.heir_id, deletions.heir_id)";

pub(super) const END_DELETION: &str = "DELETE FROM deletions WHERE user_id = $1";

pub(super) const DELETIONS: &str = "SELECT user_id, heir_id FROM deletions \
    WHERE requested_at <= $1 ORDER BY requested_at";

pub(super) const SESSION: &str = select_sessions!("WHERE id = $1 AND expires_at > $2");

/// Followed by the order of a page.
pub(super) const SESSIONS: &str = select_sessions!("WHERE user_id = $1 AND expires_at > $2");

pub(super) const COUNT_SESSIONS: &str =
    "SELECT count(*) FROM sessions WHERE user_id = $1 AND expires_at > $2";

/// Inserts what follows.
macro_rules! insert_session {
    ($($values:tt)+) => {
        concat!(
            "INSERT INTO sessions (user_id, id, created_at, last_seen_at, expires_at, \
             authenticated_at, ip, user_agent, seed, generation, rotated_at) ",
            $($values)+
        )
    };
}
pub(super) use insert_session;

pub(super) const INSERT_SESSION: &str =
    insert_session!("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");

pub(super) const REFRESH_SESSION: &str = "UPDATE sessions SET last_seen_at = $2, \
    expires_at = $3, ip = $4, user_agent = $5, generation = $6, rotated_at = $7 WHERE id = $1";

pub(super) const REAUTHENTICATE: &str =
    "UPDATE sessions SET authenticated_at = $2 WHERE id = $1 AND expires_at > $2";

pub(super) const DELETE_SESSION: &str =
    "DELETE FROM sessions WHERE user_id = $1 AND id = $2 RETURNING id";

pub(super) const DELETE_OTHER_SESSIONS: &str =
    "DELETE FROM sessions WHERE user_id = $1 AND id <> $2 RETURNING id";

pub(super) const REVOKE: &str = "INSERT INTO revocations \
    (session_id, user_id, revoked_at, expires_at) VALUES ($1, $2, $3, $4)";

pub(super) const INSERT_TICKET: &str = "INSERT INTO tickets \
    (hash, user_id, session_id, is_admin, issued_at, token_expires_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(super) const DELETE_TICKET: &str = "DELETE FROM tickets WHERE hash = $1 AND expires_at > $2 \
    AND NOT EXISTS (SELECT 1 FROM revocations WHERE revocations.session_id = tickets.session_id) \
    AND NOT EXISTS (SELECT 1 FROM revocations WHERE revocations.user_id = tickets.user_id \
        AND revocations.revoked_at > tickets.issued_at) \
    RETURNING user_id, session_id, is_admin, issued_at, token_expires_at";

pub(super) const FORGET_EXPIRED: [&str; 9] = [
    "DELETE FROM sessions WHERE expires_at <= $1",
    "DELETE FROM revocations WHERE expires_at <= $1",
    "DELETE FROM tickets WHERE expires_at <= $1",
    "DELETE FROM registrations WHERE expires_at <= $1",
    "DELETE FROM throttles WHERE expires_at <= $1",
    "DELETE FROM familiar_places WHERE expires_at <= $1",
    "DELETE FROM idempotency_keys WHERE expires_at <= $1",
    "DELETE FROM impersonations WHERE expires_at <= $1",
    "DELETE FROM api_keys WHERE forget_at <= $1",
];

pub(super) const SIGNING_KEYS: &str = "SELECT kid, public_key, sealed, created_at, active_from \
    FROM signing_keys ORDER BY active_from, kid";

pub(super) const NEWEST_KEY: &str =
    "SELECT kid FROM signing_keys ORDER BY active_from DESC, kid DESC LIMIT 1";

pub(super) const ADD_KEY: &str = "INSERT INTO signing_keys \
    (kid, public_key, sealed, created_at, active_from) VALUES ($1, $2, $3, $4, $5)";

pub(super) const REMOVE_KEY: &str = "DELETE FROM signing_keys WHERE kid = $1";

/// A deletion as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct DeletionRow {
    user_id: Uuid,
    heir_id: Option<Uuid>,
}

impl From<DeletionRow> for Deletion {
    fn from(row: DeletionRow) -> Self {
        Self {
            user_id: row.user_id,
            heir_id: row.heir_id,
        }
    }
}

/// A session as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    authenticated_at: Timestamp,
    ip: Option<String>,
    user_agent: Option<String>,
    seed: Vec<u8>,
    generation: i64,
    rotated_at: Timestamp,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            authenticated_at: row.authenticated_at,
            ip: row.ip,
            user_agent: row.user_agent,
            seed: row.seed,
            generation: u32::try_from(row.generation).unwrap_or(0),
            rotated_at: row.rotated_at,
        }
    }
}

/// The holder of a ticket as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct HolderRow {
    user_id: Uuid,
    session_id: Uuid,
    is_admin: bool,
    issued_at: Timestamp,
    token_expires_at: Timestamp,
}

impl From<HolderRow> for User {
    fn from(row: HolderRow) -> Self {
        Self {
            id: row.user_id,
            session_id: row.session_id,
            is_admin: row.is_admin,
            // Whoever got the ticket may listen, and it is good for nothing else.
            grant: Grant::Session,
            issued_at: row.issued_at,
            expires_at: row.token_expires_at,
        }
    }
}

/// A signing key as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    kid: String,
    public_key: Vec<u8>,
    sealed: Vec<u8>,
    created_at: Timestamp,
    active_from: Timestamp,
}

impl From<KeyRow> for SealedKey {
    fn from(row: KeyRow) -> Self {
        Self {
            kid: row.kid,
            public_key: row.public_key,
            sealed: row.sealed,
            created_at: row.created_at,
            active_from: row.active_from,
        }
    }
}

/// A revocation as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct RevocationRow {
    xid: i64,
    seq: i64,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    revoked_at: Timestamp,
    expires_at: Timestamp,
    is_settled: bool,
}

impl From<RevocationRow> for Revocation {
    fn from(row: RevocationRow) -> Self {
        Self {
            cursor: Cursor {
                transaction: row.xid,
                number: row.seq,
            },
            tokens: match row.session_id {
                Some(id) => Revoked::Session(id),
                None => Revoked::User(row.user_id.unwrap_or_default()),
            },
            revoked_at: row.revoked_at,
            expires_at: row.expires_at,
            is_settled: row.is_settled,
        }
    }
}
