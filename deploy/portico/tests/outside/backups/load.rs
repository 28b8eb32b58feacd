//! People who register and make projects, one after another, at the same time.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use tokio::{sync::Notify, task::JoinSet};

use crate::{program::PATIENCE, rest::Rest};

/// How many of them do so at the same time.
const CLIENTS: usize = 3;

/// A person with a project, as they were answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    email: String,
    project: String,
}

/// What goes on until it is ended.
pub(super) struct Load {
    clients: JoinSet<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    made: Mutex<Vec<Made>>,
    more: Notify,
    is_over: AtomicBool,
}

impl Load {
    pub(super) fn begin(rest: &Rest) -> Self {
        let (mut clients, shared) = (JoinSet::new(), Arc::<Shared>::default());
        for client in 0..CLIENTS {
            clients.spawn(work(rest.clone(), client, shared.clone()));
        }
        Self { clients, shared }
    }

    /// Waits until so many have been made.
    pub(super) async fn acknowledged(&self, count: usize) {
        let enough = async {
            while self.so_far().len() < count {
                self.shared.more.notified().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        waited.expect("they are made");
    }

    pub(super) fn so_far(&self) -> Vec<Made> {
        self.shared.made.lock().expect("not poisoned").clone()
    }

    /// Ends it, and answers what was made.
    pub(super) async fn end(self) -> Vec<Made> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // A client that was refused anything has panicked.
        self.clients.join_all().await;
        self.shared.made.lock().expect("not poisoned").clone()
    }
}

async fn work(rest: Rest, client: usize, shared: Arc<Shared>) {
    for number in 0.. {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("person-{client}-{number}");
        let (person, own) = rest.register(&name).await;
        let project = own.post("/api/v1/projects", json!({"name": name})).await;
        let made = Made {
            email: person["email"].as_str().expect("an address").to_owned(),
            project: project["id"].as_str().expect("an id").to_owned(),
        };
        shared.made.lock().expect("not poisoned").push(made);
        shared.more.notify_one();
    }
}

impl Made {
    /// Whether the person can sign in, and has the project.
    pub(super) async fn is_whole(&self, rest: &Rest) -> bool {
        let body = json!({"email": self.email, "password": crate::rest::PASSWORD});
        let answer = rest.call("POST /api/v1/auth/login", &[], Some(&body)).await;
        let answer = answer.expect("an answer");
        if answer.status != 200 {
            return false;
        }
        let data = answer.data(200);
        let own = rest.with_token(data["token"].as_str().expect("a token"));
        let projects = own.all("/api/v1/projects").await;
        projects
            .iter()
            .any(|project| project["id"] == *self.project)
    }
}
