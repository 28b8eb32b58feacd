//! Connections: one for each caller, over REST or gRPC; and where things are in
//! the REST interfaces of targets.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use portico_proto::projects::{
    CheckAccessRequest, check_access_request::Check, check_access_request::check::Permission,
    projects_service_client::ProjectsServiceClient,
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tonic::{metadata::AsciiMetadataValue, transport::Channel};

use crate::{
    load::Outcome,
    target::{EMAIL, PASSWORD},
};

/// How long an answer may take before it counts as a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where things are in a REST interface: paths, in which `{user}` and
/// `{project}` stand for ids, and pointers into answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api {
    /// Where one signs in, and how the field with the e-mail address is called.
    pub(crate) sign_in: &'static str,
    pub(crate) account: &'static str,
    pub(crate) token: &'static str,
    pub(crate) user_id: &'static str,
    /// What stands before a token.
    pub(crate) scheme: &'static str,
    pub(crate) me: &'static str,
    /// Twenty of one's projects, where they are in the answer, and the field
    /// with the id of each.
    pub(crate) list: &'static str,
    pub(crate) listed: (&'static str, &'static str),
    pub(crate) project: &'static str,
    pub(crate) create: &'static str,
    pub(crate) refresh: Option<&'static str>,
}

impl Api {
    pub(crate) const PORTICO: Self = Self {
        sign_in: "/api/v1/auth/login",
        account: "email",
        token: "/data/token",
        user_id: "/data/user/id",
        scheme: "Bearer ",
        me: "/api/v1/auth/me",
        list: "/api/v1/projects",
        listed: ("/data", "id"),
        project: "/api/v1/projects/{project}",
        create: "/api/v1/projects",
        refresh: Some("/api/v1/auth/refresh"),
    };

    /// What the first administrator signs in by.
    pub(crate) fn credentials(&self) -> Bytes {
        Bytes::from(json!({self.account: EMAIL, "password": PASSWORD}).to_string())
    }
}

/// One HTTP/1.1 connection.
pub(crate) struct Rest {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    authorization: Option<String>,
}

impl Rest {
    /// `authorization` is all of that header.
    pub(crate) async fn connect(
        address: SocketAddr,
        authorization: Option<&str>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            address,
            sender: handshake(address).await?,
            authorization: authorization.map(str::to_owned),
        })
    }

    /// Makes one call and reads its answer.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body))?;
        let answered = async {
            self.sender.ready().await?;
            let (parts, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok((parts.status, body))
        };
        timeout(PATIENCE, answered).await.context("no answer")?
    }

    /// Makes one call and says how it ended, with the answer if that was good.
    pub(crate) async fn drive(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<(Outcome, Bytes)> {
        let (status, body) = match self.call(method, path, body).await {
            Ok(answer) => answer,
            Err(error) => {
                self.sender = handshake(self.address).await?;
                return Ok((Outcome::Failed(format!("{path}: {error}")), Bytes::new()));
            }
        };
        let outcome = match status {
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Shed,
            _ if status.is_success() => Outcome::Done,
            _ => Outcome::Failed(format!("{path}: {status} {body:?}")),
        };
        Ok((outcome, body))
    }

    /// Makes one call, which must succeed, for what it answers.
    pub(crate) async fn answer(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Value> {
        let (status, body) = self.call(method, path, body.into()).await?;
        ensure!(status.is_success(), "{path}: {status} {body:?}");
        Ok(serde_json::from_slice(&body)?)
    }
}

async fn handshake(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; a failure shows in the calls.
    tokio::spawn(connection);
    Ok(sender)
}

/// A text in an answer.
pub(crate) fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    let text = text.with_context(|| format!("no {pointer} in {answer}"))?;
    Ok(text.to_owned())
}

/// One HTTP/2 connection to the projects service.
pub(crate) struct Grpc {
    client: ProjectsServiceClient<Channel>,
    authorization: AsciiMetadataValue,
}

impl Grpc {
    pub(crate) async fn connect(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let channel = Channel::from_shared(format!("http://{address}"))?;
        Ok(Self {
            client: ProjectsServiceClient::new(channel.connect().await?),
            authorization: format!("Bearer {token}").parse()?,
        })
    }

    /// Asks whether somebody may read a project, which must be so.
    pub(crate) async fn check_access(
        &mut self,
        project_id: &str,
        user_id: &str,
    ) -> anyhow::Result<Outcome> {
        let check = Check {
            project_id: project_id.to_owned(),
            user_id: user_id.to_owned(),
            permission: Permission::Read.into(),
        };
        let request = self.request(CheckAccessRequest {
            checks: vec![check],
        });
        let answered = self.client.check_access(request);
        Ok(match timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) if answer.get_ref().results.iter().all(|it| it.allowed) => Outcome::Done,
            Ok(Ok(_)) => Outcome::Failed("CheckAccess: not allowed".to_owned()),
            Ok(Err(status)) => Outcome::Failed(format!("CheckAccess: {status}")),
            Err(_) => Outcome::Failed("CheckAccess: no answer".to_owned()),
        })
    }

    /// A request with the token.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let authorization = self.authorization.clone();
        request
            .metadata_mut()
            .insert("authorization", authorization);
        request
    }

    /// Its client.
    pub(crate) fn client(&mut self) -> &mut ProjectsServiceClient<Channel> {
        &mut self.client
    }
}
