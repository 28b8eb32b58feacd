//! The RPCs by which ADMINs act in the place of other people.

use portico_chassis::{
    caller::{Call, forbidden},
    clock::{new_id, parse_id},
    outbox::Origin,
    status::Error,
};
use portico_proto::{
    auth::{self as proto, support_service_server::SupportService},
    users::{
        User,
        user::{Role, Status},
    },
};
use tonic::{Request, Response, Status as Failure};
use uuid::Uuid;

use super::rules_of;
use crate::{
    accounts::Accounts,
    api_key, convert, error,
    impersonation::{Impersonation, LIFETIME},
    policy,
    tokens::{Standing, Subject},
};

#[tonic::async_trait]
impl SupportService for Accounts {
    async fn impersonate(
        &self,
        request: Request<proto::ImpersonateRequest>,
    ) -> Result<Response<proto::ImpersonateResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let reason = violations.take("reason", api_key::parse_line(&request.reason));
        violations.finish()?;
        let reason = reason.ok_or_else(|| Error::internal("a refused value left no violation"))?;
        let user_id = parse_id(&request.id).ok_or_else(error::user_not_found)?;
        let admin = call.user()?;
        policy::impersonate(admin, user_id)?;
        self.be_fresh(&call).await?;
        self.check_sides(&call, admin.id, user_id).await?;
        let now = self.now();
        let impersonation = Impersonation {
            id: new_id(now),
            user_id,
            admin_id: admin.id,
            admin_session_id: admin.session_id,
            expires_at: now + LIFETIME,
        };
        let origin = call.origin(now);
        let has_begun = self
            .store()
            .begin_impersonation(&impersonation, &reason, &origin)
            .await?;
        if !has_begun {
            return Err(error::session_ended().into());
        }
        // A role may have changed before there was something to end.
        let person = match self.check_sides(&call, admin.id, user_id).await {
            Ok(person) => person,
            Err(refused) => {
                self.end_impersonation(impersonation.id, &origin).await?;
                return Err(refused.into());
            }
        };
        let subject = Subject {
            user_id,
            session_id: impersonation.id,
            role: convert::role(&person),
            email: &person.email,
        };
        let standing = Standing::Impersonation(&impersonation);
        let (token, expires_at) = self.0.tokens.issue_on(&subject, &standing, now)?;
        Ok(Response::new(proto::ImpersonateResponse {
            token,
            expires_at: Some(expires_at.into()),
        }))
    }

    async fn end_user_sessions(
        &self,
        request: Request<proto::EndUserSessionsRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user_id = parse_id(&request.get_ref().id).ok_or_else(error::user_not_found)?;
        let person = self.0.peers.person(&call, user_id).await?;
        let is_there = |person: &User| person.status() != Status::Deleted;
        person.filter(is_there).ok_or_else(error::user_not_found)?;
        let origin = call.origin(self.now());
        self.store().end_all_for(user_id, &origin).await?;
        self.0.tokens.0.feed.wake();
        Ok(Response::new(()))
    }
}

impl Accounts {
    /// The person who is to be impersonated, if it still can be and the ADMIN
    /// still is one.
    async fn check_sides(&self, call: &Call, admin_id: Uuid, user_id: Uuid) -> Result<User, Error> {
        let is_active = |user: &User| user.status() == Status::Active;
        let admin = self.0.peers.person(call, admin_id).await?;
        let is_admin = |user: &User| is_active(user) && user.role() == Role::Admin;
        admin.filter(is_admin).ok_or_else(forbidden)?;
        let person = self.0.peers.person(call, user_id).await?;
        let is_there = |person: &User| person.status() != Status::Deleted;
        let person = person.filter(is_there).ok_or_else(error::user_not_found)?;
        if person.role() == Role::Admin || !is_active(&person) {
            return Err(forbidden());
        }
        Ok(person)
    }

    /// Ends an impersonation.
    pub(super) async fn end_impersonation(&self, id: Uuid, origin: &Origin) -> Result<(), Error> {
        self.store().end_impersonation(id, origin).await?;
        self.0.tokens.0.feed.wake();
        Ok(())
    }
}
