//! Clients that write without a pause, each change under a key of its own. What
//! was acknowledged is there afterwards; what was not is asked for again under
//! the same key, and then made exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::calls::told;
use crate::{Rest, program::PATIENCE};

const LINE: &str = "POST /api/v1/projects";

/// What somebody asked for, and the project that was made, if that was said.
struct Change {
    key: String,
    made: Option<Value>,
    what: String,
    took: Duration,
}

pub(super) struct Writers {
    person: Rest,
    is_over: Arc<AtomicBool>,
    writing: Vec<JoinHandle<Vec<Change>>>,
}

/// What was asked for.
pub(super) struct Written {
    person: Rest,
    changes: Vec<Change>,
}

impl Writers {
    /// Lets so many clients loose, with a pause of each between two changes.
    pub(super) fn begin(person: &Rest, name: &str, count: usize, pause: Duration) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let writing = (0..count).map(|number| {
            let (person, is_over) = (person.clone(), is_over.clone());
            let name = format!("{name}-{number}");
            tokio::spawn(async move {
                let mut changes = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    changes.push(write(&person, format!("{name}-{}", changes.len())).await);
                    tokio::time::sleep(pause).await;
                }
                changes
            })
        });
        Self {
            person: person.clone(),
            writing: writing.collect(),
            is_over,
        }
    }

    pub(super) async fn end(self) -> Written {
        self.is_over.store(true, Ordering::Relaxed);
        let mut changes = Vec::new();
        for writing in self.writing {
            changes.extend(writing.await.expect("no wrong answer"));
        }
        let person = self.person;
        Written { person, changes }
    }
}

impl Written {
    /// What was seen, each once, with the longest time that it took.
    pub(super) fn seen(&self) -> BTreeMap<&str, Duration> {
        let mut seen = BTreeMap::new();
        for change in &self.changes {
            let longest = seen.entry(&*change.what).or_default();
            *longest = change.took.max(*longest);
        }
        seen
    }

    /// Asks again for what was not acknowledged, and for the rest as well: every
    /// change is there once. Returns the ids of all.
    pub(super) async fn settle(self) -> BTreeSet<String> {
        let mut made = BTreeMap::new();
        for change in &self.changes {
            let body = json!({"name": change.key});
            let again = insist(&self.person, LINE, &change.key, &body).await;
            if let Some(first) = &change.made {
                assert_eq!(again, *first, "{}: another answer", change.key);
            }
            let id = again["id"].as_str().expect("an id").to_owned();
            made.insert(change.key.clone(), id);
        }
        let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for project in self.person.all("/api/v1/projects?role=OWNER").await {
            let text = |name: &str| project[name].as_str().expect("text").to_owned();
            kept.entry(text("name")).or_default().push(text("id"));
        }
        for (key, id) in &made {
            assert_eq!(kept.get(key), Some(&vec![id.clone()]), "{key}");
        }
        made.into_values().collect()
    }
}

async fn write(person: &Rest, key: String) -> Change {
    let begun = Instant::now();
    let headers = [("Idempotency-Key", &*key)];
    let body = json!({"name": key});
    let called = person.call(LINE, &headers, Some(&body)).await;
    let (what, made) = match called {
        Err(_) => ("no answer".to_owned(), None),
        Ok(answer) if answer.status == 201 => ("200".to_owned(), Some(answer.data(201))),
        Ok(answer) => (told(&answer), None),
    };
    Change {
        key,
        made,
        what,
        took: begun.elapsed(),
    }
}

/// Asks for a change until it is made. What was asked for before may still be in
/// progress.
pub(super) async fn insist(person: &Rest, line: &str, key: &str, body: &Value) -> Value {
    let begun = Instant::now();
    let headers = [("Idempotency-Key", key)];
    loop {
        let answer = person.call(line, &headers, Some(body)).await;
        let answer = answer.expect("an answer");
        let is_passing = matches!(answer.status, 503)
            || answer.body["error"]["code"] == "IDEMPOTENCY_KEY_IN_USE";
        if !is_passing {
            return answer.data(201);
        }
        assert!(begun.elapsed() < PATIENCE, "{key}: {}", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
