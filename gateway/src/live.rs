//! Live changes: what happens in one place is told at once to every client that
//! may see it, over Socket.IO and as server-sent events.
//!
//! - `table`: what is told, to whom.
//! - `feed`: follows the events of the services, each once for the process.
//! - `hub`: knows who is connected and in which rooms, and hands changes over.
//! - `socket`: clients of Socket.IO.
//! - `stream`: clients of server-sent events, who go on from a `position`.
//! - `services`: what is asked of the services.
//! - `places`: how many clients an address may have.
//!
//! Each gateway follows the services by itself, so that it does not matter which
//! of them a client is connected to.

mod feed;
mod hub;
mod places;
mod position;
mod services;
pub(crate) mod socket;
pub(crate) mod stream;
mod table;

pub(crate) use self::table::names;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::future::join_all;
use portico_chassis::{
    caller::User,
    clock::Clock,
    guard::{Access, Rule},
    status::Error,
    telemetry::Metrics,
    token::Verifier,
    upstream::Upstream,
};
use tokio::sync::{Semaphore, broadcast::error::RecvError};
use tokio_util::sync::CancellationToken;

use self::{
    hub::{Hub, Listening},
    places::Places,
    services::Services,
    table::SOURCES,
};
use crate::{config::LiveConfig, limits::Limits, transcode::Schema};

/// Who may listen: a person, by a key only with the scope for it.
const LISTENING: Rule = Rule {
    access: Access::User,
    scope: "events:read",
    service_accounts: false,
    impersonation: true,
};

/// How often expired tokens are looked for, and clients that were behind.
const TICK: Duration = Duration::from_millis(250);

/// How long a client waits at most until the services are followed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long clients may take to leave when the process stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// How many clients catch up at a time; the others wait.
const REPLAYS: usize = 32;

/// What live changes are served with.
pub(crate) struct Live {
    config: LiveConfig,
    schema: Arc<Schema>,
    hub: Hub,
    places: Arc<Places>,
    services: Services,
    replays: Arc<Semaphore>,
    verifier: Arc<Verifier>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl Live {
    /// # Errors
    ///
    /// If a service that is followed is not among `upstreams`.
    pub(crate) fn new(
        config: &LiveConfig,
        schema: Arc<Schema>,
        upstreams: &HashMap<&str, Upstream>,
        verifier: Arc<Verifier>,
        limits: Arc<Limits>,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            hub: Hub::new(schema.clone(), config.clone(), metrics.clone()),
            schema,
            places: Arc::new(Places::new(config.connections_per_address)),
            services: Services::new(upstreams)?,
            replays: Arc::new(Semaphore::new(REPLAYS)),
            config: config.clone(),
            verifier,
            limits,
            metrics,
            clock,
        })
    }

    /// Tells clients of changes until `stop`; then all of them are sent away.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let told = async {
            tokio::join!(
                join_all((0..SOURCES.len()).map(|source| self.follow(source))),
                self.end_revoked(),
                self.tick(),
            )
        };
        // A stream that ends because the process stops is none to warn of.
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            _ = told => {}
        }
        self.hub.stop();
        if tokio::time::timeout(FAREWELL, self.places.empty())
            .await
            .is_err()
        {
            tracing::warn!("some live connections were cut off");
        }
    }

    /// Ends the connections of revoked tokens.
    async fn end_revoked(&self) {
        let mut revoked = self.verifier.revocations().watch();
        self.hub.check_all(|user| self.counts(user));
        loop {
            match revoked.recv().await {
                Ok(tokens) => self.hub.revoke(tokens, |user| self.counts(user)),
                Err(RecvError::Lagged(_)) => self.hub.check_all(|user| self.counts(user)),
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn tick(&self) {
        loop {
            self.hub.until(true).await;
            tokio::time::sleep(TICK).await;
            self.hub.tick(self.clock.now());
        }
    }

    /// Whether somebody's token still counts.
    fn counts(&self, user: &User) -> bool {
        self.verifier.check(user).is_ok()
    }

    /// Waits until changes are heard of.
    async fn listen(&self) -> Result<Listening<'_>, Error> {
        let listening = tokio::time::timeout(PATIENCE, self.hub.listen()).await;
        listening.map_err(|_| Error::unavailable("the services are not followed"))
    }
}
