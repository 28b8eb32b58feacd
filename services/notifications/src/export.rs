//! Puts together all that is kept of a person. It is done here because this is
//! the one service that calls all the others; it keeps none of it.

use std::sync::Arc;

use portico_chassis::{
    caller::Call,
    clock::{Clock, parse_id},
    email_address::EmailAddress,
    status::Error,
};
use portico_proto::{
    auth::ExportAccountRequest,
    notifications::MailJob,
    privacy::{ExportUserRequest, UserExport, privacy_service_server::PrivacyService},
    projects::ExportParticipationRequest,
    users::{ExportPersonRequest, User},
};
use tonic::{Request, Response, Status};

use crate::{convert, error, followed::Peers, store::Store};

/// Puts exports together.
pub(crate) struct Exports {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) peers: Peers,
    pub(crate) clock: Clock,
}

#[tonic::async_trait]
impl PrivacyService for Exports {
    async fn export_user(
        &self,
        request: Request<ExportUserRequest>,
    ) -> Result<Response<UserExport>, Status> {
        let call = Call::of(&request)?;
        let id = parse_id(&request.get_ref().id).ok_or_else(error::user_not_found)?;
        let caller = call.user()?;
        if !caller.is_admin && caller.id != id {
            return Err(error::user_not_found().into());
        }
        let id = id.to_string();
        let (mut users, mut accounts, mut projects) = (
            self.peers.users.clone(),
            self.peers.accounts.clone(),
            self.peers.projects.clone(),
        );
        // First, so that an id of nobody leaves no trace elsewhere.
        let asked = call.forward(ExportPersonRequest { id: id.clone() });
        let person = users.export_person(asked).await;
        let person = person.map_err(passed_on)?.into_inner();
        let user = person.user.unwrap_or_default();
        let asked = call.forward(ExportAccountRequest {
            user_id: id.clone(),
        });
        let account = accounts.export_account(asked).await.map_err(passed_on)?;
        let asked = call.forward(ExportParticipationRequest {
            user_id: id.clone(),
        });
        let participation = projects.export_participation(asked).await;
        let participation = participation.map_err(passed_on)?;
        Ok(Response::new(UserExport {
            exported_at: Some(self.clock.now().into()),
            mails: self.mails(&user).await?,
            user: Some(user),
            reserved_emails: person.reserved_emails,
            account: Some(account.into_inner()),
            participation: Some(participation.into_inner()),
        }))
    }
}

impl Exports {
    /// The mails to a person whose address is known to be its own.
    async fn mails(&self, user: &User) -> Result<Vec<MailJob>, Error> {
        if !user.email_verified {
            return Ok(Vec::new());
        }
        let address = EmailAddress::stored(user.email.clone());
        let jobs = self.store.mails_to(&address).await?;
        Ok(jobs.iter().map(convert::job).collect())
    }
}

/// What a peer refuses with, as an answer of this service.
fn passed_on(status: Status) -> Error {
    Error::from_status(&status)
}
