//! The callers: one connection each, over REST or gRPC.

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
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tonic::{metadata::AsciiMetadataValue, transport::Channel};

use crate::load::Outcome;

/// How long an answer may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// One HTTP/1.1 connection to the gateway.
pub(crate) struct Rest {
    sender: SendRequest<Full<Bytes>>,
    authorization: Option<String>,
}

impl Rest {
    pub(crate) async fn connect(address: SocketAddr, token: Option<&str>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; a failure shows in the calls.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            authorization: token.map(|token| format!("Bearer {token}")),
        })
    }

    /// Makes one call and reads its answer.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body.into()))?;
        let answered = async {
            self.sender.ready().await?;
            let (parts, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok((parts.status, body))
        };
        timeout(PATIENCE, answered).await.context("no answer")?
    }

    /// Makes one call that must succeed unless the program sheds load.
    pub(crate) async fn drive(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Outcome> {
        let (status, body) = self.call(method, path, body).await?;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Ok(Outcome::Shed);
        }
        ensure!(status.is_success(), "{path}: {status} {body:?}");
        Ok(Outcome::Done)
    }

    /// Makes one call for the data that it answers.
    pub(crate) async fn data(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Value> {
        let (status, body) = self.call(method, path, body).await?;
        ensure!(status.is_success(), "{path}: {status} {body:?}");
        let mut answer: Value = serde_json::from_slice(&body)?;
        Ok(answer["data"].take())
    }
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
        let mut request = tonic::Request::new(CheckAccessRequest {
            checks: vec![check],
        });
        let authorization = self.authorization.clone();
        request
            .metadata_mut()
            .insert("authorization", authorization);
        let answered = self.client.check_access(request);
        let results = timeout(PATIENCE, answered).await.context("no answer")??;
        let results = &results.get_ref().results;
        ensure!(results.iter().all(|result| result.allowed), "not allowed");
        Ok(Outcome::Done)
    }
}
