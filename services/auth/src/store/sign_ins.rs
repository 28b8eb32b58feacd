//! Reads who signed in from where, out of the record of who did what.

use async_trait::async_trait;
use portico_chassis::{
    outbox::Origin,
    page::{Page, Paging},
    status::Error,
};
use uuid::Uuid;

use crate::history::{Failure, SignIn, Tried};

/// Keeps and reads what is told of sign-ins.
#[async_trait]
pub(crate) trait SignInStore: Send + Sync {
    /// Leaves what the record tells of a sign-in that was refused, where attempts
    /// are not counted or somebody proved to be the person.
    async fn sign_in_refused(
        &self,
        tried: Tried,
        failure: &Failure,
        origin: &Origin,
    ) -> Result<(), Error>;
}

/// Reads the sign-ins.
#[async_trait]
pub(crate) trait SignInQueries: Send + Sync {
    /// A page of a person's sign-ins and of those who failed to sign in as that
    /// person, newest first. A walk by cursor meets each exactly once.
    async fn sign_ins(&self, user_id: Uuid, paging: &Paging) -> Result<Page<SignIn>, Error>;
}
