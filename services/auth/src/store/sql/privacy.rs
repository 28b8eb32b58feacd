//! The SQL about what is kept of a person.

use super::select_sessions;

pub(in crate::store) const PASSWORD_SET_AT: &str =
    "SELECT changed_at FROM credentials WHERE user_id = $1";

pub(in crate::store) const ALL_SESSIONS: &str =
    select_sessions!("WHERE user_id = $1 AND expires_at > $2 ORDER BY id");

/// Every table that has something of a person. Revocations have ids alone and
/// are gone within minutes; what counts attempts has keyed hashes alone.
pub(in crate::store) const FORGET_ROWS: [&str; 17] = [
    "DELETE FROM credentials WHERE user_id = $1",
    "DELETE FROM registrations WHERE user_id = $1",
    "DELETE FROM sessions WHERE user_id = $1",
    "DELETE FROM tickets WHERE user_id = $1",
    "DELETE FROM deletions WHERE user_id = $1",
    "DELETE FROM link_requests WHERE user_id = $1",
    "DELETE FROM links WHERE user_id = $1",
    "DELETE FROM email_changes WHERE user_id = $1",
    "DELETE FROM email_undos WHERE user_id = $1",
    "DELETE FROM second_factors WHERE user_id = $1",
    "DELETE FROM passkeys WHERE user_id = $1",
    "DELETE FROM challenges WHERE user_id = $1",
    "DELETE FROM devices WHERE user_id = $1",
    "DELETE FROM api_keys WHERE owner_id = $1",
    "DELETE FROM key_holders WHERE user_id = $1",
    "DELETE FROM people WHERE user_id = $1",
    "DELETE FROM impersonations WHERE user_id = $1 OR admin_id = $1",
];

/// What the events of a person's sessions and passkeys tell: from where, with
/// which program, by which name.
pub(in crate::store) const FORGET_EVENTS: &str = "UPDATE outbox SET payload = $2 \
    WHERE actor = $1 AND payload <> '' AND kind IN ('session.created', 'passkey.added', \
    'passkey.renamed', 'passkey.removed')";
