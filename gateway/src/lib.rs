//! The gateway: REST/JSON outside, gRPC inside, driven by descriptors. It knows
//! no domain; everything about one comes from the descriptor pool.
//!
//! A request comes in through [`serve`] and `entry`, and what is known of it
//! stands in its `visit`. `api` is its way: [`routes`] find the RPC, `limits`
//! and `authenticate` admit the caller, `body` and [`transcode`] make the
//! message, `metadata` what goes beside it, `call` asks the service, `envelope`,
//! `ndjson` or `failure` answer. What is listened to instead of called is `live`;
//! programs get their tokens from `oauth`. `headers`, `cors`, `cookie` and
//! `compression` finish the answer; `pages` are what the gateway answers by
//! itself, among them the client for the `web`, or without it the pages behind
//! `links` in mails, [`docs`], the document of [`openapi`], and the `mailbox` of a
//! development installation.

mod api;
mod authenticate;
mod body;
mod call;
mod client;
mod compression;
mod config;
mod cookie;
mod cors;
pub mod docs;
mod entry;
mod envelope;
mod failure;
mod headers;
mod limits;
mod links;
mod live;
mod mailbox;
mod metadata;
mod ndjson;
mod oauth;
pub mod openapi;
mod pages;
pub mod routes;
mod server;
mod trace;
pub mod transcode;
mod visit;
mod web;

use std::{collections::HashMap, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use portico_chassis::{
    clock::Clock,
    finding::Finding,
    serve::{Background, Readiness},
    telemetry::Metrics,
    token::Verifier,
    upstream::Upstream,
};
use portico_proto::{FILE_DESCRIPTOR_SET, METHODS};
use prost_reflect::DescriptorPool;

use self::{
    api::{Api, Endpoint},
    cookie::RefreshCookie,
    cors::Origins,
    entry::{Entry, Gateway},
    headers::Security,
    limits::Limits,
    live::{Live, socket::Sockets},
    oauth::TokenEndpoint,
    routes::RouteTable,
    transcode::Schema,
};
pub use self::{
    config::{Config, LimitsConfig, LiveConfig, Network, Quota},
    server::serve,
    web::{File, Form, Web},
};

/// Where the keys of service accounts are exchanged.
const TOKENS: &str = "portico.auth.v1.TokensService";

/// The gateway: what it answers, and what it does by itself.
pub struct App {
    /// All that it answers.
    pub router: Router,
    /// Telling clients of changes, while it serves.
    pub background: Background,
}

/// Whether what the gateway relies on is there, and whether its settings are
/// safe.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = limits::examine(&config.limits).await;
    if config.trusted_proxies.iter().any(Network::is_everybody) {
        findings.push(Finding::warning(
            "PORTICO_TRUSTED_PROXIES trusts everybody: clients may claim any address, and so escape \
             their limits; name the networks of your proxies",
        ));
    }
    findings
}

/// Builds the gateway over the services of `upstreams`, by their full names.
///
/// # Errors
///
/// If the contracts have a route that cannot be served, if a service that has
/// routes is not among `upstreams`, or if a setting cannot be used.
pub fn build(
    config: Config,
    upstreams: &HashMap<&str, Upstream>,
    verifier: Arc<Verifier>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    clock: Clock,
) -> anyhow::Result<App> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
    let schema = Arc::new(Schema::new(&pool)?);
    let routes = RouteTable::new(&pool, &schema)?;
    let limits = Arc::new(Limits::new(&config.limits)?);
    let live = Arc::new(Live::new(
        &config.live,
        schema.clone(),
        upstreams,
        verifier.clone(),
        limits.clone(),
        metrics.clone(),
        clock.clone(),
    )?);
    let tokens = upstreams.get(TOKENS);
    let tokens = tokens.with_context(|| format!("no upstream serves {TOKENS}"))?;
    let gateway = Gateway {
        pages: pages::router(&config, readiness.clone(), clock.clone()),
        readiness,
        security: Security::new(&config),
        sockets: Sockets::new(live.clone()),
        token_endpoint: TokenEndpoint::new(tokens.clone()),
        api: Api {
            endpoints: endpoints(&routes, &schema, upstreams)?,
            schema,
            routes,
            live: live.clone(),
            limits,
            verifier,
            cookie: RefreshCookie::new(&config),
            origins: Origins::new(&config),
            body_limit: config.body_limit,
            metrics: metrics.clone(),
            clock,
        },
        trusted_proxies: config.trusted_proxies,
        metrics,
    };
    Ok(App {
        router: Router::new()
            .fallback_service(Entry(Arc::new(gateway)))
            .layer(compression::layer()),
        background: Box::new(|stop| Box::pin(live.run(stop))),
    })
}

/// What there is to know of each RPC that has routes.
fn endpoints(
    routes: &RouteTable,
    schema: &Schema,
    upstreams: &HashMap<&str, Upstream>,
) -> anyhow::Result<HashMap<&'static str, Endpoint>> {
    let mut endpoints = HashMap::new();
    for route in routes.routes() {
        let path = route.grpc_path.as_str();
        let method = METHODS.iter().find(|method| method.path == path);
        let method = method.with_context(|| format!("{path} has no policy"))?;
        let service = &*route.service;
        let upstream = upstreams.get(service);
        let upstream = upstream.with_context(|| format!("no upstream serves {service}"))?;
        if !endpoints.contains_key(method.path) {
            let endpoint = Endpoint::new(route, method, upstream.clone(), schema)?;
            endpoints.insert(method.path, endpoint);
        }
    }
    Ok(endpoints)
}
