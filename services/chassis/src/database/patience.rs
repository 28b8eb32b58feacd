//! How long a database is waited for. A connection may be lost without a sign,
//! and what waits for an answer on it would wait for many minutes, or for ever.

use std::{future::Future, time::Duration};

use sqlx::{Connection as _, Database};
use tokio::time::timeout;

use crate::status::Error;

/// How long PostgreSQL may take to say that a connection still stands. One that
/// was lost without a sign would be waited for much longer.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How long work on a database may take that has no deadline of its own.
pub(super) const WORK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one round of upkeep may take.
const UPKEEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Says that the database answers on a connection, after what was left in progress
/// on it.
///
/// # Errors
///
/// If it does not: the connection is to be dropped without a word, for nobody
/// would take it.
pub(super) async fn stands<D: Database>(
    connection: &mut D::Connection,
) -> Result<bool, sqlx::Error> {
    let answered = timeout(PING_TIMEOUT, connection.ping()).await;
    answered.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
    Ok(true)
}

/// Waits for work on a database that nobody waits for with a deadline: where a
/// connection was lost without a sign, it would go on for ever.
///
/// # Errors
///
/// What the work fails with, and `SERVICE_UNAVAILABLE` if it does not end.
pub async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    within(WORK_TIMEOUT, work).await
}

/// Waits for a round of upkeep, which has more to do.
///
/// # Errors
///
/// As [`in_time`].
pub async fn upkeep(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    within(UPKEEP_TIMEOUT, work).await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let ended = timeout(limit, work).await;
    ended.unwrap_or_else(|_| Err(Error::unavailable("the database does not answer")))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::database::{DatabaseUrl, testing::postgres_url};

    #[tokio::test]
    async fn postgresql_ends_transactions_that_stand_still() {
        let url: DatabaseUrl = postgres_url().parse().expect("a URL");
        let database = crate::database::Database::open(&url, 1)
            .await
            .expect("it opens");
        let crate::database::Database::Postgres(postgres) = &database else {
            panic!("it is PostgreSQL");
        };
        let sql = "SHOW idle_in_transaction_session_timeout";
        let limit: String = sqlx::query_scalar(sql)
            .fetch_one(&postgres.pool)
            .await
            .expect("an answer");
        assert_eq!(limit, "15s");
        database.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_end_is_given_up() {
        for given_up in [in_time(pending()).await, upkeep(pending()).await] {
            let error = given_up.expect_err("given up");
            assert_eq!(error.reason, "SERVICE_UNAVAILABLE");
        }
        assert_eq!(in_time(async { Ok(1) }).await.expect("done"), 1);
    }
}
