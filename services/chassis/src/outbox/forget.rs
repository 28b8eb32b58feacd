//! Drops from the outbox what it tells of a person who is purged. What stays is
//! who did what: ids.

use serde::Serialize;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::Actor;
use crate::{database::Write, status::Error};

/// From where the person did what it did, or tried to before it was known who
/// it is.
const FORGET_ADDRESSES: &str = "UPDATE outbox SET client_ip = NULL \
    WHERE client_ip IS NOT NULL AND (actor = $1 OR (subject = $2 AND actor = 'system'))";

/// What happened to the person; what is dropped already stays so.
const FORGET_PAYLOADS: &str = "UPDATE outbox SET payload = $2 WHERE subject = $1 AND payload <> ''";

/// The same two functions for each engine.
macro_rules! forget {
    ($engine:ty, $name:literal, $addresses:ident, $payloads:ident) => {
        #[doc = concat!("Drops the addresses that a person acted from, on ", $name, ".")]
        ///
        /// # Errors
        ///
        /// A failure of the database.
        pub async fn $addresses(
            transaction: &mut Write<$engine>,
            person: Uuid,
        ) -> Result<(), Error> {
            sqlx::query(FORGET_ADDRESSES)
                .bind(Actor::User(person).to_string())
                .bind(person)
                .execute(transaction)
                .await?;
            Ok(())
        }

        #[doc = concat!("Has the events about a person tell `payload` and nothing else, on ", $name, ".")]
        /// It is what the service makes of a person of whom nothing is known.
        ///
        /// # Errors
        ///
        /// A failure of the database.
        pub async fn $payloads<P: Serialize + Sync>(
            transaction: &mut Write<$engine>,
            person: Uuid,
            payload: &P,
        ) -> Result<(), Error> {
            sqlx::query(FORGET_PAYLOADS)
                .bind(person)
                .bind(serde_json::to_string(payload).map_err(Error::internal)?)
                .execute(transaction)
                .await?;
            Ok(())
        }
    };
}
forget!(
    Postgres,
    "PostgreSQL",
    forget_addresses_postgres,
    forget_payloads_postgres
);
forget!(
    Sqlite,
    "SQLite",
    forget_addresses_sqlite,
    forget_payloads_sqlite
);
