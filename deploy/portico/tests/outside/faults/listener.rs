//! A client of the stream of changes that comes back whenever it was cut off,
//! and goes on after what it has seen.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::Rest;

/// The stream says at least so often that it is there.
const SILENCE: Duration = Duration::from_secs(35);

const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Listener {
    heard: Arc<Mutex<BTreeSet<String>>>,
    listening: JoinHandle<()>,
}

impl Listener {
    /// Listens to what somebody may see from now on.
    pub(super) async fn begin(person: &Rest) -> Self {
        let heard = Arc::new(Mutex::default());
        let (is_open, open) = tokio::sync::oneshot::channel();
        let listening = tokio::spawn(listen(person.clone(), Arc::clone(&heard), is_open));
        open.await.expect("the stream begins");
        Self { heard, listening }
    }

    /// Waits until it has heard that these projects were made.
    pub(super) async fn has_heard(&self, projects: &BTreeSet<String>, within: Duration) {
        let begun = Instant::now();
        loop {
            let missing = {
                let heard = self.heard.lock().expect("not poisoned");
                projects.difference(&heard).count()
            };
            if missing == 0 {
                return;
            }
            assert!(
                begun.elapsed() < within,
                "{missing} of {} changes are not told",
                projects.len()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(
    person: Rest,
    heard: Arc<Mutex<BTreeSet<String>>>,
    is_open: tokio::sync::oneshot::Sender<()>,
) {
    let mut is_open = Some(is_open);
    let mut last_id = None;
    loop {
        if let Ok(mut response) = person.open("/api/v1/events", last_id.as_deref()).await {
            let mut text = String::new();
            while let Ok(Ok(Some(bytes))) = tokio::time::timeout(SILENCE, response.chunk()).await {
                text.push_str(&String::from_utf8_lossy(&bytes));
                while let Some((block, rest)) = text.split_once("\n\n") {
                    if let Some(id) = field(block, "id: ") {
                        last_id = Some(id.to_owned());
                        if let Some(is_open) = is_open.take() {
                            let _ = is_open.send(());
                        }
                    }
                    note(block, &heard);
                    text = rest.to_owned();
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn note(block: &str, heard: &Mutex<BTreeSet<String>>) {
    match (field(block, "event: "), field(block, "data: ")) {
        (Some("project:created"), Some(data)) => {
            let project: Value = serde_json::from_str(data).expect("JSON");
            let id = project["id"].as_str().expect("an id").to_owned();
            heard.lock().expect("not poisoned").insert(id);
        }
        (Some("resync"), _) => panic!("changes were missed"),
        _ => {}
    }
}

fn field<'b>(block: &'b str, name: &str) -> Option<&'b str> {
    block.lines().find_map(|line| line.strip_prefix(name))
}
