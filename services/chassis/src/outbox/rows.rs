//! Reads the outbox, and drops what is kept long enough: the payload of an
//! event, which may tell of people. The rest stays, as the record of who changed
//! what.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::Record;
use crate::{clock::Timestamp, database::Database, status::Error};

/// Events whose payload is dropped at once.
const TRIM_BATCH: i64 = 1000;

const BOUNDS: &str = "SELECT (SELECT seq FROM outbox_trimmed), \
    (SELECT coalesce(max(seq), 0) FROM outbox)";

const READ: &str = "SELECT seq, id, kind, subject, payload, changes, actor, request_id, \
    traceparent, created_at FROM outbox WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";

/// The last event of the next batch that is old enough. Their order is nearly
/// that of their times.
const OLD: &str = "SELECT max(seq) FROM (SELECT seq, created_at FROM outbox \
    WHERE seq > (SELECT seq FROM outbox_trimmed) AND seq <= $1 ORDER BY seq LIMIT $2) AS batch \
    WHERE created_at < $3";

const TRIM: [&str; 2] = [
    "UPDATE outbox SET payload = '' \
     WHERE seq > (SELECT seq FROM outbox_trimmed) AND seq <= $1",
    "UPDATE outbox_trimmed SET seq = $1 WHERE seq < $1",
];

/// An event as the database has it.
#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    id: Uuid,
    kind: String,
    subject: Uuid,
    payload: String,
    changes: Option<String>,
    actor: String,
    request_id: String,
    traceparent: Option<String>,
    created_at: Timestamp,
}

impl TryFrom<Row> for Record {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let changes: Option<Map<String, Value>> = row
            .changes
            .map(|changes| serde_json::from_str(&changes))
            .transpose()
            .map_err(Error::internal)?;
        Ok(Self {
            seq: row.seq,
            id: row.id,
            kind: row.kind,
            subject: row.subject,
            changed: changes
                .into_iter()
                .flat_map(|changes| changes.into_iter().map(|(field, _)| field))
                .collect(),
            actor: row.actor.parse()?,
            request_id: row.request_id,
            traceparent: row.traceparent,
            at: row.created_at,
            payload: row.payload,
        })
    }
}

impl Record {
    /// Whether its payload is not kept any more.
    pub(super) fn is_trimmed(&self) -> bool {
        self.payload.is_empty()
    }
}

/// Up to which event payloads are dropped, and the last event.
pub(super) async fn bounds(database: &Database) -> Result<(i64, i64), Error> {
    Ok(match database {
        Database::Postgres(database) => sqlx::query_as(BOUNDS).fetch_one(&database.pool).await,
        Database::Sqlite(database) => sqlx::query_as(BOUNDS).fetch_one(&database.readers).await,
    }?)
}

/// The events after one and up to another, at most `limit`, in their order.
pub(super) async fn read(
    database: &Database,
    after: i64,
    end: i64,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    let rows: Vec<Row> = match database {
        Database::Postgres(database) => {
            let query = sqlx::query_as(READ).bind(after).bind(end).bind(limit);
            query.fetch_all(&database.pool).await
        }
        Database::Sqlite(database) => {
            let query = sqlx::query_as(READ).bind(after).bind(end).bind(limit);
            query.fetch_all(&database.readers).await
        }
    }?;
    rows.into_iter().map(Record::try_from).collect()
}

/// The same function for each engine.
macro_rules! trim_batch {
    ($database:expr, $before:expr, $settled:expr) => {{
        let mut transaction = $database.begin().await?;
        let old: Option<i64> = sqlx::query_scalar(OLD)
            .bind($settled)
            .bind(TRIM_BATCH)
            .bind($before)
            .fetch_one(&mut transaction)
            .await?;
        if let Some(last) = old {
            for sql in TRIM {
                sqlx::query(sql)
                    .bind(last)
                    .execute(&mut transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
        old.is_some()
    }};
}

/// Drops the payloads of settled events from before a moment.
pub(super) async fn trim(
    database: &Database,
    before: Timestamp,
    settled: i64,
) -> Result<(), Error> {
    loop {
        let has_trimmed = match database {
            Database::Postgres(database) => trim_batch!(database, before, settled),
            Database::Sqlite(database) => trim_batch!(database, before, settled),
        };
        if !has_trimmed {
            return Ok(());
        }
    }
}
