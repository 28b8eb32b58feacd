//! What is kept of a person: all of it for the person to see, and to be
//! forgotten.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, email_address::EmailAddress, status::Error};
use uuid::Uuid;

use crate::{invitation::Invitation, member::Role, project::Name};

/// What a person has to do with projects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Participation {
    pub(crate) memberships: Vec<Membership>,
    /// The invitations to it, oldest first.
    pub(crate) received: Vec<Invitation>,
    /// The invitations by it, oldest first.
    pub(crate) sent: Vec<Invitation>,
}

/// A project in which a person is a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) project_id: Uuid,
    pub(crate) project_name: Name,
    pub(crate) role: Role,
    pub(crate) joined_at: Timestamp,
}

/// Reads all that is kept of a person.
#[async_trait]
pub(crate) trait PrivacyQueries: Send + Sync {
    /// What a person has to do with projects, the oldest 10,000 of each kind.
    /// Invitations to an address count where it is given: it is known to be the
    /// person's own.
    async fn participation(
        &self,
        person: Uuid,
        address: Option<&EmailAddress>,
    ) -> Result<Participation, Error>;
}

/// Forgets people.
#[async_trait]
pub(crate) trait PrivacyStore: Send + Sync {
    /// Forgets the invitations to a person, answered or not, those to an
    /// address where it is given, and the addresses that the person acted from.
    /// Invitations by the person stay, with its id. Forgetting again changes
    /// nothing.
    async fn forget(&self, person: Uuid, address: Option<&EmailAddress>) -> Result<(), Error>;
}
