//! Sends each call to one of the replicas that say that they are ready, in turn:
//! as load balancers do, and clients of gRPC behind a headless Service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use crate::Rest;

/// How often a replica is asked: often enough to notice in time that it drains.
const LOOK: Duration = Duration::from_millis(100);

/// A replica, and how it is called.
struct Replica<T> {
    way: T,
    is_ready: Arc<AtomicBool>,
    look: JoinHandle<()>,
}

pub(super) struct Balancer<T> {
    replicas: Vec<Replica<T>>,
    calls: AtomicUsize,
}

impl<T: Clone> Balancer<T> {
    /// Over replicas that are ready, each with its admin port.
    pub(super) fn over(replicas: impl IntoIterator<Item = (Rest, T)>) -> Arc<Self> {
        let replicas = replicas.into_iter().map(|(admin, way)| {
            let is_ready = Arc::new(AtomicBool::new(true));
            Replica {
                way,
                look: tokio::spawn(look(admin, is_ready.clone())),
                is_ready,
            }
        });
        Arc::new(Self {
            replicas: replicas.collect(),
            calls: AtomicUsize::new(0),
        })
    }

    /// The way for the next call.
    pub(super) fn next(&self) -> T {
        let ready = self.replicas.iter();
        let ready: Vec<_> = ready
            .filter(|replica| replica.is_ready.load(Ordering::Relaxed))
            .collect();
        let turn = self.calls.fetch_add(1, Ordering::Relaxed);
        let replica = ready.get(turn % ready.len().max(1));
        replica.expect("one of two is always ready").way.clone()
    }
}

impl<T> Drop for Replica<T> {
    fn drop(&mut self) {
        self.look.abort();
    }
}

async fn look(admin: Rest, is_ready: Arc<AtomicBool>) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        is_ready.store(admin.is_ready().await, Ordering::Relaxed);
    }
}
