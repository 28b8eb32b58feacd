//! Clients that write without a pause, each change under a key of its own, and
//! remember what they were answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    Installation, Rest,
    program::PATIENCE,
    rest::{Answer, account},
};

const REGISTER: &str = "/api/v1/auth/register";
const PROJECTS: &str = "/api/v1/projects";

/// A change, and what it was answered, if it was.
#[derive(Debug, Clone)]
struct Change {
    client: usize,
    path: String,
    key: String,
    body: Value,
    answer: Option<Value>,
}

/// Everything that was asked for so far.
pub(super) struct Load {
    anybody: Rest,
    makers: Vec<Rest>,
    people: Vec<String>,
    round: usize,
    changes: Vec<Change>,
}

/// The clients of one round.
pub(super) struct Clients {
    tasks: Vec<JoinHandle<Vec<Change>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    acknowledged: AtomicU64,
    more: Notify,
    is_over: AtomicBool,
}

impl Load {
    pub(super) async fn prepare(installation: &Installation) -> Self {
        let anybody = installation.rest.clone();
        let (mut makers, mut people) = (Vec::new(), Vec::new());
        for name in ["ada", "bob", "eve", "kim"] {
            let (person, rest) = anybody.register(name).await;
            people.push(person["id"].as_str().expect("an id").to_owned());
            makers.push(rest);
        }
        Self {
            anybody,
            makers,
            people,
            round: 0,
            changes: Vec::new(),
        }
    }

    /// Lets loose clients that register, and others that make projects and add
    /// members to them.
    pub(super) fn begin(&mut self) -> Clients {
        self.round += 1;
        let shared = Arc::new(Shared::default());
        let mut tasks = Vec::new();
        for client in 0..self.makers.len() {
            let writer = Writer {
                client,
                rest: self.makers[client].clone(),
                name: format!("load-{}-{client}", self.round),
                changes: Vec::new(),
                shared: shared.clone(),
            };
            let others = self.people.iter().enumerate();
            let others = others.filter(|(index, _)| *index != client);
            let others = others.map(|(_, id)| id.clone()).collect();
            tasks.push(tokio::spawn(writer.clone().make_projects(others)));
            let writer = Writer {
                rest: self.anybody.clone(),
                ..writer
            };
            if client % 2 == 0 {
                tasks.push(tokio::spawn(writer.register()));
            }
        }
        Clients { tasks, shared }
    }

    /// Stops the clients and notes what they have done.
    pub(super) async fn end(&mut self, clients: Clients) {
        clients.shared.is_over.store(true, Ordering::Relaxed);
        for task in clients.tasks {
            self.changes.extend(task.await.expect("no wrong answer"));
        }
    }

    /// Repeats what was not answered, which must now succeed: under the same
    /// key, or for every other account that was not made, under a new one.
    pub(super) async fn settle(&mut self) {
        for index in 0..self.changes.len() {
            let mut change = self.changes[index].clone();
            if change.answer.is_some() {
                continue;
            }
            if change.path == REGISTER && index % 2 == 0 && !self.can_sign_in(&change.body).await {
                change.key += "-again";
            }
            change.answer = Some(self.repeat(&change).await.data(201));
            self.changes[index] = change;
        }
    }

    async fn can_sign_in(&self, account: &Value) -> bool {
        let body = json!({"email": account["email"], "password": account["password"]});
        let answer = patiently(&self.anybody, "POST /api/v1/auth/login", &[], &body).await;
        assert!(matches!(answer.status, 200 | 401), "{}", answer.body);
        answer.status == 200
    }

    async fn repeat(&self, change: &Change) -> Answer {
        let rest = match &*change.path {
            REGISTER => &self.anybody,
            _ => &self.makers[change.client],
        };
        let headers = [("Idempotency-Key", &*change.key)];
        patiently(
            rest,
            &format!("POST {}", change.path),
            &headers,
            &change.body,
        )
        .await
    }

