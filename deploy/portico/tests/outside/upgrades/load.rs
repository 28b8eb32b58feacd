//! Clients that go on asking for everything there is while an installation
//! changes under them. Not one request of theirs may fail: a client that is
//! answered anything but what it expects ends the test.

mod listener;
mod people;
mod programs;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use self::{listener::Listener, people::Person, programs::CallingProgram};
use super::{balancer::Balancer, replicas::Replicas};
use crate::{Rest, program::PATIENCE};

/// The pause between two rounds of a client: so many that all replicas are always
/// at work, and a small machine is not at its end.
const PACE: Duration = Duration::from_millis(30);

/// Rounds of all clients that follow each thing that happens.
const ROUNDS: u64 = 10;

pub(super) struct Load {
    clients: Vec<JoinHandle<Made>>,
    listeners: Vec<Listener>,
    rounds: Arc<Rounds>,
}

/// What a client was told it had made.
struct Made {
    /// The client, signed in.
    rest: Rest,
    projects: BTreeSet<String>,
}

#[derive(Default)]
struct Rounds {
    are_over: AtomicBool,
    count: AtomicU64,
}

impl Rounds {
    /// Whether there is one more.
    async fn next(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PACE).await;
        !self.are_over.load(Ordering::Relaxed)
    }
}

impl Load {
    /// Lets loose people who use the gateways, each with a stream of what
    /// changes, and programs that call the services.
    pub(super) async fn begin(site: &Replicas) -> Self {
        let gateways = Balancer::over(site.gateways());
        let rounds = Arc::new(Rounds::default());
        let (mut clients, mut listeners) = (Vec::new(), Vec::new());
        for name in ["ada", "bob"] {
            let person = Person::register(name, gateways.clone(), rounds.clone()).await;
            listeners.push(Listener::begin(gateways.clone(), person.token()));
            clients.push(tokio::spawn(person.work()));
        }
        let services = programs::Services::of(site);
        for name in ["eve", "kim"] {
            let (_, rest) = gateways.next().register(name).await;
            listeners.push(Listener::begin(gateways.clone(), rest.token()));
            let program = CallingProgram::new(name, rest, services.clone(), rounds.clone());
            clients.push(tokio::spawn(program.work()));
        }
        Self {
            clients,
            listeners,
            rounds,
        }
    }

    /// Waits until all of them have gone on for a while, without a failure.
    pub(super) async fn goes_on(&mut self) {
        let enough = self.rounds.count.load(Ordering::Relaxed) + ROUNDS;
        let reached = async {
            while self.rounds.count.load(Ordering::Relaxed) < enough {
                self.must_be_well().await;
                tokio::time::sleep(PACE).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the load goes on");
    }

    /// Fails with the first client that has.
    async fn must_be_well(&mut self) {
        if let Some(place) = self.clients.iter().position(JoinHandle::is_finished) {
            let ended = self.clients.swap_remove(place).await;
            ended.expect("no request fails");
        }
    }

    /// Ends it. What clients were told they had made is there, once, and they have
    /// heard of it.
    pub(super) async fn end(self) {
        self.rounds.are_over.store(true, Ordering::Relaxed);
        for (client, listener) in self.clients.into_iter().zip(self.listeners) {
            let made = client.await.expect("no request fails");
            let kept = made.rest.all("/api/v1/projects?role=OWNER").await;
            let ids: BTreeSet<String> = kept.iter().map(id).collect();
            assert_eq!(ids, made.projects);
            assert_eq!(kept.len(), ids.len(), "something was made twice");
            listener.must_hear_of(&made.projects).await;
        }
    }
}

fn id(thing: &serde_json::Value) -> String {
    thing["id"].as_str().expect("an id").to_owned()
}
