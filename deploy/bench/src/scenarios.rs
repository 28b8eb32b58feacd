//! What is asked of a target, and the callers who do so.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use futures::future::try_join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    client::{Api, Grpc, Rest, text},
    load::{Call, Outcome},
    target::{Started, Target},
};

/// Projects that lists are taken from.
const LISTED: usize = 1_000;
/// How many make them at a time.
const MAKERS: usize = 8;
/// How long somebody who was refused stays away, as `Retry-After` asks.
const STAY_AWAY: Duration = Duration::from_secs(2);
/// In a mixture, one call of so many is a change.
const CHANGE_OF: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Read,
    List,
    Me,
    Patch,
    Create,
    Mixed,
    CheckMember,
    Refresh,
    Login,
}

impl Scenario {
    pub(crate) const ALL: &[Self] = &[
        Self::Read,
        Self::List,
        Self::Me,
        Self::Patch,
        Self::Create,
        Self::Mixed,
        Self::CheckMember,
        Self::Refresh,
        Self::Login,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read a project",
            Self::List => "list 20 of 1,000",
            Self::Me => "read oneself",
            Self::Patch => "change a project",
            Self::Create => "create a project",
            Self::Mixed => "9 reads, 1 change",
            Self::CheckMember => "check a member, by gRPC",
            Self::Refresh => "refresh a token",
            Self::Login => "sign in",
        }
    }
}

/// Somebody who is signed in to a target with a thousand projects.
pub(crate) struct Session {
    api: Api,
    http: SocketAddr,
    grpc: Option<(SocketAddr, String)>,
    authorization: String,
    user_id: String,
    projects: Vec<String>,
}

impl Session {
    /// Makes the projects, where the target did not come with them.
    pub(crate) async fn begin(target: &Target, started: &Started) -> anyhow::Result<Self> {
        let session = Self::sign_in(target.api, started.running.http, started.grpc.clone()).await?;
        if target.is_portico() {
            session.make_projects().await?;
        }
        session.with_projects().await
    }

    /// At Portico, with projects that are there already if there are any.
    pub(crate) async fn sign_in(
        api: Api,
        http: SocketAddr,
        grpc: Option<(SocketAddr, String)>,
    ) -> anyhow::Result<Self> {
        let mut rest = Rest::connect(http, None).await?;
        let answer = rest
            .answer(Method::POST, api.sign_in, api.credentials())
            .await?;
        Ok(Self {
            api,
            http,
            grpc,
            authorization: format!("{}{}", api.scheme, text(&answer, api.token)?),
            user_id: text(&answer, api.user_id)?,
            projects: Vec::new(),
        })
    }

    pub(crate) async fn make_projects(&self) -> anyhow::Result<()> {
        let makers = (0..MAKERS).map(async |_| {
            let mut rest = self.connect().await?;
            for _ in 0..LISTED / MAKERS {
                rest.answer(Method::POST, self.api.create, new_project())
                    .await?;
            }
            anyhow::Ok(())
        });
        try_join_all(makers).await?;
        Ok(())
    }

    pub(crate) async fn with_projects(mut self) -> anyhow::Result<Self> {
        let mut rest = self.connect().await?;
        let answer = rest.answer(Method::GET, self.api.list, "").await?;
        let (list, id) = self.api.listed;
        let listed = answer.pointer(list).and_then(Value::as_array);
        let listed = listed.with_context(|| format!("no {list} in {answer}"))?;
        let id = format!("/{id}");
        let ids = listed.iter().map(|project| text(project, &id));
        self.projects = ids.collect::<Result<_, _>>()?;
        anyhow::ensure!(self.projects.len() == 20, "no 20 projects in {answer}");
        Ok(self)
    }

