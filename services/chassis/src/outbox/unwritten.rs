//! Writes events, several with one statement.

use uuid::Uuid;

use crate::clock::Timestamp;

/// Events that are written with one statement. For each number of them the
/// database keeps another one prepared.
pub(crate) const MOST_TOGETHER: usize = 8;

/// An event that is not written yet.
#[derive(Debug)]
pub struct Unwritten {
    pub(crate) id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) subject_type: Option<&'static str>,
    pub(crate) subject: Uuid,
    pub(crate) payload: String,
    pub(crate) changes: Option<String>,
    pub(crate) details: Option<String>,
    pub(crate) actor: String,
    pub(crate) request_id: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) client_ip: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// What is kept of an event, with PostgreSQL's types.
const COLUMNS: [(&str, &str); 12] = [
    ("id", "uuid"),
    ("kind", "text"),
    ("subject_type", "text"),
    ("subject", "uuid"),
    ("payload", "text"),
    ("changes", "text"),
    ("details", "text"),
    ("actor", "text"),
    ("request_id", "text"),
    ("traceparent", "text"),
    ("client_ip", "text"),
    ("created_at", "timestamptz"),
];

/// The statement that writes so many, if any, on PostgreSQL, and returns their
/// numbers. Where it comes with a first one, which has so many values and is
/// called `first`, it writes nothing unless that one has changed something. The
/// transaction has its id before an event gets its number: who follows the events
/// waits for all transactions with ids.
pub(crate) fn insert_postgres(count: usize, values_of_first: Option<usize>) -> Option<String> {
    let cast = |(number, (_, kind)): (usize, &(&str, &str))| format!("${number}::{kind}");
    let rows = rows(count, values_of_first, cast)?;
    let condition = values_of_first.map_or("", |_| " WHERE EXISTS (SELECT 1 FROM first)");
    let from = format!("pg_current_xact_id(), (VALUES {rows}) AS event{condition}");
    Some(insert(&format!("SELECT event.* FROM {from}")))
}

/// The same on SQLite, which the first one precedes.
pub(crate) fn insert_sqlite(count: usize, values_of_first: Option<usize>) -> Option<String> {
    let rows = rows(count, values_of_first, |(number, _)| format!("${number}"))?;
    Some(insert(&match values_of_first {
        Some(_) => format!("SELECT * FROM (VALUES {rows}) WHERE changes() > 0"),
        None => format!("VALUES {rows}"),
    }))
}

fn insert(source: &str) -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    format!("INSERT INTO outbox ({names}) {source} RETURNING seq")
}

/// The values of so many.
fn rows(
    count: usize,
    values_of_first: Option<usize>,
    value: impl Fn((usize, &(&'static str, &'static str))) -> String,
) -> Option<String> {
    let rows = (0..count).map(|row| {
        let numbers = values_of_first.unwrap_or(0) + row * COLUMNS.len() + 1..;
        let values: Vec<String> = numbers.zip(&COLUMNS).map(&value).collect();
        format!("({})", values.join(", "))
    });
    (count > 0).then(|| rows.collect::<Vec<_>>().join(", "))
}

/// Binds an event to the statement.
macro_rules! bind_event {
    ($query:expr, $event:expr) => {{
        let event: $crate::outbox::Unwritten = $event;
        $query
            .bind(event.id)
            .bind(event.kind)
            .bind(event.subject_type)
            .bind(event.subject)
            .bind(event.payload)
            .bind(event.changes)
            .bind(event.details)
            .bind(event.actor)
            .bind(event.request_id)
            .bind(event.traceparent)
            .bind(event.client_ip)
            .bind(event.created_at)
    }};
}
pub(crate) use bind_event;
