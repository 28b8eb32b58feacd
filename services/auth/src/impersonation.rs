//! An ADMIN who acts as somebody else. No I/O, no protobuf, no SQL.

use std::time::Duration;

use portico_chassis::clock::Timestamp;
use uuid::Uuid;

/// The longest that it lasts.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

/// Who acts as whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Impersonation {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) admin_id: Uuid,
    /// The ADMIN's own session, with which it ends.
    pub(crate) admin_session_id: Uuid,
    pub(crate) expires_at: Timestamp,
}

/// Which of them end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// This one.
    Itself(Uuid),
    /// Those of an ADMIN's session.
    Session(Uuid),
    /// Those of a person, on either side.
    Person(Uuid),
}