    /// The same person at another door to the same target.
    pub(crate) fn at(&self, http: SocketAddr) -> Self {
        Self {
            http,
            api: self.api,
            grpc: self.grpc.clone(),
            authorization: self.authorization.clone(),
            user_id: self.user_id.clone(),
            projects: self.projects.clone(),
        }
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Rest> {
        Rest::connect(self.http, Some(&self.authorization)).await
    }

    /// So many callers at once. Each has a connection and a project of its own.
    pub(crate) async fn callers(
        &self,
        scenario: Scenario,
        count: usize,
    ) -> anyhow::Result<Vec<Caller>> {
        let callers = (0..count).map(|number| self.caller(scenario, number));
        try_join_all(callers).await
    }

    async fn caller(&self, scenario: Scenario, number: usize) -> anyhow::Result<Caller> {
        let project_id = &self.projects[number % self.projects.len()];
        if scenario == Scenario::CheckMember {
            let (address, token) = self.grpc.as_ref().context("no gRPC")?;
            return Ok(Caller::Grpc {
                grpc: Grpc::connect(*address, token).await?,
                project_id: project_id.clone(),
                user_id: self.user_id.clone(),
            });
        }
        let project = self.api.project.replace("{project}", project_id);
        let (rest, work) = match scenario {
            Scenario::Read => (self.connect().await?, Work::Get(project)),
            Scenario::List => (self.connect().await?, Work::Get(self.api.list.to_owned())),
            Scenario::Me => {
                let me = self.api.me.replace("{user}", &self.user_id);
                (self.connect().await?, Work::Get(me))
            }
            Scenario::Patch => (self.connect().await?, Work::Change(project)),
            Scenario::Create => (self.connect().await?, Work::Create(self.api.create)),
            Scenario::Mixed => (self.connect().await?, Work::Mixed(project, number)),
            Scenario::Refresh => {
                let mut rest = Rest::connect(self.http, None).await?;
                let answer = rest
                    .answer(Method::POST, self.api.sign_in, self.api.credentials())
                    .await?;
                let path = self.api.refresh.context("no refresh")?;
                (rest, Work::Refresh(path, text(&answer, REFRESH_TOKEN)?))
            }
            Scenario::Login | Scenario::CheckMember => {
                let work = Work::Login(self.api.sign_in, self.api.credentials());
                (Rest::connect(self.http, None).await?, work)
            }
        };
        Ok(Caller::Rest { rest, work })
    }
}

const REFRESH_TOKEN: &str = "/data/refreshToken";

/// Somebody who does one thing over and over.
pub(crate) enum Caller {
    Rest {
        rest: Rest,
        work: Work,
    },
    Grpc {
        grpc: Grpc,
        project_id: String,
        user_id: String,
    },
}

pub(crate) enum Work {
    Get(String),
    Change(String),
    Create(&'static str),
    /// Reads of a project, of which every tenth is a change, from this one on.
    Mixed(String, usize),
    /// With the token that was answered last.
    Refresh(&'static str, String),
    Login(&'static str, Bytes),
}

impl Call for Caller {
    async fn call(&mut self) -> anyhow::Result<Outcome> {
        match self {
            Self::Rest { rest, work } => work.call(rest).await,
            Self::Grpc {
                grpc,
                project_id,
                user_id,
            } => grpc.check_access(project_id, user_id).await,
        }
    }
}

impl Work {
    async fn call(&mut self, rest: &mut Rest) -> anyhow::Result<Outcome> {
        let (outcome, _) = match self {
            Self::Get(path) => rest.drive(Method::GET, path, Bytes::new()).await?,
            Self::Change(path) => rest.drive(Method::PATCH, path, change()).await?,
            Self::Create(path) => rest.drive(Method::POST, path, new_project()).await?,
            Self::Mixed(path, number) => {
                *number += 1;
                if number.is_multiple_of(CHANGE_OF) {
                    rest.drive(Method::PATCH, path, change()).await?
                } else {
                    rest.drive(Method::GET, path, Bytes::new()).await?
                }
            }
            Self::Refresh(path, token) => {
                let body = json!({"refreshToken": token}).to_string();
                let (outcome, answer) = rest.drive(Method::POST, path, body.into()).await?;
                if outcome == Outcome::Done {
                    *token = text(&serde_json::from_slice(&answer)?, REFRESH_TOKEN)?;
                }
                (outcome, answer)
            }
            Self::Login(path, credentials) => {
                rest.drive(Method::POST, path, credentials.clone()).await?
            }
        };
        if outcome == Outcome::Shed {
            sleep(STAY_AWAY).await;
        }
        Ok(outcome)
    }
}

/// A number that no other call has, so that no two do the same.
fn unique() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn new_project() -> Bytes {
    let name = format!("Project {}", unique());
    let body = json!({
        "name": name,
        "description": "Made by the benchmark.",
        "visibility": "PRIVATE",
    });
    Bytes::from(body.to_string())
}

/// Something that was not so before.
pub(crate) fn change() -> Bytes {
    let description = format!("Changed by the benchmark, {}.", unique());
    Bytes::from(json!({"description": description}).to_string())
}
