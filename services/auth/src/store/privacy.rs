//! What is kept of a person: all of it for the person to see, and to be
//! forgotten.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error};
use uuid::Uuid;

use crate::{link::EmailChange, session::Session};

/// Reads what is kept of a person and of no use but to the person.
#[async_trait]
pub(crate) trait PrivacyQueries: Send + Sync {
    /// When a person's password was set last.
    async fn password_set_at(&self, user_id: Uuid) -> Result<Option<Timestamp>, Error>;

    /// A person's sessions, oldest first. One that has expired is not there.
    async fn all_sessions(&self, user_id: Uuid, now: Timestamp) -> Result<Vec<Session>, Error>;

    /// The changes of a person's address that were asked for, oldest first.
    async fn email_changes(&self, user_id: Uuid) -> Result<Vec<EmailChange>, Error>;
}

/// Forgets people.
#[async_trait]
pub(crate) trait PrivacyStore: Send + Sync {
    /// Leaves the event that all that is kept of a person was given out.
    async fn note_export(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error>;

    /// Forgets all that is kept of a person. What is left are events of ids
    /// without addresses and programs. Forgetting again changes nothing.
    async fn forget(&self, user_id: Uuid) -> Result<(), Error>;
}
