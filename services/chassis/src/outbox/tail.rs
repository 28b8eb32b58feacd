//! How far the outbox is settled: up to there every event is known, and none
//! will appear any more.
//!
//! On SQLite, whose transactions follow each other, that is the last event on
//! disk. On PostgreSQL numbers are given out before transactions commit, so an
//! event may appear before one that is there already. The order of transaction
//! ids does not help: it is not the order in which two transactions changed the
//! same thing, but the numbers are, because an event gets its number while the
//! thing is locked. So the numbers are the order, and it is settled up to the
//! last one seen, as soon as every transaction that had begun to write by then
//! has ended: whoever holds a lower number had.

use std::time::Duration;

use futures::FutureExt as _;
use sqlx::{Postgres, Sqlite, postgres::PgListener};
use tokio::{sync::watch, time::Instant};

use crate::{
    database::{Connections, Database, PostgresDatabase, SqliteDatabase, in_time},
    status::Error,
};

/// How often the database is asked although nobody told of a change.
const POLL: Duration = Duration::from_secs(1);

/// The pause after events were told of: what is written meanwhile is told
/// together, so that readers cost the less the more is written.
const PACE: Duration = Duration::from_millis(20);

/// The pauses before transactions in progress are looked at again.
const SETTLE_PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_millis(50);

/// How long one transaction may hold back all events before it is told of.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause after the database did not answer.
const RECONNECT: Duration = Duration::from_millis(500);

