//! One channel over every address of a role. Names are resolved again and
//! again, as pods come and go behind a headless Service; an address that
//! accepts no connection is left out until it does, and so is one where nobody
//! answers who can be trusted.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use http::{Request, Response};
use tokio::sync::{
    Notify,
    mpsc::{Sender, error::SendError},
    watch,
};
use tonic::{
    body::Body,
    transport::{Channel, Endpoint, channel::Change},
};
use tower::ServiceExt as _;

use super::{
    Target,
    dial::{self, Dial},
    unsent::NoAddress,
};
use crate::tls::{Tls, reason};

/// Connections to each address: one HTTP/2 connection has one lock.
const CONNECTIONS: usize = 2;
/// The time between two looks at the names, and while nobody answers there.
const INTERVAL: Duration = Duration::from_secs(2);
const SEARCH_INTERVAL: Duration = Duration::from_millis(200);

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
    /// Asks for a look at the names before it is time.
    doubts: Arc<Notify>,
}

impl Balanced {
    pub(super) fn new(target: Target, tls: Option<Arc<Tls>>) -> Self {
        let (channel, changes) = Channel::balance_channel(64);
        let (found, state) = watch::channel(State::NotLooked);
        let doubts = Arc::new(Notify::new());
        let addresses = Addresses {
            dial: Dial::new(target, tls),
            changes,
            connected: BTreeMap::new(),
            refused: BTreeMap::new(),
            generation: 0,
        };
        tokio::spawn(addresses.follow(found, doubts.clone()));
        Self {
            channel,
            state,
            doubts,
        }
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
            return Err(NoAddress.into());
        }
        let sent = self.channel.clone().oneshot(request).await;
        if sent.is_err() {
            // Somebody has gone.
            self.doubts.notify_one();
        }
        Ok(sent?)
    }
}

/// The addresses that the channel is over.
struct Addresses {
    dial: Dial,
    changes: Sender<Change<Key, Endpoint>>,
    /// Each with the generation of credentials that its connections began by.
    connected: BTreeMap<SocketAddr, u64>,
    /// Why an address is left out, so that the log tells of changes.
    refused: BTreeMap<SocketAddr, String>,
    /// Grows with each change of the certificates that this process has.
    generation: u64,
}

/// What an address came to.
enum Found {
    /// It is connected to as it should be.
    AsBefore,
    /// Somebody answers, to whom connections are still to be made.
    New(Box<Endpoint>),
    /// Nobody accepts connections.
    Closed,
    /// Somebody does, who cannot be talked to.
    Refused(String),
}

impl Addresses {
    /// Looks at the names until every user of the channel is gone.
    async fn follow(mut self, found: watch::Sender<State>, doubts: Arc<Notify>) {
        let mut credentials = self.dial.changes();
        while !found.is_closed() {
            let Ok(state) = self.look().await else {
                return;
            };
            self.tell_of(found.send_replace(state), state);
            let pause = match state {
                State::Reachable => INTERVAL,
                _ => SEARCH_INTERVAL,
            };
            let have_changed = async {
                match &mut credentials {
                    Some(credentials) => credentials.changed().await.is_ok(),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = doubts.notified() => {}
                true = have_changed => self.generation += 1,
            }
        }
    }

    /// Looks at the names, and brings the channel in line with what is found.
    async fn look(&mut self) -> Result<State, SendError<Change<Key, Endpoint>>> {
        let found = self.find().await;
        let (connected, generation) = (&mut self.connected, self.generation);
        let mut open = BTreeSet::new();
        let mut refused = BTreeMap::new();
        for (address, found) in found {
            match found {
                Found::Closed => continue,
                Found::AsBefore => {}
                Found::New(endpoint) => {
                    // Connections by older certificates serve until these do.
                    for index in 0..CONNECTIONS {
                        let change = Change::Insert((address, index), Endpoint::clone(&endpoint));
                        self.changes.send(change).await?;
                    }
                    connected.insert(address, generation);
                }
                Found::Refused(reason) => {
                    if self.refused.get(&address) != Some(&reason) {
                        tracing::warn!(%address, %reason, "cannot connect");
                    }
                    refused.insert(address, reason);
                }
            }
            open.insert(address);
        }
        self.refused = refused;
        let gone: Vec<_> = connected
            .keys()
            .filter(|known| !open.contains(known))
            .copied()
            .collect();
        for address in gone {
            for index in 0..CONNECTIONS {
                self.changes.send(Change::Remove((address, index))).await?;
            }
            connected.remove(&address);
        }
        Ok(if connected.is_empty() {
            State::Unreachable
        } else {
            State::Reachable
        })
    }

    /// What each address behind the names comes to.
    async fn find(&self) -> Vec<(SocketAddr, Found)> {
        let addresses = self.dial.addresses().await;
        let looks = addresses.into_iter().map(|(address, name)| async move {
            let found = if !dial::is_open(address).await {
                Found::Closed
            } else if self.connected.get(&address) == Some(&self.generation) {
                Found::AsBefore
            } else {
                self.try_out(address, name).await
            };
            (address, found)
        });
        futures::future::join_all(looks).await
    }

    async fn try_out(&self, address: SocketAddr, name: &str) -> Found {
        let endpoint = match self.dial.endpoint(address, name) {
            Ok(endpoint) => Box::new(endpoint),
            Err(error) => return Found::Refused(reason(&error)),
        };
        if !self.dial.is_encrypted() {
            return Found::New(endpoint);
        }
        match dial::answers(&endpoint).await {
            Ok(()) => Found::New(endpoint),
            Err(reason) => Found::Refused(reason),
        }
    }

    fn tell_of(&self, before: State, now: State) {
        let hosts = self.dial.hosts();
        match (before, now) {
            (State::Reachable, State::Unreachable) => {
                tracing::warn!(?hosts, "no address accepts connections any more");
            }
            (State::Unreachable, State::Reachable) => {
                tracing::info!(?hosts, "connections are accepted again");
            }
            _ => {}
        }
    }
}
