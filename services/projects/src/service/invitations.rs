//! The RPCs about invitations: of those who invite, then of those invited.

use portico_chassis::{
    caller::{Call, unauthenticated},
    clock::{Timestamp, parse_id},
    email_address::EmailAddress,
    idempotency::{IdempotencyKey, respond},
    page::{Bookmark, Page, Paging, Sort, SortKey, Total},
    status::{Error, Violations},
};
use portico_proto::{projects as proto, users::User};
use tonic::{Request, Response, Status as Failure};
use uuid::Uuid;

use super::{Service, check, project_id};
use crate::{
    convert, error,
    invitation::{Invitation, Offer, Status},
    member::Person,
    people::joinable,
    policy,
    project::Reference,
    store::{InvitationFilter, Whose},
};

impl Service {
    pub(super) async fn invite(
        &self,
        request: Request<proto::CreateInvitationRequest>,
    ) -> Result<Response<proto::Invitation>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let mut violations = check(&request);
        let email = violations.take("email", EmailAddress::parse(&request.email));
        violations.finish()?;
        let (Some(email), Some(role)) = (email, convert::role(request.role)) else {
            return Err(Error::internal("a refused value left no violation").into());
        };
        let key = IdempotencyKey::of(&call, "CreateInvitation", &request)?;
        let id = project_id(&request.project_id)?;
        // The store refuses who may not invite before it says whose address it
        // is.
        let (addressee, inviter) = tokio::try_join!(
            self.people.with_address(&call, &email),
            self.people.one(&call, by),
        )?;
        let offer = Offer {
            email,
            role,
            addressee,
        };
        let made = self
            .store
            .invite(id, by, &offer, key.as_ref(), &origin)
            .await?;
        let invitation = convert::invitation(made.value(), inviter.as_ref(), origin.at);
        Ok(respond(invitation, made.is_replayed()))
    }

    pub(super) async fn invitations(
        &self,
        request: Request<proto::ListInvitationsRequest>,
    ) -> Result<Response<proto::ListInvitationsResponse>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let now = self.clock.now();
        let request = request.into_inner();
        let mut violations = check(&request);
        let sort = sort(&mut violations, request.sort.as_deref());
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &(&request.project_id, request.status, sort),
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let project_id = self.managed(&request.project_id, by).await?;
        let filter = InvitationFilter {
            whose: Whose::Project(project_id),
            status: request.status.and_then(convert::invitation_status),
            now,
        };
        let page = self.store.invitations(&filter, sort, &paging).await?;
        Ok(Response::new(proto::ListInvitationsResponse {
            invitations: self.shown(&call, &page.items, now).await?,
            page_info: Some(convert::page_info(page.info(&paging, bookmark))),
        }))
    }

    pub(super) async fn revoke(
        &self,
        request: Request<proto::DeleteInvitationRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let known = self.known(&request.project_id, &request.id, by).await?;
        let addressee = self.people.with_address(&call, &known.email).await?;
        self.store
            .revoke(known.project_id, known.id, by, addressee.as_ref(), &origin)
            .await?;
        Ok(Response::new(()))
    }

    pub(super) async fn resend(
        &self,
        request: Request<proto::ResendInvitationRequest>,
    ) -> Result<Response<proto::Invitation>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let known = self.known(&request.project_id, &request.id, by).await?;
        // Before the change, so that one that is made is also answered.
        let (addressee, inviter) = tokio::try_join!(
            self.people.with_address(&call, &known.email),
            self.people.one(&call, known.invited_by),
        )?;
        let renewed = self
            .store
            .resend(known.project_id, known.id, by, addressee.as_ref(), &origin)
            .await?;
        let invitation = convert::invitation(&renewed, inviter.as_ref(), origin.at);
        Ok(Response::new(invitation))
    }

    pub(super) async fn my_invitations(
        &self,
        request: Request<proto::ListMyInvitationsRequest>,
    ) -> Result<Response<proto::ListMyInvitationsResponse>, Failure> {
        let call = Call::of(&request)?;
        let now = self.clock.now();
        let request = request.into_inner();
        let mut violations = check(&request);
        let sort = sort(&mut violations, request.sort.as_deref());
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &("mine", call.user()?.id, sort),
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let (_, me) = self.caller(&call).await?;
        let page = if me.is_email_verified {
            let filter = InvitationFilter {
                whose: Whose::Address(&me.email),
                status: Some(Status::Pending),
                now,
            };
            self.store.invitations(&filter, sort, &paging).await?
        } else {
            Page::of(Vec::new(), Total::counted(0, true), &paging)
        };
        Ok(Response::new(proto::ListMyInvitationsResponse {
            invitations: self.shown(&call, &page.items, now).await?,
            page_info: Some(convert::page_info(page.info(&paging, bookmark))),
        }))
    }

    pub(super) async fn accept(
        &self,
        request: Request<proto::AcceptInvitationRequest>,
    ) -> Result<Response<proto::Member>, Failure> {
        let call = Call::of(&request)?;
        let origin = call.origin(self.clock.now());
        let id = invitation_id(&request.get_ref().id)?;
        let (user, me) = self.caller(&call).await?;
        let member = self.store.accept(id, &me, &origin).await?;
        Ok(Response::new(convert::member(&member, Some(&user), true)))
    }

    pub(super) async fn decline(
        &self,
        request: Request<proto::DeclineInvitationRequest>,
    ) -> Result<Response<proto::Invitation>, Failure> {
        let call = Call::of(&request)?;
        let origin = call.origin(self.clock.now());
        let id = invitation_id(&request.get_ref().id)?;
        let (_, me) = self.caller(&call).await?;
        let declined = self.store.decline(id, &me, &origin).await?;
        // One that is made and not answered can be repeated.
        let inviter = self.people.one(&call, declined.invited_by).await?;
        let invitation = convert::invitation(&declined, inviter.as_ref(), origin.at);
        Ok(Response::new(invitation))
    }

    /// The person who calls: what the token says of its address may be out of
    /// date.
    async fn caller(&self, call: &Call) -> Result<(User, Person), Error> {
        let user = self.people.one(call, call.user()?.id).await?;
        let caller = user.and_then(|user| {
            let person = joinable(&user)?;
            Some((user, person))
        });
        caller.ok_or_else(unauthenticated)
    }

    /// The id of a project that a person manages.
    async fn managed(&self, project: &str, by: Uuid) -> Result<Uuid, Error> {
        let reference = Reference::Id(project_id(project)?);
        let view = self.store.find(&reference, by).await?;
        policy::manage(&view)?;
        Ok(view.project.id)
    }

    /// An invitation into a project that a person manages.
    async fn known(&self, project: &str, id: &str, by: Uuid) -> Result<Invitation, Error> {
        let project_id = self.managed(project, by).await?;
        let invitation = self.store.invitation(invitation_id(id)?).await?;
        invitation
            .filter(|invitation| invitation.project_id == project_id)
            .ok_or_else(error::invitation_not_found)
    }

    /// Invitations with the names of those who invited.
    async fn shown(
        &self,
        call: &Call,
        invitations: &[Invitation],
        now: Timestamp,
    ) -> Result<Vec<proto::Invitation>, Error> {
        let inviters = invitations.iter().map(|invitation| invitation.invited_by);
        let people = self.people.named(call, inviters).await?;
        let shown = invitations.iter().map(|invitation| {
            let inviter = people.get(&invitation.invited_by.to_string());
            convert::invitation(invitation, inviter, now)
        });
        Ok(shown.collect())
    }
}

fn invitation_id(text: &str) -> Result<Uuid, Error> {
    parse_id(text).ok_or_else(error::invitation_not_found)
}

/// The order that a request asks for; else the newest come first.
fn sort(violations: &mut Violations, text: Option<&str>) -> Sort<()> {
    let newest = Sort {
        column: (),
        is_descending: true,
    };
    let sort = Sort::parse(text, newest, |name| (name == "createdAt").then_some(()));
    violations.take("sort", sort).unwrap_or(newest)
}

/// The place of an invitation in a list.
fn bookmark(invitation: &Invitation) -> Bookmark {
    Bookmark {
        key: SortKey::Time(invitation.created_at),
        id: invitation.id,
    }
}
