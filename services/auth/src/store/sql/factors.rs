//! The SQL about factors that both databases share: texts and rows.

use portico_chassis::{clock::Timestamp, status::Error};
use uuid::Uuid;

use super::insert_session;
use crate::{
    challenge::{Challenge, ChallengeHash},
    factors::{Factors, Totp},
    passkey::{Ceremony, Passkey},
    recovery::RecoveryCodes,
};

pub(in crate::store) const FACTORS: &str = "SELECT totp_sealed, totp_confirmed_at, \
    totp_last_step, recovery_hashes, failures, blocked_until \
    FROM second_factors WHERE user_id = $1";

pub(in crate::store) const KEEP_FACTORS: &str = "INSERT INTO second_factors \
    (user_id, totp_sealed, totp_confirmed_at, totp_last_step, recovery_hashes, failures, \
    blocked_until) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id) DO UPDATE \
    SET totp_sealed = $2, totp_confirmed_at = $3, totp_last_step = $4, recovery_hashes = $5, \
    failures = $6, blocked_until = $7";

pub(in crate::store) const DELETE_FACTORS: &str = "DELETE FROM second_factors WHERE user_id = $1";

/// Whether a person has a second factor.
macro_rules! has_second_factor {
    () => {
        "SELECT EXISTS (SELECT 1 FROM second_factors \
         WHERE user_id = $1 AND totp_confirmed_at IS NOT NULL) \
         OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1)"
    };
}

pub(in crate::store) const HAS_SECOND_FACTOR: &str = has_second_factor!();

pub(in crate::store) const INSERT_CHALLENGE: &str = "INSERT INTO challenges \
    (hash, user_id, password_changed_at, tries, expires_at) \
    SELECT $1, user_id, changed_at, 0, $3 FROM credentials \
    WHERE user_id = $2 AND password_hash = $4";

/// A challenge counts no more once its password is another one or its account
/// is being deleted.
pub(in crate::store) const CHALLENGE: &str = "SELECT challenges.hash, challenges.user_id, tries, \
    expires_at FROM challenges JOIN credentials ON credentials.user_id = challenges.user_id \
    AND credentials.changed_at = challenges.password_changed_at \
    WHERE hash = $1 AND expires_at > $2 \
    AND NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.user_id = challenges.user_id)";

pub(in crate::store) const UPDATE_CHALLENGE: &str =
    "UPDATE challenges SET tries = $2 WHERE hash = $1";

pub(in crate::store) const DELETE_CHALLENGE: &str = "DELETE FROM challenges WHERE hash = $1";

pub(in crate::store) const DELETE_CHALLENGES: &str = "DELETE FROM challenges WHERE user_id = $1";

pub(in crate::store) const INSERT_CEREMONY: &str =
    "INSERT INTO ceremonies (id, content, expires_at) VALUES ($1, $2, $3)";

pub(in crate::store) const DELETE_CEREMONY: &str = "DELETE FROM ceremonies \
    WHERE id = $1 AND expires_at > $2 RETURNING id, content, expires_at";

/// The passkeys, with what follows.
macro_rules! select_passkeys {
    ($suffix:literal) => {
        concat!(
            "SELECT id, user_id, name, credential, created_at, last_used_at FROM passkeys ",
            $suffix
        )
    };
}

pub(in crate::store) const PASSKEYS: &str =
    select_passkeys!("WHERE user_id = $1 ORDER BY created_at DESC, id DESC");

/// Followed by the order of a page.
pub(in crate::store) const LIST_PASSKEYS: &str = select_passkeys!("WHERE user_id = $1");

pub(in crate::store) const PASSKEY: &str = select_passkeys!("WHERE credential_id = $1");

pub(in crate::store) const COUNT_PASSKEYS: &str =
    "SELECT count(*) FROM passkeys WHERE user_id = $1";

pub(in crate::store) const INSERT_PASSKEY: &str = "INSERT INTO passkeys \
    (id, user_id, name, credential_id, credential, sign_count, created_at) \
    VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (credential_id) DO NOTHING";

pub(in crate::store) const RENAME_PASSKEY: &str = "UPDATE passkeys SET name = $3 \
    WHERE user_id = $1 AND id = $2 \
    RETURNING id, user_id, name, credential, created_at, last_used_at";

pub(in crate::store) const DELETE_PASSKEY: &str = "DELETE FROM passkeys \
    WHERE user_id = $1 AND id = $2 \
    RETURNING id, user_id, name, credential, created_at, last_used_at";

pub(in crate::store) const DELETE_PASSKEYS: &str = "DELETE FROM passkeys WHERE user_id = $1";

