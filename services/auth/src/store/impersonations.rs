//! Keeps who acts as whom, so that it can be ended.

use async_trait::async_trait;
use portico_chassis::{outbox::Origin, status::Error};
use uuid::Uuid;

use crate::impersonation::Impersonation;

/// Keeps the impersonations. What ends a session or revokes a person's tokens
/// ends those that depend on it, too.
#[async_trait]
pub(crate) trait ImpersonationStore: Send + Sync {
    /// Notes that an ADMIN acts as somebody else, and why. Whether it was noted:
    /// not if the ADMIN's session has ended.
    async fn begin_impersonation(
        &self,
        impersonation: &Impersonation,
        reason: &str,
        origin: &Origin,
    ) -> Result<bool, Error>;

    /// Ends one and revokes its token. Ending it again changes nothing.
    async fn end_impersonation(&self, id: Uuid, origin: &Origin) -> Result<(), Error>;

    /// Ends all sessions of a person for an ADMIN, who finds it noted also if
    /// there was none.
    async fn end_all_for(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error>;
}
