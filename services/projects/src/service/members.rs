//! The RPCs about members, and those that other services call about people.

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    idempotency::{IdempotencyKey, respond},
    page::{Bookmark, Paging, Sort, SortKey},
    status::Error,
};
use portico_proto::projects::{self as proto, check_access_response, list_memberships_response};
use tonic::{Request, Response, Status as Failure};
use uuid::Uuid;

use super::{Service, check, project_id};
use crate::{
    convert, error,
    member::{Member, Person, Seat},
    people::joinable,
    policy,
    project::Reference,
    store::MemberColumn,
};

impl Service {
    pub(super) async fn list(
        &self,
        request: Request<proto::ListMembersRequest>,
    ) -> Result<Response<proto::ListMembersResponse>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let request = request.into_inner();
        let mut violations = check(&request);
        let eldest = Sort {
            column: MemberColumn::JoinedAt,
            is_descending: false,
        };
        let sort = Sort::parse(request.sort.as_deref(), eldest, MemberColumn::parse);
        let sort = violations.take("sort", sort).unwrap_or(eldest);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &(&request.project_id, sort),
        );
        paging.check_place(&mut violations, sort.column == MemberColumn::Name);
        violations.finish()?;
        let reference = Reference::Id(project_id(&request.project_id)?);
        let view = self.store.find(&reference, by).await?;
        policy::see_members(&view)?;
        let page = self.store.members(&view.project, sort, &paging).await?;
        let ids = page.items.iter().map(|member| member.user_id);
        let people = self.people.named(&call, ids).await?;
        let sees_emails = policy::sees_emails(view.role);
        let members = page.items.iter().map(|member| {
            let user = people.get(&member.user_id.to_string());
            convert::member(member, user, sees_emails)
        });
        Ok(Response::new(proto::ListMembersResponse {
            members: members.collect(),
            page_info: Some(convert::page_info(
                page.info(&paging, |member| bookmark(member, sort.column)),
            )),
        }))
    }

    pub(super) async fn create(
        &self,
        request: Request<proto::CreateMemberRequest>,
    ) -> Result<Response<proto::Member>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        check(&request).finish()?;
        let role = convert::role(request.role)
            .ok_or_else(|| Error::internal("an unknown role passed the validation"))?;
        let key = IdempotencyKey::of(&call, "CreateMember", &request)?;
        let id = project_id(&request.project_id)?;
        // The store refuses who may not add members before it says whether
        // there is such a person.
        let user = match parse_id(&request.user_id) {
            Some(user_id) => self.people.one(&call, user_id).await?,
            None => None,
        };
        let person = user.as_ref().and_then(joinable);
        let added = self
            .store
            .add_member(id, by, person.as_ref(), role, key.as_ref(), &origin)
            .await?;
        let member = convert::member(added.value(), user.as_ref(), true);
        Ok(respond(member, added.is_replayed()))
    }

    pub(super) async fn update(
        &self,
        request: Request<proto::UpdateMemberRequest>,
    ) -> Result<Response<proto::Member>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let mut violations = check(&request);
        let role = convert::role_change(&request, &mut violations);
        violations.finish()?;
        let at = seat(&request.project_id, &request.user_id)?;
        // Before the change, so that one that is made is also answered.
        let user = self.people.one(&call, at.user_id).await?;
        let member = self
            .store
            .update_member(at, by, role, &call.if_match, &origin)
            .await?;
        Ok(Response::new(convert::member(&member, user.as_ref(), true)))
    }

    pub(super) async fn delete(
        &self,
        request: Request<proto::DeleteMemberRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let at = seat(&request.project_id, &request.user_id)?;
        self.store
            .remove_member(at, by, &call.if_match, &origin)
            .await?;
        Ok(Response::new(()))
    }

    pub(super) async fn answer(
        &self,
        request: Request<proto::CheckAccessRequest>,
    ) -> Result<Response<proto::CheckAccessResponse>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        let pair = |check: &proto::check_access_request::Check| -> Option<(Uuid, Uuid)> {
            Some((parse_id(&check.project_id)?, parse_id(&check.user_id)?))
        };
        let pairs: Vec<_> = request.checks.iter().filter_map(pair).collect();
        let standings = self.store.standings(&pairs).await?;
        let results = request.checks.iter().map(|check| {
            let standing = pair(check).and_then(|pair| standings.get(&pair));
            let permission = convert::permission(check.permission);
            let allowed = standing.zip(permission);
            check_access_response::Result {
                allowed: allowed.is_some_and(|(standing, permission)| standing.allows(permission)),
                role: standing
                    .and_then(|standing| standing.role)
                    .map(|role| convert::role_number(role).into()),
            }
        });
        Ok(Response::new(proto::CheckAccessResponse {
            results: results.collect(),
        }))
    }

    pub(super) async fn memberships(
        &self,
        request: Request<proto::ListMembershipsRequest>,
    ) -> Result<Response<proto::ListMembershipsResponse>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        let memberships = match parse_id(&request.user_id) {
            Some(person) => self.store.memberships(person).await?,
            None => Vec::new(),
        };
        let memberships = memberships.into_iter().map(|(project_id, role)| {
            list_memberships_response::Membership {
                project_id: project_id.to_string(),
                role: convert::role_number(role).into(),
            }
        });
        Ok(Response::new(proto::ListMembershipsResponse {
            memberships: memberships.collect(),
        }))
    }

    pub(super) async fn release(
        &self,
        request: Request<proto::ReleaseUserRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        check(&request).finish()?;
        let person = parse_id(&request.user_id).ok_or_else(error::user_not_found)?;
        let heir = match &request.heir_id {
            Some(id) => Some(self.heir(&call, id, person).await?),
            None => None,
        };
        if request.validate_only {
            self.store.check_release(person, heir.as_ref()).await?;
        } else {
            let origin = call.origin(self.clock.now());
            self.store.release(person, heir.as_ref(), &origin).await?;
        }
        Ok(Response::new(()))
    }

    /// The heir of a person: another one, who is active.
    async fn heir(&self, call: &Call, id: &str, of: Uuid) -> Result<Person, Error> {
        let id = parse_id(id).filter(|id| *id != of);
        let id = id.ok_or_else(error::user_not_found)?;
        let user = self.people.one(call, id).await?;
        let heir = user.as_ref().and_then(joinable);
        heir.ok_or_else(error::user_not_found)
    }
}

fn seat(project: &str, user: &str) -> Result<Seat, Error> {
    let user_id = parse_id(user).ok_or_else(error::member_not_found);
    Ok(Seat::new(project_id(project)?, user_id?))
}

/// The place of a member in a list.
fn bookmark(member: &Member, column: MemberColumn) -> Bookmark {
    let key = match column {
        MemberColumn::Name => SortKey::Text(member.name_key.clone()),
        MemberColumn::JoinedAt => SortKey::Time(member.joined_at),
    };
    Bookmark {
        key,
        id: member.user_id,
    }
}
