//! Binds ports and serves on them until the process is told to stop: first not
//! ready, then no new requests, then what is in progress, all in a bounded time.

mod handshakes;
mod readiness;
mod silent;
#[cfg(feature = "testing")]
pub mod testing;

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::{Stream, TryStreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Connected as _, TcpIncoming};

use self::silent::Connection;
pub use self::{
    handshakes::Handshakes,
    readiness::{Check, Readiness},
};
use crate::telemetry::{self, Metrics};

/// How long requests in progress may take to end after a stop.
pub const GRACE: Duration = Duration::from_secs(20);

/// How often it is asked whether a client is still there, and how long for an
/// answer is waited. It is shorter than the grace together, so that a client that
/// was lost without a sign does not hold up a stop.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// A service: what it answers and what it does by itself.
pub struct App {
    /// The routes of its gRPC services.
    pub routes: tonic::service::Routes,
    /// Work that goes on while it serves, and ends with the process.
    pub background: Vec<Background>,
}

/// Work that goes on until the token is cancelled.
pub type Background =
    Box<dyn FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Binds a port.
///
/// # Errors
///
/// If it cannot be had; the message names the address and the setting.
pub async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another address by {setting}"))
}

/// Serves gRPC until `stop`, then until every call in progress has ended: by
/// TLS where there is some, and then by nothing else.
///
/// # Errors
///
/// If the server fails.
pub async fn grpc(
    listener: TcpListener,
    routes: Router,
    tls: Option<Handshakes>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let until = stop.clone();
    match tls {
        None => {
            let incoming = incoming.map_ok(move |stream| {
                let peer = stream.connect_info();
                Connection::new(stream, peer, until.clone())
            });
            serve_grpc(incoming, routes, stop).await
        }
        Some(handshakes) => {
            let incoming = handshakes
                .over(incoming, stop.clone())
                .map_ok(move |(stream, peer)| Connection::new(stream, peer, until.clone()));
            serve_grpc(incoming, routes, stop).await
        }
    }
}

async fn serve_grpc<S>(
    incoming: impl Stream<Item = io::Result<Connection<S>>>,
    routes: Router,
    stop: CancellationToken,
) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .http2_adaptive_window(Some(true))
        .add_routes(tonic::service::Routes::from(routes))
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await
        .context("the gRPC server failed")
}

/// `/livez` and `/readyz`, for probes.
pub fn probes(readiness: Arc<Readiness>) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    let failing = readiness.failing().await;
    if !failing.is_empty() {
        let text = format!("not ready: {}\n", failing.join(", "));
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    match readiness.missing().await.as_slice() {
        [] => "ok\n".into_response(),
        missing => format!("ok, without: {}\n", missing.join(", ")).into_response(),
    }
}

/// What the admin port answers besides the probes: `/metrics`, and
/// `/log-level`, which a PUT changes until the process ends.
pub fn administration(metrics: Arc<Metrics>) -> Router {
    let answer = async move |State(metrics): State<Arc<Metrics>>| {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], metrics.text())
    };
    Router::new()
        .route("/metrics", get(answer))
        .with_state(metrics)
        .route("/log-level", get(log_level).put(set_log_level))
}

async fn log_level() -> Response {
    match telemetry::level() {
        Some(level) => format!("{level}\n").into_response(),
        None => (StatusCode::NOT_FOUND, "no log is set up\n").into_response(),
    }
}

async fn set_log_level(level: String) -> Response {
    match telemetry::set_level(level.trim()) {
        Ok(()) => {
            tracing::info!(level = level.trim(), "what is logged has changed");
            log_level().await
        }
        Err(error) => {
            let text = format!("not understood: {error:#}; say it as in RUST_LOG\n");
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

/// Serves HTTP until `stop`, then until every request in progress has ended.
///
/// # Errors
///
/// If the server fails.
pub async fn http(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("the HTTP server failed")
}