/// Tells how far the outbox is settled, and goes on doing so.
pub(super) async fn follow(database: &Database, settled: &watch::Sender<Option<i64>>) {
    loop {
        let ended = match database {
            Database::Postgres(database) => follow_postgres(database, settled).await,
            Database::Sqlite(database) => follow_sqlite(database, settled).await,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the outbox cannot be followed");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn follow_sqlite(
    database: &SqliteDatabase,
    settled: &watch::Sender<Option<i64>>,
) -> Result<(), Error> {
    let mut written = database.written();
    loop {
        let last = last_in_sqlite(database.watcher()).await?;
        if settled.borrow().is_none_or(|known| known < last) {
            // Nobody hears of an event that may still be lost.
            database.sync().await?;
            advance(settled, last);
        }
        // What this process writes needs no look.
        while let Ok(Ok(())) = tokio::time::timeout(POLL, written.changed()).await {
            advance(settled, *written.borrow_and_update());
            tokio::time::sleep(PACE).await;
        }
    }
}

async fn last_in_sqlite(pool: &Connections<Sqlite>) -> Result<i64, Error> {
    let sql = "SELECT coalesce(max(seq), 0) FROM outbox";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

/// Woken by what this process writes, by what others tell that they wrote, and
/// by a slow poll.
async fn follow_postgres(
    database: &PostgresDatabase,
    settled: &watch::Sender<Option<i64>>,
) -> Result<(), Error> {
    let pool = &database.pool;
    let (channel, mut listener) = in_time(listen(pool)).await?;
    let mut written = database.written();
    let mut has_written = false;
    loop {
        // All that was told until now is found at once.
        while let Some(told) = listener.try_recv().now_or_never() {
            told?;
        }
        written.mark_unchanged();
        let known = settled.borrow().unwrap_or(0);
        let told = has_written.then_some(&channel);
        if let Some(last) = settle(pool, known, told).await? {
            advance(settled, last);
        }
        tokio::time::sleep(PACE).await;
        has_written = false;
        tokio::select! {
            _ = written.changed() => has_written = true,
            // `None`: the connection was lost and is there again; what was told
            // in between is found now.
            told = listener.try_recv() => { told?; }
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// The channel by which processes tell each other of events, and a connection
/// that hears of it. Several services may live in one database, each in a schema
/// of its own.
async fn listen(pool: &Connections<Postgres>) -> Result<(String, PgListener), Error> {
    let channel: String = sqlx::query_scalar("SELECT 'portico_outbox_' || current_schema()")
        .fetch_one(pool)
        .await?;
    let mut listener = PgListener::connect_with(pool.pool()).await?;
    listener.listen(&channel).await?;
    Ok((channel, listener))
}

/// Waits until everything up to the last event is settled, which is `known` if
/// there is none after it; `None` if it takes too long. Tells the channel that
/// there are new events, if one is given.
async fn settle(
    pool: &Connections<Postgres>,
    known: i64,
    tell: Option<&String>,
) -> Result<Option<i64>, Error> {
    // A transaction id of our own: whoever has a lower number than the last
    // event has a lower id than this one.
    let sql = "SELECT max(seq), pg_current_xact_id()::text::bigint, \
        CASE WHEN $2::text IS NOT NULL THEN pg_notify($2, '')::text END \
        FROM outbox WHERE seq > $1 HAVING max(seq) IS NOT NULL";
    let seen = in_time(async {
        let query = sqlx::query_as(sql).bind(known).bind(tell);
        Ok(query.fetch_optional(pool).await?)
    });
    let seen: Option<(i64, i64, Option<String>)> = seen.await?;
    let Some((last, id, _)) = seen else {
        return Ok(Some(known));
    };
    let begun = Instant::now();
    let mut pause = *SETTLE_PAUSES.start();
    while in_time(oldest_transaction(pool)).await? < id {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(*SETTLE_PAUSES.end());
        if begun.elapsed() > PATIENCE {
            tracing::warn!("a long transaction of the database server holds back the events");
            return Ok(None);
        }
    }
    Ok(Some(last))
}

/// The oldest transaction in progress.
async fn oldest_transaction(pool: &Connections<Postgres>) -> Result<i64, Error> {
    let sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

/// Never back: what was told stays true.
fn advance(settled: &watch::Sender<Option<i64>>, last: i64) {
    settled.send_if_modified(|known| {
        let is_further = known.is_none_or(|known| known < last);
        if is_further {
            *known = Some(last);
        }
        is_further
    });
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::Timestamp,
        database::DatabaseUrl,
        outbox::{Event, Origin, append},
    };

    const WRITTEN: i64 = 50;

    #[tokio::test]
    async fn what_is_written_in_quick_succession_is_told_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
        let opened = Database::open(&url, 2).await.expect("it opens");
        let Database::Sqlite(database) = &opened else {
            panic!("it is SQLite");
        };
        let create = sqlx::query(
            "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, id, kind, subject_type, subject, \
             payload, changes, details, actor, request_id, traceparent, client_ip, created_at)",
        );
        let mut table = database.begin().await.expect("a turn");
        create.execute(&mut table).await.expect("made");
        table.commit().await.expect("committed");

        let settled = watch::Sender::default();
        let mut heard = settled.subscribe();
        let write = async {
            let began = heard.wait_for(|known| *known == Some(0)).await;
            began.expect("it follows");
            let begun = Instant::now();
            let origin = Origin::system(Timestamp::from_seconds(1));
            for number in 1..=WRITTEN {
                let mut change = database.begin().await.expect("a turn");
                let event = Event::new("thing.updated", Uuid::nil(), &number);
                append(&mut change, &origin, event).await.expect("told");
                change.commit().await.expect("committed");
            }
            begun.elapsed()
        };
        let mut told = settled.subscribe();
        let count = async {
            let mut times = 0;
            while *told.borrow_and_update() != Some(WRITTEN) {
                told.changed().await.expect("it follows");
                times += 1;
            }
            times
        };
        let (took, times) = tokio::select! {
            () = follow(&opened, &settled) => panic!("it goes on"),
            both = async { tokio::join!(write, count) } => both,
        };
        // The beginning, the first one, and the rest after each pause.
        let most = 3 + took.as_millis() / PACE.as_millis();
        assert!(times <= most, "told {times} times in {took:?}");
        opened.close().await;
    }
}
