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

/// The statement that writes so many, if any, and returns their numbers; after
/// one with so many values.
pub(crate) fn insert_events(count: usize, values_before: usize) -> Option<String> {
    const COLUMNS: usize = 12;
    let rows = (0..count).map(|row| {
        let first = values_before + row * COLUMNS;
        let values = (1..=COLUMNS).map(|column| format!("${}", first + column));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    });
    let rows: Vec<String> = rows.collect();
    (count > 0).then(|| {
        format!(
            "INSERT INTO outbox (id, kind, subject_type, subject, payload, changes, details, \
             actor, request_id, traceparent, client_ip, created_at) VALUES {} RETURNING seq",
            rows.join(", ")
        )
    })
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
