//! What becomes of people who were deleted long ago.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error};
use uuid::Uuid;

/// Purges people, in two steps.
#[async_trait]
pub(crate) trait PurgeStore: Send + Sync {
    /// Tells that the people who were deleted up to a moment will be purged, at
    /// most 100 of them, each once; who they are. The event has no name and no
    /// address, and the person is still there.
    async fn announce_purges(&self, before: Timestamp, origin: &Origin)
    -> Result<Vec<Uuid>, Error>;

    /// Removes the people whose purge was told up to a moment, at most 100 of
    /// them; who they were. Their addresses, also those that were reserved for
    /// them, are free. What is left are events of ids without names and
    /// addresses.
    async fn purge(&self, before: Timestamp, origin: &Origin) -> Result<Vec<Uuid>, Error>;
}
