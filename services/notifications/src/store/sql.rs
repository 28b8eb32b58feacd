//! The SQL that both databases share: texts, rows and what is bound to them.

use portico_chassis::{
    clock::Timestamp,
    page::{COUNT_CAP, Paging, Sort},
};
use uuid::Uuid;

use super::Filter;
use crate::job::{Cause, Claim, Job, Outcome, Status};

macro_rules! job_columns {
    () => {
        "id, template, recipient, status, attempts, last_error, created_at, due_at"
    };
}

pub(super) const START: &str = "INSERT INTO first_start (id, started_at) VALUES (1, $1) \
    ON CONFLICT (id) DO NOTHING";

pub(super) const FIRST_START: &str = "SELECT started_at FROM first_start WHERE id = 1";

pub(super) const ENQUEUE: &str = "INSERT INTO mails \
    (id, template, recipient, content, request_id, traceparent, status, attempts, created_at, \
    due_at, recipient_key) \
    VALUES ($1, $2, $3, $4, $5, $6, 'QUEUED', 0, $7, $7, $8) ON CONFLICT (id) DO NOTHING";

pub(super) const COUNT_LATELY: &str = "SELECT count(*) FROM mails \
    WHERE recipient_key = $1 AND template = $2 AND created_at > $3";

pub(super) const DROP: &str = "DELETE FROM mails WHERE id = $1 AND claim = $2";

pub(super) const GIVE_UP: &str = "UPDATE mails \
    SET status = 'DEAD', claim = NULL, due_at = NULL, ended_at = $1, last_error = $2 \
    WHERE status = 'RUNNING' AND due_at <= $1 AND attempts >= $3";

/// Why a mail is given up whose last claim ran out.
pub(super) const RAN_OUT: &str = "The process that was sending it ended before it could tell.";

pub(super) const PROLONG: &str = "UPDATE mails SET due_at = $3 WHERE id = $1 AND claim = $2";

pub(super) const SETTLE: &str = "UPDATE mails \
    SET status = $3, last_error = $4, due_at = $5, ended_at = $6, claim = NULL \
    WHERE id = $1 AND claim = $2";

pub(super) const NEXT_DUE: &str = "SELECT min(due_at) FROM mails WHERE due_at IS NOT NULL";

pub(super) const RETRY: &str = concat!(
    "UPDATE mails SET status = 'QUEUED', attempts = 0, due_at = $2, ended_at = NULL \
     WHERE id = $1 AND status IN ('DEAD', 'FAILED') RETURNING ",
    job_columns!()
);

pub(super) const IS_THERE: &str = "SELECT count(*) FROM mails WHERE id = $1";

pub(super) const MAILS_TO: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM mails WHERE recipient_key = $1 ORDER BY created_at DESC, id DESC LIMIT 1000"
);

pub(super) const FORGET_ADDRESS: &str = "DELETE FROM mails WHERE recipient_key = $1";

pub(super) const COUNT_UNSENT: &str = "SELECT status, count(*) FROM mails \
    WHERE status IN ('QUEUED', 'RUNNING', 'FAILED', 'DEAD') GROUP BY status";

pub(super) const FORGET: &str = "DELETE FROM mails WHERE ended_at < $1";

/// The SQL of a list: its rows, and its count. A bookmark's key and id are
/// bound to the rows.
pub(super) struct ListSql {
    pub(super) rows: String,
    pub(super) count: String,
}

impl ListSql {
    pub(super) fn new(filter: &Filter, paging: &Paging) -> Self {
        let condition = match filter.status {
            Some(status) => format!("status = '{}'", status.as_str()),
            None => "TRUE".to_owned(),
        };
        let newest = Sort {
            column: (),
            is_descending: true,
        };
        let order = newest.sql("created_at", "id", paging, 1);
        let columns = job_columns!();
        Self {
            rows: format!("SELECT {columns} FROM mails WHERE {condition}{order}"),
            count: format!(
                "SELECT count(*) FROM (SELECT 1 FROM mails WHERE {condition} LIMIT {}) AS matching",
                COUNT_CAP + 1
            ),
        }
    }
}

/// A job as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct JobRow {
    id: Uuid,
    template: String,
    recipient: String,
    status: String,
    attempts: i32,
    last_error: Option<String>,
    created_at: Timestamp,
    due_at: Option<Timestamp>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        let status = Status::parse(&row.status).unwrap_or(Status::Dead);
        Self {
            id: row.id,
            template: row.template,
            to: row.recipient,
            status,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
            last_error: row.last_error,
            created_at: row.created_at,
            next_attempt_at: row.due_at.filter(|_| status != Status::Running),
        }
    }
}

/// What a claim brings.
#[derive(sqlx::FromRow)]
pub(super) struct ClaimRow {
    id: Uuid,
    claim: Uuid,
    content: String,
    recipient: String,
    request_id: String,
    traceparent: Option<String>,
    attempts: i32,
}

impl From<ClaimRow> for Claim {
    fn from(row: ClaimRow) -> Self {
        Self {
            id: row.id,
            token: row.claim,
            content: row.content,
            to: row.recipient,
            attempt: u32::try_from(row.attempts).unwrap_or(0),
            cause: Cause {
                request_id: row.request_id,
                traceparent: row.traceparent,
            },
        }
    }
}

/// What an outcome leaves in a row: the error, and when the next attempt is due
/// or when the mail came to its end.
pub(super) fn traces(
    outcome: &Outcome,
    now: Timestamp,
) -> (Option<&str>, Option<Timestamp>, Option<Timestamp>) {
    match outcome {
        Outcome::Sent => (None, None, Some(now)),
        Outcome::Failed { error, next } => (Some(error), Some(*next), None),
        Outcome::Dead { error } => (Some(error), None, Some(now)),
        Outcome::Dropped => (None, None, Some(now)),
    }
}
