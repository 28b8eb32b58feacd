//! Forgetting a person.

use async_trait::async_trait;
use portico_chassis::{email_address::EmailAddress, status::Error};
use uuid::Uuid;

use super::{Engine, Transaction as _};
use crate::store::PrivacyStore;

/// The statements about forgetting.
#[async_trait]
pub(in crate::store) trait PrivacyStatements: Send {
    /// Forgets the invitations that an account had in its list.
    async fn forget_invitations_of(&mut self, account: Uuid) -> Result<(), Error>;

    /// Forgets the invitations to an address.
    async fn forget_invitations_to(&mut self, address: &EmailAddress) -> Result<(), Error>;

    /// Forgets the addresses that a person acted from.
    async fn forget_addresses(&mut self, person: Uuid) -> Result<(), Error>;
}

#[async_trait]
impl<E: Engine> PrivacyStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn forget(&self, person: Uuid, address: Option<&EmailAddress>) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.forget_invitations_of(person).await?;
        if let Some(address) = address {
            transaction.forget_invitations_to(address).await?;
        }
        transaction.forget_addresses(person).await?;
        transaction.commit().await
    }
}
