//! The RPCs: convert, authorise, one call to the store.

mod invitations;
mod members;

use std::sync::Arc;

use portico_chassis::{
    caller::{Call, unauthenticated},
    clock::{Clock, fill_random, new_id, parse_id},
    idempotency::{IdempotencyKey, respond},
    outbox::{EventStream, Outbox},
    page::{Bookmark, Paging, Search, Sort, SortKey},
    status::{Error, Violations},
};
use portico_proto::{
    Validate,
    events::{ReadAuditEntriesRequest, ReadAuditEntriesResponse, WatchEventsRequest},
    projects::{self as proto, projects_service_server::ProjectsService},
};
use tonic::{Request, Response, Status as Failure};
use uuid::Uuid;

use crate::{
    convert, error,
    events::Events,
    people::{self, People, joinable},
    project::{Name, Project, Reference, Slug, View, Visibility},
    store::{Column, Filter, Shown, Store},
};

/// How many slugs are tried for a project that names none: the plain one, and
/// others with a suffix.
const SLUG_TRIES: usize = 5;

pub(crate) struct Service {
    store: Arc<dyn Store>,
    people: Arc<People>,
    events: Arc<Events>,
    outbox: Outbox,
    clock: Clock,
}

impl Service {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        people: Arc<People>,
        outbox: Outbox,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            events: Arc::new(Events::new(people.clone())),
            people,
            outbox,
            clock,
        }
    }
}

/// The violations of the contract's own rules.
fn check(request: &impl Validate) -> Violations {
    Violations::collect(|report| request.validate(report))
}

fn project_id(text: &str) -> Result<Uuid, Error> {
    parse_id(text).ok_or_else(error::project_not_found)
}

