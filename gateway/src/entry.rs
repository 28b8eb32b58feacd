//! Where every request comes in and every answer goes out: told apart here are
//! the API, sockets, the tokens of programs and what the gateway answers itself, and all answers get
//! the headers that they have in common.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::Request,
    response::Response,
};
use futures::FutureExt as _;
use http::{HeaderValue, Method, StatusCode, Version, header};
use portico_chassis::{serve::Readiness, status::Error, telemetry::Metrics};
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::{
    api::{Api, ENVELOPED, WELL_KNOWN},
    config::Network,
    failure::Failure,
    headers::{Security, X_REQUEST_ID},
    live::socket::{self, Sockets},
    oauth::{self, TokenEndpoint},
    pages,
    visit::Visit,
};

/// The whole gateway.
pub(crate) struct Gateway {
    pub(crate) api: Api,
    pub(crate) sockets: Sockets,
    pub(crate) token_endpoint: TokenEndpoint,
    /// What the gateway answers itself, outside the API.
    pub(crate) pages: Router,
    pub(crate) security: Security,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) metrics: Arc<Metrics>,
}

/// The whole gateway, as a service of its own: as a handler of axum it would take
/// eight allocations more for each request.
#[derive(Clone)]
pub(crate) struct Entry(pub(crate) Arc<Gateway>);

impl Service<Request> for Entry {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let gateway = self.0.clone();
        Box::pin(async move { Ok(handle(&gateway, request).await) })
    }
}

/// Answers a request.
async fn handle(gateway: &Gateway, mut request: Request) -> Response {
    let _in_progress = gateway.metrics.begin_http();
    let mut visit = Visit::begin(&mut request, &gateway.trusted_proxies, &gateway.metrics);
    let span = visit.span.clone();
    let is_head = request.method() == Method::HEAD;
    let version = request.version();
    // A fault in one request is no reason to end the others on its connection.
    let answered = AssertUnwindSafe(gateway.answer(request, &mut visit)).catch_unwind();
    let mut response = answered.instrument(span).await.unwrap_or_else(|_| {
        gateway
            .api
            .refuse(&Error::internal("a handler panicked").into(), &visit)
    });
    visit.status = Some(response.status());
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, visit.request_id.clone());
    gateway.security.write(headers);
    gateway.say_farewell(version, &mut response);
    if is_head {
        without_body(response)
    } else {
        response
    }
}

impl Gateway {
    async fn answer(&self, request: Request, visit: &mut Visit) -> Response {
        let path = request.uri().path();
        if socket::PATHS.contains(&path) {
            return self.sockets.answer(&self.api, request, visit).await;
        }
        if path == oauth::PATH {
            let (parts, body) = request.into_parts();
            let endpoint = &self.token_endpoint;
            return endpoint.answer(&self.api, &parts, body, visit).await;
        }
        let is_api = path == "/api" || path.starts_with(ENVELOPED) || path.starts_with(WELL_KNOWN);
        match pages::route(path) {
            None if is_api => {
                let (parts, body) = request.into_parts();
                self.api.answer(&parts, body, visit).await
            }
            page => {
                visit.route = page.unwrap_or(visit.route);
                self.page(request, is_api, visit).await
            }
        }
    }

    /// Before it stops, an answer is the last one on its connection: a client that
    /// learned of the end only by its next request could not tell what became of
    /// that. HTTP/2 has a message of its own for it.
    fn say_farewell(&self, version: Version, response: &mut Response) {
        let is_kept = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if version <= Version::HTTP_11 && !is_kept && self.readiness.is_stopping() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }

    async fn page(&self, request: Request, is_api: bool, visit: &Visit) -> Response {
        let is_options = request.method() == Method::OPTIONS;
        let Ok(mut response) = self.pages.clone().oneshot(request).await;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            if is_options {
                *response.status_mut() = StatusCode::NO_CONTENT;
            } else if is_api && let Some(allow) = response.headers_mut().remove(header::ALLOW) {
                return self.api.refuse(&Failure::method_not_allowed(allow), visit);
            }
        }
        response
    }
}

/// What HEAD gets: the headers that GET would get (RFC 9110, section 9.3.2).
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        let headers = &mut parts.headers;
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    Response::from_parts(parts, Body::empty())
}
