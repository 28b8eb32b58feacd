//! Creations that happen once: the key is claimed in the transaction of the
//! creation itself, so that of two at once the second waits for the first and
//! then gets its answer, and a failure leaves no claim behind.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use sqlx::{Postgres, Sqlite};

use crate::{
    caller::Call,
    clock::Timestamp,
    database::Write,
    status::{Error, Kind},
};

/// How long an answer is kept.
pub const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// The key of one creation by one caller.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// Hash of caller, method and the caller's key.
    id: [u8; 32],
    /// Hash of the request.
    fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// The key of a call to `method` with `request`, if it came with one.
    ///
    /// # Errors
    ///
    /// `VALIDATION_FAILED` for a key that is not 1 to 255 printable ASCII
    /// characters.
    pub fn of(
        call: &Call,
        method: &str,
        request: &impl prost::Message,
    ) -> Result<Option<Self>, Error> {
        let Some(key) = &call.idempotency_key else {
            return Ok(None);
        };
        let is_printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !(1..=255).contains(&key.len()) || !is_printable {
            return Err(Error::invalid_field(
                "Idempotency-Key",
                "NOT_ALLOWED",
                "must be 1 to 255 printable ASCII characters",
            ));
        }
        let caller = &call.caller;
        // A service adds nothing: it passes on what a client says, as the gateway
        // does, and the same client may come without one.
        let caller = match (&caller.user, &caller.service_account) {
            (Some(user), _) => user.id.to_string(),
            (None, Some(account)) => account.id.to_string(),
            (None, None) => String::new(),
        };
        Ok(Some(Self {
            id: Sha256::digest(format!("{caller}\0{method}\0{key}")).into(),
            fingerprint: Sha256::digest(request.encode_to_vec()).into(),
        }))
    }

    /// The hash of caller, method and the caller's key, for a creation that is
    /// more than one transaction and keeps its claim itself.
    #[must_use]
    pub fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// The hash of the request, likewise.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    fn replay<T: DeserializeOwned>(&self, fingerprint: &[u8], answer: &str) -> Result<T, Error> {
        if fingerprint != self.fingerprint {
            return Err(reused());
        }
        serde_json::from_str(answer).map_err(Error::internal)
    }
}

/// The failure of a key that came with another request before.
#[must_use]
pub fn reused() -> Error {
    Error::new(
        Kind::KeyReused,
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key came with another request before. Use a new key.",
    )
}

/// What a creation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created<T> {
    /// The thing is new.
    New(T),
    /// The thing was made before under the same key; this is the answer that
    /// was given then.
    Replayed(T),
}

impl<T> Created<T> {
    /// The thing, new or not.
    pub fn value(&self) -> &T {
        match self {
            Self::New(value) | Self::Replayed(value) => value,
        }
    }

    /// Whether it is an earlier answer.
    pub fn is_replayed(&self) -> bool {
        matches!(self, Self::Replayed(_))
    }
}

/// A response that says whether it is a replay.
#[must_use]
pub fn respond<T>(message: T, is_replayed: bool) -> tonic::Response<T> {
    let mut response = tonic::Response::new(message);
    if is_replayed {
        crate::caller::insert(
            response.metadata_mut(),
            crate::caller::metadata::IDEMPOTENCY_REPLAYED,
            "true",
        );
    }
    response
}

/// Like [`respond`], where what was asked for is done later, which REST says by
/// its status.
#[must_use]
pub fn accepted<T>(message: T, is_replayed: bool) -> tonic::Response<T> {
    let mut response = respond(message, is_replayed);
    crate::caller::insert(
        response.metadata_mut(),
        crate::caller::metadata::ACCEPTED,
        "true",
    );
    response
}

const FORGET: &str = "DELETE FROM idempotency_keys WHERE id = $1 AND expires_at <= $2";
const CLAIM: &str = "INSERT INTO idempotency_keys (id, fingerprint, answer, expires_at) \
    VALUES ($1, $2, '', $3) ON CONFLICT (id) DO NOTHING";
const READ: &str = "SELECT fingerprint, answer FROM idempotency_keys WHERE id = $1";
const STORE: &str = "UPDATE idempotency_keys SET answer = $2 WHERE id = $1";

/// The same two functions for each engine.
macro_rules! functions {
    ($database:ty, $engine:literal, $claim:ident, $store:ident) => {
        #[doc = concat!("Claims a key at the beginning of a creation, on ", $engine, ".")]
        ///
        /// Returns the earlier answer if there is one; waits for a creation in
        /// progress.
        ///
        /// # Errors
        ///
        /// `IDEMPOTENCY_KEY_REUSED`, or a failure of the database.
        pub async fn $claim<T: DeserializeOwned>(
            transaction: &mut Write<$database>,
            key: Option<&IdempotencyKey>,
            now: Timestamp,
        ) -> Result<Option<T>, Error> {
            let Some(key) = key else { return Ok(None) };
            sqlx::query(FORGET)
                .bind(&key.id[..])
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            let claimed = sqlx::query(CLAIM)
                .bind(&key.id[..])
                .bind(&key.fingerprint[..])
                .bind(now + RETENTION)
                .execute(&mut *transaction)
                .await?;
            if claimed.rows_affected() == 1 {
                return Ok(None);
            }
            let (fingerprint, answer): (Vec<u8>, String) = sqlx::query_as(READ)
                .bind(&key.id[..])
                .fetch_one(&mut *transaction)
                .await?;
            transaction.found_is_kept().await?;
            key.replay(&fingerprint, &answer).map(Some)
        }

        #[doc = concat!("Keeps the answer of a creation under its key, on ", $engine, ".")]
        ///
        /// # Errors
        ///
        /// A failure of the database.
        pub async fn $store<T: Serialize>(
            transaction: &mut Write<$database>,
            key: Option<&IdempotencyKey>,
            answer: &T,
        ) -> Result<(), Error> {
            let Some(key) = key else { return Ok(()) };
            sqlx::query(STORE)
                .bind(&key.id[..])
                .bind(serde_json::to_string(answer).map_err(Error::internal)?)
                .execute(&mut *transaction)
                .await?;
            Ok(())
        }
    };
}
functions!(Postgres, "PostgreSQL", claim_postgres, store_postgres);
functions!(Sqlite, "SQLite", claim_sqlite, store_sqlite);
