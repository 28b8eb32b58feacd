//! A gateway as one would write it by hand for one route: an axum handler that
//! calls the service by the same client, and turns the message into JSON. It
//! checks nothing. It is the reference for what a gateway must cost.

use std::{net::SocketAddr, process::Command};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use portico_proto::{
    projects::{
        GetProjectRequest, Project, member::Role, projects_service_client::ProjectsServiceClient,
    },
    wkt::Timestamp,
};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::net::TcpListener;
use tonic::{Code, Request, Status, transport::Channel};

use crate::{machine::free_addresses, process::Process, target::Running};

/// The command of this program that serves it.
pub(crate) const COMMAND: &str = "by-hand";

/// Starts it as a process of its own and waits until it serves.
pub(super) async fn start(portico: &Running) -> anyhow::Result<(Process, SocketAddr)> {
    let [address] = free_addresses()?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([COMMAND, &address.to_string()])
        .arg(format!("http://{}", portico.service("projects")?));
    let mut process = Process::start("by hand", &mut command)?;
    process
        .until(address, "/", |answer| answer.starts_with("HTTP/1.1"))
        .await?;
    Ok((process, address))
}

/// Serves it until SIGTERM.
pub(crate) async fn serve(listen: &str, projects: &str) -> anyhow::Result<()> {
    let channel = Channel::from_shared(projects.to_owned())?;
    let client = ProjectsServiceClient::new(channel.connect().await?);
    let router = Router::new()
        .route("/api/v1/projects/{id}", get(get_project))
        .with_state(client);
    let listener = TcpListener::bind(listen).await?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, router).into_future() => Ok(served?),
        signal = terminate.recv() => signal.context("no signals"),
    }
}

async fn get_project(
    State(mut client): State<ProjectsServiceClient<Channel>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let mut request = Request::new(GetProjectRequest { id });
    // The service checks the token, as it does behind any gateway.
    if let Some(token) = headers.get(header::AUTHORIZATION) {
        let token = token.to_str().ok().and_then(|token| token.parse().ok());
        let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
        request.metadata_mut().insert("authorization", token);
    }
    let project = client.get_project(request).await.map_err(status)?;
    let answer = Answer {
        success: true,
        data: json(project.into_inner()),
    };
    let body = serde_json::to_vec(&answer).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body))
}

fn status(status: Status) -> StatusCode {
    match status.code() {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[derive(Serialize)]
struct Answer {
    success: bool,
    data: ProjectJson,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProjectJson {
    id: String,
    name: String,
    slug: String,
    description: Option<String>,
    visibility: &'static str,
    archived_at: Option<String>,
    my_role: Option<&'static str>,
    member_count: i32,
    created_at: Option<String>,
    updated_at: Option<String>,
    etag: String,
}

fn json(project: Project) -> ProjectJson {
    ProjectJson {
        visibility: project.visibility().as_str_name(),
        my_role: project
            .my_role
            .and_then(|role| Some(Role::try_from(role).ok()?.as_str_name())),
        id: project.id,
        name: project.name,
        slug: project.slug,
        description: project.description,
        archived_at: project.archived_at.and_then(text),
        member_count: project.member_count,
        created_at: project.created_at.and_then(text),
        updated_at: project.updated_at.and_then(text),
        etag: project.etag,
    }
}

fn text(time: Timestamp) -> Option<String> {
    let nanoseconds = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?;
    time.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use portico_proto::projects::project::Visibility;

    use super::*;

    #[test]
    fn a_project_is_what_the_gateway_makes_of_it() {
        let project = Project {
            id: "1".to_owned(),
            visibility: Visibility::Private.into(),
            my_role: Some(Role::Owner.into()),
            created_at: Some(Timestamp {
                seconds: 1_774_000_000,
                nanos: 5_000_000,
            }),
            ..Project::default()
        };
        let json = serde_json::to_value(json(project)).expect("JSON");
        assert_eq!(json["visibility"], "PRIVATE");
        assert_eq!(json["myRole"], "OWNER");
        assert_eq!(json["createdAt"], "2026-03-20T09:46:40.005Z");
        assert!(json["archivedAt"].is_null());
    }
}
