//! Tickets. They open something once and change nothing, so they leave no
//! events.

use async_trait::async_trait;
use portico_chassis::{caller::User, clock::Timestamp, status::Error};

use super::{Engine, Transaction as _};
use crate::{
    store::TicketStore,
    ticket::{Ticket, TicketHash},
};

#[async_trait]
impl<E: Engine> TicketStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_ticket(&self, ticket: &Ticket) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.insert_ticket(ticket).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn take_ticket(&self, hash: TicketHash, now: Timestamp) -> Result<Option<User>, Error> {
        let mut transaction = self.begin().await?;
        let holder = transaction.delete_ticket(hash, now).await?;
        transaction.commit().await?;
        Ok(holder)
    }
}
