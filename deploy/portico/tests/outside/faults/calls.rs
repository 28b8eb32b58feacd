//! What people call while something is wrong, and what they see.

use std::time::{Duration, Instant};

use portico_chassis::status::Error;
use portico_proto::{
    auth::{
        GetMeRequest, ListAuditEntriesRequest, LogoutRequest,
        auth_service_client::AuthServiceClient,
    },
    notifications::{
        ListMailJobsRequest, notifications_service_client::NotificationsServiceClient,
    },
    projects::{ListProjectsRequest, projects_service_client::ProjectsServiceClient},
};
use tonic::{
    Request, Status,
    transport::{Channel, Endpoint},
};

use super::site::Site;
use crate::Rest;

/// How long a client of gRPC waits.
const DEADLINE: Duration = Duration::from_secs(10);

/// One call that changes nothing.
#[derive(Clone)]
pub(super) enum Call {
    Rest(Rest, String),
    Grpc(Rpc, Channel, String),
}

/// An RPC of one service that needs another one, if there is such.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rpc {
    /// Of auth, which asks users.
    Me,
    /// Of auth, which asks all services.
    AuditEntries,
    /// Of projects.
    Projects,
    /// Of notifications.
    MailJobs,
}

/// What somebody saw.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) what: String,
    pub(super) took: Duration,
}

impl Call {
    pub(super) fn rest(person: &Rest, path: &str) -> Self {
        Self::Rest(person.clone(), format!("GET {path}"))
    }

    /// A call by the way that other services take, if it is the service itself
    /// that is not well, else straight to the service.
    pub(super) fn grpc(site: &Site, person: &Rest, rpc: Rpc) -> Self {
        let address = match rpc {
            Rpc::Me | Rpc::AuditEntries => site.plan.get("PORTICO_AUTH_URL"),
            Rpc::Projects => site.plan.get("PORTICO_PROJECTS_URL"),
            Rpc::MailJobs => site.plan.get("PORTICO_NOTIFICATIONS_URL"),
        };
        let endpoint = Endpoint::from_shared(address.to_owned()).expect("an address");
        let channel = endpoint.http2_keep_alive_interval(Duration::from_secs(5));
        let channel = channel.keep_alive_timeout(Duration::from_secs(5));
        Self::Grpc(rpc, channel.connect_lazy(), person.token().to_owned())
    }

    pub(super) fn is_rest(&self) -> bool {
        matches!(self, Self::Rest(..))
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Rest(_, line) => line.clone(),
            Self::Grpc(rpc, ..) => format!("{rpc:?}"),
        }
    }

    pub(super) async fn see(&self) -> Seen {
        let begun = Instant::now();
        let what = match self {
            Self::Rest(person, line) => see_rest(person, line).await,
            Self::Grpc(rpc, channel, token) => {
                let called = rpc.call(channel.clone(), token);
                let answered = tokio::time::timeout(DEADLINE, called).await;
                let status = answered.unwrap_or_else(|_| Err(Error::deadline_exceeded().into()));
                match status {
                    Ok(()) => "OK".to_owned(),
                    Err(status) => code(&status),
                }
            }
        };
        let took = begun.elapsed();
        Seen { what, took }
    }

    /// Ends the session, past the gateway.
    pub(super) async fn sign_out(&self) {
        let Self::Grpc(_, channel, token) = self else {
            panic!("a call over gRPC");
        };
        let mut client = AuthServiceClient::new(channel.clone());
        let request = signed(LogoutRequest::default(), token);
        client.logout(request).await.expect("signed out");
    }

    /// What it comes to where everything is well.
    pub(super) fn is_well(&self, seen: &Seen) -> bool {
        seen.what == if self.is_rest() { "200" } else { "OK" }
    }
}

/// What a call over REST comes to: status and code.
async fn see_rest(person: &Rest, line: &str) -> String {
    match person.call(line, &[], None).await {
        Err(_) => "no answer".to_owned(),
        Ok(answer) => told(&answer),
    }
}

/// Status and code of an answer. One that asks for patience says for how long.
pub(super) fn told(answer: &crate::rest::Answer) -> String {
    if answer.status < 300 {
        return answer.status.to_string();
    }
    let code = answer.body["error"]["code"].as_str();
    let code = code.unwrap_or_else(|| panic!("a code: {answer:?}"));
    if answer.status == 503 {
        let seconds = answer
            .header("retry-after")
            .and_then(|text| text.parse().ok());
        assert!(
            seconds.is_some_and(|seconds: u32| seconds >= 1),
            "{answer:?}"
        );
    }
    format!("{} {code}", answer.status)
}

/// The code of a refusal, in the spelling of gRPC.
fn code(status: &Status) -> String {
    let cause = std::error::Error::source(status);
    if cause.is_some_and(|cause| cause.is::<tonic::transport::Error>()) {
        // The client itself has lost its connection.
        return "UNAVAILABLE".to_owned();
    }
    let name = Error::from_status(status).reason.into_owned();
    match (status.code(), &*name) {
        (tonic::Code::Unavailable, "SERVICE_UNAVAILABLE") => "UNAVAILABLE".to_owned(),
        (tonic::Code::DeadlineExceeded, "DEADLINE_EXCEEDED") => name,
        // The client itself gave up.
        (code, _) => format!("{code:?} {name}: {status:?}"),
    }
}

impl Rpc {
    async fn call(self, channel: Channel, token: &str) -> Result<(), Status> {
        let (me, projects) = (GetMeRequest::default(), ListProjectsRequest::default());
        let (entries, jobs) = (
            ListAuditEntriesRequest::default(),
            ListMailJobsRequest::default(),
        );
        match self {
            Self::Me => {
                let mut client = AuthServiceClient::new(channel);
                client.get_me(signed(me, token)).await.map(drop)
            }
            Self::AuditEntries => {
                let mut client = AuthServiceClient::new(channel);
                let request = signed(entries, token);
                client.list_audit_entries(request).await.map(drop)
            }
            Self::Projects => {
                let mut client = ProjectsServiceClient::new(channel);
                client
                    .list_projects(signed(projects, token))
                    .await
                    .map(drop)
            }
            Self::MailJobs => {
                let mut client = NotificationsServiceClient::new(channel);
                client.list_mail_jobs(signed(jobs, token)).await.map(drop)
            }
        }
    }
}

fn signed<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {token}").parse().expect("a token");
    request.metadata_mut().insert("authorization", bearer);
    request
}
