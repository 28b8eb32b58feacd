//! The SQL of the history of sign-ins.
//!
//! A session is opened by its person, and an attempt that failed is something
//! that happened to the person: two indexes lead to them, each in the order of
//! the list. As an expression, the kind cannot tempt SQLite to a third one.

use portico_chassis::{clock::Timestamp, page::COUNT_CAP};
use serde::Deserialize;
use uuid::Uuid;

use crate::history::{Method, SignIn};

const SUCCEEDED: &str = "FROM outbox WHERE actor = $1 AND kind || '' = 'session.created'";
const FAILED: &str = "FROM outbox WHERE subject = $2 AND kind || '' = 'sign_in.failed'";

/// The entries of a page: of each kind as many as may be needed, then the newest
/// of both.
pub(in crate::store) fn page(has_cursor: bool, limit: i64, offset: i64) -> String {
    let after = if has_cursor { " AND id < $3" } else { "" };
    let newest = |from: &str| {
        format!(
            "SELECT * FROM (SELECT id, kind, payload, details, client_ip, created_at \
             {from}{after} ORDER BY id DESC LIMIT {}) AS newest",
            limit.saturating_add(offset)
        )
    };
    format!(
        "SELECT * FROM ({} UNION ALL {}) AS both_kinds ORDER BY id DESC LIMIT {limit} OFFSET {offset}",
        newest(SUCCEEDED),
        newest(FAILED)
    )
}

/// How many there are; counting stops beyond the cap.
pub(in crate::store) fn count() -> String {
    let most = COUNT_CAP + 1;
    let counted = |from: &str| {
        format!("(SELECT count(*) FROM (SELECT 1 {from} ORDER BY id DESC LIMIT {most}) AS counted)")
    };
    format!("SELECT {} + {}", counted(SUCCEEDED), counted(FAILED))
}

/// An entry as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct SignInRow {
    id: Uuid,
    kind: String,
    payload: String,
    details: Option<String>,
    client_ip: Option<String>,
    created_at: Timestamp,
}

/// The words of the record.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    method: Option<String>,
    reason: Option<String>,
}

/// What is kept for a while.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    user_agent: Option<String>,
}

impl From<SignInRow> for SignIn {
    fn from(row: SignInRow) -> Self {
        let words = row.details.as_deref().unwrap_or("{}");
        let words: Words = serde_json::from_str(words).unwrap_or_default();
        let told: Told = serde_json::from_str(&row.payload).unwrap_or_default();
        Self {
            id: row.id,
            at: row.created_at,
            reason: words.reason.filter(|_| row.kind == "sign_in.failed"),
            method: words
                .method
                .unwrap_or_else(|| Method::Password.as_str().to_owned()),
            ip: row.client_ip,
            user_agent: told.user_agent,
        }
    }
}