#[tonic::async_trait]
impl ProjectsService for Service {
    async fn list_projects(
        &self,
        request: Request<proto::ListProjectsRequest>,
    ) -> Result<Response<proto::ListProjectsResponse>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let request = request.into_inner();
        let mut violations = check(&request);
        let filter = Filter {
            shown: match request.visibility.and_then(convert::visibility) {
                None => Shown::Mine,
                Some(Visibility::Private) => Shown::MinePrivate,
                Some(Visibility::Public) => Shown::Public,
            },
            search: request.q.as_deref().and_then(Search::new),
            role: request.role.and_then(convert::role),
            archived: match request.archived.as_deref() {
                Some("any") => None,
                Some("true") => Some(true),
                _ => Some(false),
            },
        };
        let newest = Sort {
            column: Column::CreatedAt,
            is_descending: true,
        };
        let sort = Sort::parse(request.sort.as_deref(), newest, Column::parse);
        let sort = violations.take("sort", sort).unwrap_or(newest);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &(&filter, sort),
        );
        paging.check_place(&mut violations, sort.column == Column::Name);
        violations.finish()?;
        let page = self.store.list(by, &filter, sort, &paging).await?;
        let info = page.info(&paging, |view| bookmark(&view.project, sort.column));
        Ok(Response::new(proto::ListProjectsResponse {
            projects: page.items.iter().map(convert::project).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn create_project(
        &self,
        request: Request<proto::CreateProjectRequest>,
    ) -> Result<Response<proto::Project>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let mut violations = check(&request);
        let name = violations.take("name", Name::parse(&request.name));
        let description = convert::description(request.description.as_deref());
        let description = violations.take("description", description);
        let slug = request.slug.as_deref().map(Slug::parse).transpose();
        let slug = violations.take("slug", slug);
        violations.finish()?;
        let (Some(name), Some(description), Some(slug)) = (name, description, slug) else {
            return Err(Error::internal("a refused value left no violation").into());
        };
        let key = IdempotencyKey::of(&call, "CreateProject", &request)?;
        let user = self.people.one(&call, by).await?;
        let owner = user.as_ref().and_then(joinable);
        let owner = owner.ok_or_else(unauthenticated)?;
        let slugs = match slug {
            Some(slug) => vec![slug],
            None => slugs(&Slug::from_name(&name)),
        };
        let project = Project {
            id: new_id(origin.at),
            slug: slugs[0].clone(),
            name,
            description,
            visibility: request
                .visibility
                .and_then(convert::visibility)
                .unwrap_or(Visibility::Private),
            archived_at: None,
            member_count: 1,
            version: 1,
            created_at: origin.at,
            updated_at: origin.at,
        };
        let created = self
            .store
            .create(&project, &slugs, &owner, key.as_ref(), &origin)
            .await?;
        let project = convert::project(created.value());
        Ok(respond(project, created.is_replayed()))
    }

    async fn get_project(
        &self,
        request: Request<proto::GetProjectRequest>,
    ) -> Result<Response<proto::Project>, Failure> {
        let call = Call::of(&request)?;
        let named = &request.get_ref().id;
        let reference = match parse_id(named) {
            Some(id) => Reference::Id(id),
            None => Reference::Slug(Slug::parse(named).map_err(|_| error::project_not_found())?),
        };
        let view = self.store.find(&reference, call.user()?.id).await?;
        Ok(Response::new(convert::project(&view)))
    }

    async fn update_project(
        &self,
        request: Request<proto::UpdateProjectRequest>,
    ) -> Result<Response<proto::Project>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let mut violations = check(&request);
        let change = convert::change(&request, &mut violations);
        violations.finish()?;
        let id = project_id(&request.id)?;
        let view = self
            .store
            .update(id, by, &change, &call.if_match, &origin)
            .await?;
        Ok(Response::new(convert::project(&view)))
    }

    async fn delete_project(
        &self,
        request: Request<proto::DeleteProjectRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let id = project_id(&request.get_ref().id)?;
        self.store.delete(id, by, &call.if_match, &origin).await?;
        Ok(Response::new(()))
    }

    async fn archive_project(
        &self,
        request: Request<proto::ArchiveProjectRequest>,
    ) -> Result<Response<proto::Project>, Failure> {
        let call = Call::of(&request)?;
        let view = self.archive(&call, &request.get_ref().id, true).await?;
        Ok(Response::new(convert::project(&view)))
    }

    async fn unarchive_project(
        &self,
        request: Request<proto::UnarchiveProjectRequest>,
    ) -> Result<Response<proto::Project>, Failure> {
        let call = Call::of(&request)?;
        let view = self.archive(&call, &request.get_ref().id, false).await?;
        Ok(Response::new(convert::project(&view)))
    }

    async fn transfer_project(
        &self,
        request: Request<proto::TransferProjectRequest>,
    ) -> Result<Response<proto::Project>, Failure> {
        let call = Call::of(&request)?;
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        check(&request).finish()?;
        let id = project_id(&request.id)?;
        let to = parse_id(&request.user_id).ok_or_else(error::member_not_found)?;
        let view = self
            .store
            .transfer(id, by, to, &call.if_match, &origin)
            .await?;
        Ok(Response::new(convert::project(&view)))
    }

    async fn list_members(
        &self,
        request: Request<proto::ListMembersRequest>,
    ) -> Result<Response<proto::ListMembersResponse>, Failure> {
        self.list(request).await
    }

    async fn create_member(
        &self,
        request: Request<proto::CreateMemberRequest>,
    ) -> Result<Response<proto::Member>, Failure> {
        self.create(request).await
    }

    async fn update_member(
        &self,
        request: Request<proto::UpdateMemberRequest>,
    ) -> Result<Response<proto::Member>, Failure> {
        self.update(request).await
    }

    async fn delete_member(
        &self,
        request: Request<proto::DeleteMemberRequest>,
    ) -> Result<Response<()>, Failure> {
        self.delete(request).await
    }

    async fn export_participation(
        &self,
        request: Request<proto::ExportParticipationRequest>,
    ) -> Result<Response<proto::ParticipationData>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        check(request).finish()?;
        // Nobody has an id of another form, and so nothing is kept.
        let Some(id) = parse_id(&request.user_id) else {
            return Ok(Response::new(proto::ParticipationData::default()));
        };
        let user = self.people.one(&call, id).await?;
        let address = user.as_ref().and_then(people::own_address);
        let kept = self.store.participation(id, address.as_ref()).await?;
        let data = convert::participation(&kept, self.clock.now());
        Ok(Response::new(data))
    }

    async fn create_invitation(
        &self,
        request: Request<proto::CreateInvitationRequest>,
    ) -> Result<Response<proto::Invitation>, Failure> {
        self.invite(request).await
    }

    async fn list_invitations(
        &self,
        request: Request<proto::ListInvitationsRequest>,
    ) -> Result<Response<proto::ListInvitationsResponse>, Failure> {
        self.invitations(request).await
    }

    async fn delete_invitation(
        &self,
        request: Request<proto::DeleteInvitationRequest>,
    ) -> Result<Response<()>, Failure> {
        self.revoke(request).await
    }

    async fn resend_invitation(
        &self,
        request: Request<proto::ResendInvitationRequest>,
    ) -> Result<Response<proto::Invitation>, Failure> {
        self.resend(request).await
    }

    async fn list_my_invitations(
        &self,
        request: Request<proto::ListMyInvitationsRequest>,
    ) -> Result<Response<proto::ListMyInvitationsResponse>, Failure> {
        self.my_invitations(request).await
    }

    async fn accept_invitation(
        &self,
        request: Request<proto::AcceptInvitationRequest>,
    ) -> Result<Response<proto::Member>, Failure> {
        self.accept(request).await
    }

    async fn decline_invitation(
        &self,
        request: Request<proto::DeclineInvitationRequest>,
    ) -> Result<Response<proto::Invitation>, Failure> {
        self.decline(request).await
    }

    async fn check_access(
        &self,
        request: Request<proto::CheckAccessRequest>,
    ) -> Result<Response<proto::CheckAccessResponse>, Failure> {
        self.answer(request).await
    }

    async fn list_memberships(
        &self,
        request: Request<proto::ListMembershipsRequest>,
    ) -> Result<Response<proto::ListMembershipsResponse>, Failure> {
        self.memberships(request).await
    }

    async fn release_user(
        &self,
        request: Request<proto::ReleaseUserRequest>,
    ) -> Result<Response<()>, Failure> {
        self.release(request).await
    }

    type WatchEventsStream = EventStream;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<EventStream>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        let stream = self.outbox.watch(request, self.events.clone()).await?;
        Ok(Response::new(stream))
    }

    async fn read_audit_entries(
        &self,
        request: Request<ReadAuditEntriesRequest>,
    ) -> Result<Response<ReadAuditEntriesResponse>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        Ok(Response::new(self.outbox.audit(&request).await?))
    }
}

impl Service {
    async fn archive(&self, call: &Call, id: &str, is_archived: bool) -> Result<View, Error> {
        let by = call.user()?.id;
        let origin = call.origin(self.clock.now());
        let id = project_id(id)?;
        self.store
            .archive(id, by, is_archived, &call.if_match, &origin)
            .await
    }
}

/// The slugs to try: the plain one, and others with a random suffix.
fn slugs(plain: &Slug) -> Vec<Slug> {
    let suffixed = std::iter::repeat_with(|| {
        let mut random = [0; 3];
        fill_random(&mut random);
        plain.with_suffix(random)
    });
    std::iter::once(plain.clone())
        .chain(suffixed)
        .take(SLUG_TRIES)
        .collect()
}

/// The place of a project in a list.
fn bookmark(project: &Project, column: Column) -> Bookmark {
    let key = match column {
        Column::Name => SortKey::Text(project.name.sort_key()),
        Column::CreatedAt => SortKey::Time(project.created_at),
        Column::UpdatedAt => SortKey::Time(project.updated_at),
    };
    Bookmark {
        key,
        id: project.id,
    }
}
