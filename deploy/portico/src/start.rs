//! Binds the ports of a process and serves, until told to stop.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::bail;
use portico_auth::FirstAdmin;
use portico_chassis::{
    database::Database,
    serve::{self, Handshakes, Readiness},
    status::Error,
};
use portico_proto::FILE_DESCRIPTOR_SET;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::ServiceExt as _;

use crate::{services::Services, settings::Settings};

/// What is cut off when the grace time is over has this long to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);

/// How often gRPC health follows readiness.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// A running process.
pub struct Running {
    /// Where HTTP is served, if this process runs the gateway.
    pub gateway: Option<SocketAddr>,
    /// Where gRPC is served, if this process runs a service.
    pub grpc: Option<SocketAddr>,
    /// Where probes and metrics are served.
    pub admin: SocketAddr,
    /// The first administrator, at the one start that made it and its password.
    pub first_admin: Option<FirstAdmin>,
    tasks: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    readiness: Arc<Readiness>,
    drain: Duration,
    databases: Vec<Database>,
}

impl Running {
    /// Waits until a server fails, which none does in ordinary life.
    ///
    /// # Errors
    ///
    /// What failed.
    pub async fn failed(&mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Stops: no longer ready; when whoever sends requests had the time to hear
    /// of that, no new ones; and an end of those in progress, in a bounded time.
    ///
    /// # Errors
    ///
    /// If requests had to be cut off.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.readiness.stop();
        if !self.drain.is_zero() {
            tracing::info!(time = ?self.drain, "serving until others have heard of the stop");
            let drained = tokio::time::timeout(self.drain, self.failed()).await;
            if let Ok(failed) = drained {
                failed?;
            }
        }
        self.stop.cancel();
        let ended = tokio::time::timeout(serve::GRACE + FAREWELL, self.failed()).await;
        for database in &self.databases {
            database.close().await;
        }
        match ended {
            Ok(result) => result,
            Err(_) => bail!("some requests did not end in {:?}", serve::GRACE),
        }
    }
}

/// Starts a process: when it returns, every port is bound and served.
///
/// # Errors
///
/// What is in the way: a port in use, a database that does not open.
pub async fn start(settings: &Settings) -> anyhow::Result<Running> {
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let mut services = Services::build(settings).await?;
    let first_admin = services.first_admin(settings).await?;
    let readiness = services.readiness(settings);

    let admin = serve::bind(settings.admin_listen, "PORTICO_ADMIN_LISTEN").await?;
    let admin_address = admin.local_addr()?;
    let router = serve::probes(readiness.clone())
        .merge(serve::administration(services.platform.metrics.clone()));
    tasks.spawn(serve::http(admin, router, stop.clone()));

    let mut gateway_address = None;
    if let Some(config) = &settings.gateway {
        let listener = serve::bind(settings.gateway_listen, "PORTICO_GATEWAY_LISTEN").await?;
        gateway_address = Some(listener.local_addr()?);
        let platform = &services.platform;
        let app = portico_gateway::build(
            config.clone(),
            &services.upstreams(),
            platform.verifier.clone(),
            platform.metrics.clone(),
            readiness.clone(),
            platform.clock.clone(),
        )?;
        tasks.spawn(portico_gateway::serve(listener, app.router, stop.clone()));
        services.background.push(app.background);
    }

    let mut grpc_address = None;
    if !services.routes.is_empty() {
        let listener = serve::bind(settings.grpc_listen, &settings.grpc_setting).await?;
        grpc_address = Some(listener.local_addr()?);
        let (reporter, health) = tonic_health::server::health_reporter();
        let mut router = standard_routes(health);
        for routes in services.routes {
            router = router.merge(routes.reset_fallback());
        }
        let platform = &services.platform;
        let handshakes = platform
            .tls
            .clone()
            .map(|tls| Handshakes::new(tls, platform.metrics.clone()));
        tasks.spawn(serve::grpc(listener, router, handshakes, stop.clone()));
        let (readiness, stop) = (readiness.clone(), stop.clone());
        tasks.spawn(async move {
            report_health(reporter, readiness, stop).await;
            Ok(())
        });
    }

    if let Some(tls) = services.platform.tls.clone() {
        let metrics = services.platform.metrics.clone();
        services.background.push(tls.follow(metrics)?);
    }
    for work in services.background {
        let stop = stop.clone();
        tasks.spawn(async move {
            work(stop).await;
            Ok(())
        });
    }
    Ok(Running {
        gateway: gateway_address,
        grpc: grpc_address,
        admin: admin_address,
        first_admin,
        tasks,
        stop,
        readiness,
        drain: settings.drain,
        databases: services
            .databases
            .into_iter()
            .map(|(_, database)| database)
            .collect(),
    })
}

/// Health and reflection, which need no token.
fn standard_routes<H: tonic_health::pb::health_server::Health>(
    health: tonic_health::pb::health_server::HealthServer<H>,
) -> axum::Router {
    let mut router = tonic::service::Routes::new(health).into_axum_router();
    let reflection = Arc::new(OnceLock::new());
    for version in ["v1", "v1alpha"] {
        let reflection = reflection.clone();
        let reflect = async move |request| reflect(&reflection, request).await;
        router = router.route(
            &format!("/grpc.reflection.{version}.ServerReflection/{{method}}"),
            axum::routing::post(reflect),
        );
    }
    router
}

/// Tells of the contracts. The descriptors in the form that this needs take
/// memory, and most processes are never asked: they are read when one is.
async fn reflect(
    reflection: &OnceLock<axum::Router>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let router = match reflection.get() {
        Some(router) => router,
        None => match reflection_routes() {
            Ok(router) => reflection.get_or_init(|| router),
            Err(error) => return tonic::Status::from(Error::internal(error)).into_http(),
        },
    };
    let Ok(response) = router.clone().oneshot(request).await;
    response
}

fn reflection_routes() -> anyhow::Result<axum::Router> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(tonic::service::Routes::new(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router())
}

/// Keeps gRPC health in step with readiness.
async fn report_health(
    reporter: HealthReporter,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
) {
    loop {
        let status = match readiness.failing().await.as_slice() {
            [] => ServingStatus::Serving,
            _ => ServingStatus::NotServing,
        };
        for service in ["", "portico"] {
            reporter.set_service_status(service, status).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HEALTH_INTERVAL) => {}
        }
    }
}