    /// Asks for everything again: every answer is the first one, and what the
    /// installation lists is what was made, once.
    pub(super) async fn everything_is_as_it_was_answered(&self, admin: &Rest) {
        let mut projects: BTreeMap<&str, i64> = BTreeMap::new();
        for change in &self.changes {
            let first = change.answer.as_ref().expect("settled");
            let again = self.repeat(change).await;
            assert_eq!(
                again.header("idempotency-replayed"),
                Some("true"),
                "{change:?}"
            );
            let again = again.data(201);
            if change.path == REGISTER {
                assert_eq!(again["user"], first["user"]);
                self.anybody
                    .login(change.body["email"].as_str().expect("text"))
                    .await;
                continue;
            }
            assert_eq!(again, *first, "{change:?}");
            let project = first["id"].as_str().or(first["projectId"].as_str());
            *projects.entry(project.expect("an id")).or_default() += 1;
        }
        let mut kept = 0;
        for maker in &self.makers {
            for project in maker.all("/api/v1/projects?role=OWNER").await {
                let id = project["id"].as_str().expect("an id");
                let members = maker.all(&format!("{PROJECTS}/{id}/members")).await;
                let expected = projects.get(id).copied();
                assert_eq!(project["memberCount"].as_i64(), expected, "{project}");
                assert_eq!(i64::try_from(members.len()).ok(), expected);
                kept += 1;
            }
        }
        assert_eq!(kept, projects.len(), "a project was made twice or lost");
        let people = admin.all("/api/v1/users?q=load-").await;
        let emails: BTreeSet<&str> = people
            .iter()
            .filter_map(|one| one["email"].as_str())
            .collect();
        assert_eq!(emails.len(), people.len());
        for change in self.changes.iter().filter(|change| change.path == REGISTER) {
            let email = change.body["email"].as_str().expect("text");
            assert!(emails.contains(email), "{email} is lost");
        }
    }
}

impl Clients {
    /// Waits until so many changes were acknowledged.
    pub(super) async fn acknowledged(&self, count: u64) {
        let reached = async {
            while self.shared.acknowledged.load(Ordering::Relaxed) < count {
                self.shared.more.notified().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the load is under way");
    }
}

#[derive(Clone)]
struct Writer {
    client: usize,
    rest: Rest,
    name: String,
    changes: Vec<Change>,
    shared: Arc<Shared>,
}

impl Writer {
    async fn register(mut self) -> Vec<Change> {
        while self.goes_on() {
            let name = format!("{}-{}", self.name, self.changes.len());
            if self.write(REGISTER, account(&name)).await.is_none() {
                break;
            }
        }
        self.changes
    }

    async fn make_projects(mut self, others: Vec<String>) -> Vec<Change> {
        'load: while self.goes_on() {
            let name = format!("{} {}", self.name, self.changes.len());
            let Some(project) = self.write(PROJECTS, json!({"name": name})).await else {
                break;
            };
            let members = format!(
                "{PROJECTS}/{}/members",
                project["id"].as_str().expect("an id")
            );
            for other in &others {
                let body = json!({"userId": other, "role": "MEMBER"});
                if self.write(&members, body).await.is_none() {
                    break 'load;
                }
            }
        }
        self.changes
    }

    fn goes_on(&self) -> bool {
        !self.shared.is_over.load(Ordering::Relaxed)
    }

    /// Asks for a change. Whoever is not answered does not know what became of
    /// it; any answer but success and "not now" is wrong.
    async fn write(&mut self, path: &str, body: Value) -> Option<Value> {
        let key = format!("{}-{path}-{}", self.name, self.changes.len());
        let headers = [("Idempotency-Key", &*key)];
        let called = self
            .rest
            .call(&format!("POST {path}"), &headers, Some(&body))
            .await;
        let answer = match called {
            Ok(answer) if matches!(answer.status, 503 | 504) => None,
            Ok(answer) => Some(answer.data(201)),
            Err(_) => None,
        };
        self.changes.push(Change {
            client: self.client,
            path: path.to_owned(),
            key,
            body,
            answer: answer.clone(),
        });
        if answer.is_some() {
            self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            self.shared.more.notify_one();
        }
        answer
    }
}

/// Calls until the roles have found each other again: until then 503 says so.
async fn patiently(rest: &Rest, line: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = rest
            .call(line, headers, Some(body))
            .await
            .expect("an answer");
        if answer.status != 503 {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{line}: {}", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
