//! A gateway before services that answer always the same.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    thread,
};

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Full};
use portico_chassis::{
    clock::Clock,
    config::Env,
    serve::Readiness,
    telemetry::Metrics,
    token::ServiceIdentity,
    upstream::{Target, Upstream},
};
use portico_gateway::Config;
use portico_proto::METHODS;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    token::{NOW, Tokens, runtime},
    transcode,
};

/// Where the services are.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Local,
    Remote,
}

/// Serves on this runtime; where, and a token of somebody.
pub(super) async fn serve(place: Place) -> anyhow::Result<(SocketAddr, String)> {
    let (tokens, clock) = (Tokens::new()?, Clock::manual(NOW));
    let identity = ServiceIdentity::new("gateway", b"a secret of budgets", clock.clone());
    let (identity, idempotent) = (Arc::new(identity), Arc::new(HashSet::new()));
    let upstream = match place {
        Place::Local => Upstream::local(services()?, identity, idempotent),
        Place::Remote => {
            let target: Target = format!("http://{}", serve_apart()?)
                .parse()
                .map_err(anyhow::Error::msg)?;
            Upstream::remote(target, None, identity, idempotent)
        }
    };
    let names = METHODS
        .iter()
        .filter_map(|method| method.path.split('/').nth(1));
    let upstreams: HashMap<_, _> = names.map(|name| (name, upstream.clone())).collect();
    let app = portico_gateway::build(
        config()?,
        &upstreams,
        Arc::new(tokens.verifier()),
        Arc::new(Metrics::default()),
        Readiness::new(Vec::new(), Vec::new()),
        clock,
    )?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    tokio::spawn(portico_gateway::serve(listener, app.router, stop));
    Ok((address, tokens.of(1)?))
}

/// The usual settings, but for a limit that is counted and never reached.
fn config() -> anyhow::Result<Config> {
    let limit = ("PORTICO_RATE_LIMIT_USER", "100000/1m");
    let mut env = Env::of([limit].map(|(name, value)| (name.to_owned(), value.to_owned())));
    let config = Config::read(&mut env);
    env.finish()?;
    Ok(Config {
        web: None,
        ..config
    })
}

/// Serves the services on a thread of their own, which does not count.
fn serve_apart() -> anyhow::Result<SocketAddr> {
    let services = services()?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        runtime()?.block_on(async {
            axum::serve(TcpListener::from_std(listener)?, services).await?;
            anyhow::Ok(())
        })
    });
    Ok(address)
}

/// Whatever is called, the answer is a project.
fn services() -> anyhow::Result<Router> {
    let message = transcode::message()?;
    let [a, b, c, d] = u32::try_from(message.len())?.to_be_bytes();
    let framed = Bytes::from([&[0, a, b, c, d][..], &message].concat());
    let answer = move || {
        let answered = answer(framed.clone());
        async { answered }
    };
    Ok(Router::new().fallback(answer))
}

fn answer(framed: Bytes) -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(framed).with_trailers(async { Some(Ok::<_, Infallible>(trailers)) });
    let mut response = Response::new(Body::new(body));
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
