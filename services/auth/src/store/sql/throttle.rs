//! The SQL of throttles.

use portico_chassis::clock::Timestamp;

use crate::throttle::Tally;

/// Also takes the row, so that of attempts at once one follows the other.
pub(in crate::store) const LOCK_TALLY: &str = "INSERT INTO throttles \
    (id, account, failures, blocked_until, expires_at) VALUES ($1, $2, 0, $3, $4) \
    ON CONFLICT (id) DO UPDATE SET failures = throttles.failures \
    RETURNING failures, blocked_until, expires_at";

pub(in crate::store) const WRITE_TALLY: &str = "UPDATE throttles \
    SET failures = $2, blocked_until = $3, expires_at = $4 WHERE id = $1";

pub(in crate::store) const FORGET_TALLY: &str = "DELETE FROM throttles WHERE id = $1";

pub(in crate::store) const FORGET_TALLIES: &str = "DELETE FROM throttles WHERE account = $1";

pub(in crate::store) const IS_FAMILIAR: &str =
    "SELECT EXISTS (SELECT 1 FROM familiar_places WHERE id = $1 AND expires_at > $2)";

/// Not written anew each time: it need not be known to the second.
pub(in crate::store) const BECOME_FAMILIAR: &str = "INSERT INTO familiar_places (id, expires_at) \
    VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at \
    WHERE familiar_places.expires_at < $3";

/// A tally as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct TallyRow {
    failures: i64,
    blocked_until: Timestamp,
    expires_at: Timestamp,
}

impl From<TallyRow> for Tally {
    fn from(row: TallyRow) -> Self {
        Self {
            failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
            blocked_until: row.blocked_until,
            expires_at: row.expires_at,
        }
    }
}