/// Many authenticators do not count: their counter stays zero.
pub(in crate::store) const USE_PASSKEY: &str = "UPDATE passkeys \
    SET credential = $2, sign_count = $3, last_used_at = $4 \
    WHERE id = $1 AND (sign_count < $3 OR sign_count = 0 AND $3 = 0)";

/// What is known of a person who signs in on a device, with what follows.
macro_rules! known {
    ($columns:literal, $suffix:literal) => {
        concat!(
            has_second_factor!(),
            " AS has_second_factor, \
             EXISTS (SELECT 1 FROM devices WHERE user_id = $1) AS has_devices, \
             (SELECT last_seen_at FROM devices WHERE user_id = $1 AND hash = $2) AS seen_at, ",
            $columns,
            $suffix
        )
    };
}

pub(in crate::store) const KNOWN: &str = known!("true AS is_confirmed, true AS is_current", "");

/// What is known of a person who has signed in by a password.
macro_rules! known_by_password {
    () => {
        known!(
            "is_confirmed, NOT EXISTS \
             (SELECT 1 FROM people WHERE people.user_id = $1 AND version > $4) AS is_current",
            " FROM credentials WHERE user_id = $1 AND password_hash = $3 \
             AND NOT EXISTS (SELECT 1 FROM deletions WHERE deletions.user_id = $1)"
        )
    };
}

pub(in crate::store) const KNOWN_BY_PASSWORD: &str = known_by_password!();

/// Inserts the session of a person who signs in as always.
pub(in crate::store) const INSERT_FAMILIAR_SESSION: &str = insert_session!(
    "SELECT $1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM (",
    known_by_password!(),
    ") AS known \
     WHERE is_confirmed AND is_current AND NOT has_second_factor AND seen_at > $5"
);

pub(in crate::store) const NOTE_DEVICE: &str = "INSERT INTO devices \
    (user_id, hash, last_seen_at) VALUES ($1, $2, $3) \
    ON CONFLICT (user_id, hash) DO UPDATE SET last_seen_at = $3";

pub(in crate::store) const FORGET_DEVICES: &str = "DELETE FROM devices WHERE last_seen_at <= $1";

pub(in crate::store) const FORGET_EXPIRED: [&str; 2] = [
    "DELETE FROM challenges WHERE expires_at <= $1",
    "DELETE FROM ceremonies WHERE expires_at <= $1",
];

/// Factors as the database has them.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct FactorsRow {
    totp_sealed: Option<Vec<u8>>,
    totp_confirmed_at: Option<Timestamp>,
    totp_last_step: i64,
    recovery_hashes: Vec<u8>,
    failures: i32,
    blocked_until: Option<Timestamp>,
}

impl From<FactorsRow> for Factors {
    fn from(row: FactorsRow) -> Self {
        Self {
            totp: row.totp_sealed.map(|sealed| Totp {
                sealed,
                confirmed_at: row.totp_confirmed_at,
            }),
            last_step: row.totp_last_step,
            recovery_codes: RecoveryCodes::from_bytes(&row.recovery_hashes),
            failures: u32::try_from(row.failures).unwrap_or(0),
            blocked_until: row.blocked_until,
        }
    }
}

/// A challenge as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct ChallengeRow {
    hash: Vec<u8>,
    user_id: Uuid,
    tries: i32,
    expires_at: Timestamp,
}

impl TryFrom<ChallengeRow> for Challenge {
    type Error = Error;

    fn try_from(row: ChallengeRow) -> Result<Self, Error> {
        let hash = row.hash.try_into();
        let hash = hash.map_err(|_| Error::internal("the hash of a challenge is no hash"))?;
        Ok(Self {
            hash: ChallengeHash(hash),
            user_id: row.user_id,
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
            expires_at: row.expires_at,
        })
    }
}

/// A ceremony as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct CeremonyRow {
    id: Uuid,
    content: String,
    expires_at: Timestamp,
}

impl TryFrom<CeremonyRow> for Ceremony {
    type Error = Error;

    fn try_from(row: CeremonyRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            purpose: serde_json::from_str(&row.content).map_err(Error::internal)?,
            expires_at: row.expires_at,
        })
    }
}

/// A passkey as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct PasskeyRow {
    id: Uuid,
    user_id: Uuid,
    name: String,
    credential: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl TryFrom<PasskeyRow> for Passkey {
    type Error = Error;

    fn try_from(row: PasskeyRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            name: row.name,
            credential: serde_json::from_str(&row.credential).map_err(Error::internal)?,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        })
    }
}
