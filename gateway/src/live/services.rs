//! What live changes ask of the services.

use std::{collections::HashMap, net::IpAddr};

use anyhow::Context as _;
use http::uri::PathAndQuery;
use portico_chassis::{
    caller::{Grant, User, insert, metadata, new_request_id},
    clock::parse_id,
    status::Error,
    upstream::Upstream,
};
use portico_proto::{
    auth::{
        RedeemEventsTicketRequest, RedeemEventsTicketResponse,
        auth_service_client::AuthServiceClient,
    },
    events::{WatchEventsRequest, WatchEventsResponse},
    projects::{
        GetProjectRequest, ListMembershipsRequest, Project,
        projects_service_client::ProjectsServiceClient,
    },
    users::user::Role,
};
use tonic::{Request, Status, Streaming, client::Grpc};
use tonic_prost::ProstCodec;
use uuid::Uuid;

use super::{
    position::Cursor,
    table::{SOURCES, TABLE},
};

/// The greatest list of somebody's projects that is read.
const MAX_MEMBERSHIPS: usize = 16 << 20;

/// The services that are followed and asked.
pub(crate) struct Services {
    sources: [(PathAndQuery, Upstream); SOURCES.len()],
    auth: AuthServiceClient<Upstream>,
    projects: ProjectsServiceClient<Upstream>,
}

impl Services {
    /// # Errors
    ///
    /// If one of them is not among `upstreams`.
    pub(crate) fn new(upstreams: &HashMap<&str, Upstream>) -> anyhow::Result<Self> {
        let upstream = |name: &str| {
            let upstream = upstreams.get(name).cloned();
            upstream.with_context(|| format!("no upstream serves {name}"))
        };
        let source = |name: &str| {
            let path = PathAndQuery::try_from(format!("/{name}/WatchEvents"))?;
            anyhow::Ok((path, upstream(name)?))
        };
        let [auth, projects, users] = SOURCES;
        Ok(Self {
            sources: [source(auth)?, source(projects)?, source(users)?],
            auth: AuthServiceClient::new(upstream(auth)?),
            projects: ProjectsServiceClient::new(upstream(projects)?)
                .max_decoding_message_size(MAX_MEMBERSHIPS),
        })
    }

    /// The events of a service that clients may be told of, after a cursor, or
    /// from now on.
    ///
    /// # Errors
    ///
    /// What the service answers: `CURSOR_EXPIRED`, or `VALIDATION_FAILED` for
    /// what is no cursor.
    pub(super) async fn watch(
        &self,
        source: usize,
        after: Option<&Cursor>,
    ) -> Result<Streaming<WatchEventsResponse>, Status> {
        let request = WatchEventsRequest {
            cursor: after.map(ToString::to_string),
            types: TABLE.iter().map(|row| row.event.to_owned()).collect(),
        };
        let (path, upstream) = &self.sources[source];
        let codec = ProstCodec::<WatchEventsRequest, _>::default();
        let answered = Grpc::new(upstream.clone())
            .server_streaming(Request::new(request), path.clone(), codec)
            .await;
        answered.map(tonic::Response::into_inner)
    }

    /// A project, as the person of a token sees it.
    ///
    /// # Errors
    ///
    /// What the projects service answers: `PROJECT_NOT_FOUND`.
    pub(super) async fn project(
        &self,
        id: Uuid,
        token: &str,
        address: IpAddr,
    ) -> Result<Project, Error> {
        let mut request = Request::new(GetProjectRequest { id: id.to_string() });
        let map = request.metadata_mut();
        insert(map, metadata::AUTHORIZATION, &format!("Bearer {token}"));
        insert(map, metadata::REQUEST_ID, &new_request_id());
        insert(map, metadata::CLIENT_IP, &address.to_string());
        let answered = self.projects.clone().get_project(request).await;
        let answered = answered.map_err(|status| Error::from_status(&status))?;
        Ok(answered.into_inner())
    }

    /// The projects in which a person is a member.
    ///
    /// # Errors
    ///
    /// What the projects service answers.
    pub(super) async fn memberships(&self, person: Uuid) -> Result<Vec<Uuid>, Error> {
        let request = ListMembershipsRequest {
            user_id: person.to_string(),
        };
        let answered = self.projects.clone().list_memberships(request).await;
        let answered = answered.map_err(|status| Error::from_status(&status))?;
        let memberships = answered.into_inner().memberships.into_iter();
        Ok(memberships
            .filter_map(|membership| parse_id(&membership.project_id))
            .collect())
    }

    /// The person whose ticket it was; it counts no more.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`.
    pub(super) async fn redeem(&self, ticket: &str) -> Result<User, Error> {
        let request = RedeemEventsTicketRequest {
            ticket: ticket.to_owned(),
        };
        let answered = self.auth.clone().redeem_events_ticket(request).await;
        let answered = answered.map_err(|status| Error::from_status(&status))?;
        user(&answered.into_inner())
            .ok_or_else(|| Error::internal("the auth service sent a malformed answer"))
    }
}

fn user(holder: &RedeemEventsTicketResponse) -> Option<User> {
    Some(User {
        id: parse_id(&holder.user_id)?,
        session_id: parse_id(&holder.session_id)?,
        is_admin: holder.role() == Role::Admin,
        // Whoever got the ticket may listen, and it is good for nothing else.
        grant: Grant::Session,
        issued_at: holder.issued_at?.into(),
        expires_at: holder.expires_at?.into(),
    })
}
