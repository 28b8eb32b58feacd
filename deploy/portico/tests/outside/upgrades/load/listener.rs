//! A client that is told what changes, and comes back when its gateway goes.

use std::{collections::BTreeSet, sync::Arc};

use tokio::{sync::watch, task::JoinHandle};

use super::id;
use crate::{Rest, program::PATIENCE, upgrades::balancer::Balancer};

pub(super) struct Listener {
    heard: watch::Receiver<BTreeSet<String>>,
    listens: JoinHandle<()>,
}

impl Listener {
    /// Listens as whoever has this token.
    pub(super) fn begin(gateways: Arc<Balancer<Rest>>, token: &str) -> Self {
        let (told, heard) = watch::channel(BTreeSet::new());
        let listening = Listening {
            token: token.to_owned(),
            text: String::new(),
            last_id: None,
            told,
        };
        Self {
            heard,
            listens: tokio::spawn(listening.listen(gateways)),
        }
    }

    /// Waits until it has heard that all of these projects were made.
    pub(super) async fn must_hear_of(mut self, projects: &BTreeSet<String>) {
        let all = self.heard.wait_for(|heard| projects.is_subset(heard));
        let all = tokio::time::timeout(PATIENCE, all).await;
        all.expect("nothing is left out").expect("it listens");
        self.listens.abort();
    }
}

struct Listening {
    token: String,
    /// What is not yet a whole event.
    text: String,
    /// The last event that was heard.
    last_id: Option<String>,
    told: watch::Sender<BTreeSet<String>>,
}

impl Listening {
    async fn listen(mut self, gateways: Arc<Balancer<Rest>>) {
        loop {
            let gateway = gateways.next().with_token(&self.token);
            let stream = gateway.open("/api/v1/events", self.last_id.as_deref());
            let mut stream = stream.await.expect("no stream is refused");
            // It ends with its gateway, perhaps in the middle of an event.
            while let Ok(Some(chunk)) = stream.chunk().await {
                self.text += std::str::from_utf8(&chunk).expect("text");
                self.take_whole_events();
            }
            self.text.clear();
        }
    }

    fn take_whole_events(&mut self) {
        while let Some((event, rest)) = self.text.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            if field("event: ") == Some("project:created") {
                let data = field("data: ").expect("data");
                let made = id(&serde_json::from_str(data).expect("JSON"));
                self.told.send_modify(|heard| {
                    heard.insert(made);
                });
            }
            self.last_id = field("id: ").map(str::to_owned).or(self.last_id.take());
            self.text = rest.to_owned();
        }
    }
}
