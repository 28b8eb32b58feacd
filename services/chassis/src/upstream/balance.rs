//! One channel over every address of a role. Names are resolved again and
//! again, as pods come and go behind a headless Service; an address that
//! accepts no connection is left out until it does.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use tokio::{
    net::TcpStream,
    sync::{mpsc::Sender, watch},
    time::timeout,
};
use tonic::{
    body::Body,
    transport::{Channel, ClientTlsConfig, Endpoint, channel::Change},
};
use tower::ServiceExt as _;

use super::Target;

/// Connections to each address: one HTTP/2 connection has one lock.
const CONNECTIONS: usize = 2;
/// The time between two looks at the names, and while nobody answers there.
const INTERVAL: Duration = Duration::from_secs(2);
const SEARCH_INTERVAL: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often it is asked whether somebody is still there, and how long for an
/// answer is waited: a connection that was lost without a sign is given up after
/// both.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// One connection: an address, and which of its connections.
type Key = (SocketAddr, usize);

/// What the last look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    NotLooked,
    Reachable,
    Unreachable,
}

#[derive(Clone)]
pub(super) struct Balanced {
    channel: Channel,
    state: watch::Receiver<State>,
}

impl Balanced {
    pub(super) fn new(target: Target) -> Self {
        let (channel, changes) = Channel::balance_channel(64);
        let (found, state) = watch::channel(State::NotLooked);
        tokio::spawn(watch_names(target, changes, found));
        Self { channel, state }
    }

    pub(super) async fn is_reachable(&self) -> bool {
        let mut state = self.state.clone();
        state
            .wait_for(|state| *state != State::NotLooked)
            .await
            .is_ok_and(|state| *state == State::Reachable)
    }

    pub(super) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
        // A balancer without addresses would wait for one for ever.
        if !self.is_reachable().await {
            return Err("no address of the service accepts connections".into());
        }
        Ok(self.channel.clone().oneshot(request).await?)
    }
}

/// Looks at the names until every user of the channel is gone.
async fn watch_names(
    target: Target,
    changes: Sender<Change<Key, Endpoint>>,
    found: watch::Sender<State>,
) {
    let target = Arc::new(target);
    let mut current = BTreeSet::new();
    while !found.is_closed() {
        let reachable = reachable(&target).await;
        for gone in current.difference(&reachable) {
            for index in 0..CONNECTIONS {
                if changes.send(Change::Remove((*gone, index))).await.is_err() {
                    return;
                }
            }
        }
        for new in reachable.difference(&current) {
            match endpoint(&target, *new) {
                Ok(endpoint) => {
                    for index in 0..CONNECTIONS {
                        let change = Change::Insert((*new, index), endpoint.clone());
                        if changes.send(change).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => tracing::error!(address = %new, %error, "cannot connect"),
            }
        }
        let (state, pause) = if reachable.is_empty() {
            (State::Unreachable, SEARCH_INTERVAL)
        } else {
            (State::Reachable, INTERVAL)
        };
        match (found.send_replace(state), state) {
            (State::Reachable, State::Unreachable) => {
                tracing::warn!(hosts = ?target.hosts, "no address accepts connections any more");
            }
            (State::Unreachable, State::Reachable) => {
                tracing::info!(hosts = ?target.hosts, "connections are accepted again");
            }
            _ => {}
        }
        current = reachable;
        tokio::time::sleep(pause).await;
    }
}

/// The addresses behind the target's names that accept connections.
async fn reachable(target: &Target) -> BTreeSet<SocketAddr> {
    let mut addresses = BTreeSet::new();
    for host in &target.hosts {
        match tokio::net::lookup_host(host).await {
            Ok(found) => addresses.extend(found),
            Err(error) => tracing::debug!(host, %error, "the name has no address"),
        }
    }
    let probes = addresses.into_iter().map(|address| async move {
        let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
        matches!(connected, Ok(Ok(_))).then_some(address)
    });
    futures::future::join_all(probes)
        .await
        .into_iter()
        .flatten()
        .collect()
}

fn endpoint(target: &Target, address: SocketAddr) -> Result<Endpoint, tonic::transport::Error> {
    let scheme = if target.is_tls { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .http2_adaptive_window(true);
    if !target.is_tls {
        return Ok(endpoint);
    }
    let name = target.hosts[0]
        .rsplit_once(':')
        .map_or(target.hosts[0].as_str(), |(name, _port)| name);
    endpoint.tls_config(ClientTlsConfig::new().with_native_roots().domain_name(name))
}
