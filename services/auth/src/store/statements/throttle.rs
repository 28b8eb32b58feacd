//! The statements of throttles, for each database.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, status::Error};

use crate::{
    store::{
        changes::ThrottleStatements,
        postgres::PostgresTransaction,
        sql::throttle::{self as sql, TallyRow},
        sqlite::SqliteTransaction,
    },
    throttle::{Key, Scope, Tally},
};

macro_rules! statements {
    ($transaction:ty) => {
        #[async_trait]
        impl ThrottleStatements for $transaction {
            async fn is_familiar(&mut self, address: Key, now: Timestamp) -> Result<bool, Error> {
                Ok(sqlx::query_scalar(sql::IS_FAMILIAR)
                    .bind(&address[..])
                    .bind(now)
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn become_familiar(
                &mut self,
                address: Key,
                until: Timestamp,
                unless_after: Timestamp,
            ) -> Result<(), Error> {
                run!(
                    self,
                    sql::BECOME_FAMILIAR,
                    &address[..],
                    until,
                    unless_after
                );
                Ok(())
            }

            async fn lock_tally(
                &mut self,
                key: Key,
                account: Option<Key>,
                scope: Scope,
                now: Timestamp,
            ) -> Result<Tally, Error> {
                let new = Tally::new(scope, now);
                let row: TallyRow = sqlx::query_as(sql::LOCK_TALLY)
                    .bind(&key[..])
                    .bind(account.as_ref().map(|account| &account[..]))
                    .bind(new.blocked_until)
                    .bind(new.expires_at)
                    .fetch_one(&mut self.0)
                    .await?;
                Ok(row.into())
            }

            async fn write_tally(&mut self, key: Key, tally: Tally) -> Result<(), Error> {
                run!(
                    self,
                    sql::WRITE_TALLY,
                    &key[..],
                    i64::from(tally.failures),
                    tally.blocked_until,
                    tally.expires_at
                );
                Ok(())
            }

            async fn forget_tally(&mut self, key: Key) -> Result<(), Error> {
                run!(self, sql::FORGET_TALLY, &key[..]);
                Ok(())
            }

            async fn forget_tallies(&mut self, account: Key) -> Result<(), Error> {
                run!(self, sql::FORGET_TALLIES, &account[..]);
                Ok(())
            }
        }
    };
}
statements!(PostgresTransaction);
statements!(SqliteTransaction);
