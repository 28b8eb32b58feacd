//! The RPCs about tickets.

use portico_chassis::{caller::Call, status::Error};
use portico_proto::auth as proto;

use super::rules_of;
use crate::{
    accounts::Accounts,
    convert, error,
    ticket::{Ticket, TicketHash},
};

impl Accounts {
    pub(super) async fn make_ticket(&self, call: &Call) -> Result<proto::EventsTicket, Error> {
        let (kept, ticket) = Ticket::issue(call.user()?, self.now());
        self.store().add_ticket(&kept).await?;
        Ok(proto::EventsTicket { ticket })
    }

    pub(super) async fn redeem_ticket(
        &self,
        request: &proto::RedeemEventsTicketRequest,
    ) -> Result<proto::RedeemEventsTicketResponse, Error> {
        rules_of(request).finish()?;
        let hash = TicketHash::of(&request.ticket);
        let holder = self.store().take_ticket(hash, self.now()).await?;
        holder
            .map(|holder| convert::ticket_holder(&holder))
            .ok_or_else(error::ticket_invalid)
    }
}
