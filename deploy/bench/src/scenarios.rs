//! What is asked of the program, one thing after the other.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::{
    client::{Grpc, Rest},
    hashing::{self, Hashes},
    load::{self, Outcome, Times},
    program::{EMAIL, PASSWORD, Program},
    report::Row,
};

const PROJECTS: &str = "/api/v1/projects";
const LOGIN: &str = "/api/v1/auth/login";

/// How long each scenario is warmed up, and measured.
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(5);
/// Sign-ins and hashes alone take turns, so often and so long each: the machine
/// may be another one from second to second. The program keeps what it needs to
/// hash for longer than it waits here.
const ROUNDS: usize = 6;
const SIGNING_IN: Duration = Duration::from_millis(1_500);
const HASHING: Duration = Duration::from_millis(900);
/// How often memory is read while people sign in.
const SAMPLING: Duration = Duration::from_millis(20);
/// Callers at once.
const CALLERS: usize = 16;
/// Callers who sign in at once: more than the program lets wait.
const CROWD: usize = 256;
/// How long somebody who was refused stays away, as `Retry-After` asks.
const STAY_AWAY: Duration = Duration::from_secs(2);
/// Projects that lists are taken from.
const LISTED: usize = 1_000;
/// Reads a second while others sign in.
const READ_RATE: u32 = 100;

/// What came of all scenarios.
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    /// Sign-ins for each hash that the cores could compute.
    pub(crate) logins_per_hash: f64,
    /// The CPU time of a hash alone.
    pub(crate) hash_cpu: Duration,
    /// The CPU time of a sign-in, with its hash.
    pub(crate) login_cpu: Duration,
    /// The greatest memory in MB while people signed in.
    pub(crate) login_memory: f64,
}

/// Runs all scenarios.
pub(crate) async fn run(program: &Program, service_token: &str) -> anyhow::Result<Measured> {
    let bench = Bench::prepare(program, service_token).await?;
    let project = format!("{PROJECTS}/{}", bench.project_id);
    let patch = json!({"description": "Changed by the benchmark."}).to_string();
    let mut rows = vec![
        bench
            .rest("read a project", Method::GET, &project, "")
            .await?,
        bench
            .rest("list 20 of 1,000 projects", Method::GET, PROJECTS, "")
            .await?,
        bench
            .rest("read oneself", Method::GET, "/api/v1/auth/me", "")
            .await?,
        bench.check_access().await?,
        bench
            .rest("change a project", Method::PATCH, &project, &patch)
            .await?,
        bench.create().await?,
    ];
    let (login, hashes, login_memory) = bench.login().await?;
    let logins_per_hash = login.rate() / hashes.rate();
    let login_cpu = login.cpu_of_one().unwrap_or_default();
    rows.push(login);
    rows.push(bench.read_beside_logins(&project).await?);
    Ok(Measured {
        rows,
        logins_per_hash,
        hash_cpu: hashes.cpu(),
        login_cpu,
        login_memory,
    })
}

/// A program with something in it.
struct Bench<'a> {
    program: &'a Program,
    service_token: &'a str,
    token: String,
    user_id: String,
    project_id: String,
}

impl<'a> Bench<'a> {
    async fn prepare(program: &'a Program, service_token: &'a str) -> anyhow::Result<Self> {
        let mut rest = Rest::connect(program.http, None).await?;
        let login = rest.data(Method::POST, LOGIN, credentials()).await?;
        let token = text(&login["token"])?;
        let mut rest = Rest::connect(program.http, Some(&token)).await?;
        let mut project = Value::Null;
        for number in 0..LISTED {
            let body = new_project(&format!("Listed {number}"));
            project = rest.data(Method::POST, PROJECTS, body).await?;
        }
        Ok(Self {
            program,
            service_token,
            token,
            user_id: text(&login["user"]["id"])?,
            project_id: text(&project["id"])?,
        })
    }

    /// The same call over and over.
    async fn rest(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        body: &str,
    ) -> anyhow::Result<Row> {
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            let mut rest = self.signed_in().await?;
            let (method, body) = (method.clone(), Bytes::from(body.to_owned()));
            callers.push(async move || rest.drive(method.clone(), path, body.clone()).await);
        }
        self.saturate(name, &mut callers).await
    }

    async fn create(&self) -> anyhow::Result<Row> {
        let mut callers = Vec::new();
        for caller in 0..CALLERS {
            let mut rest = self.signed_in().await?;
            let mut number = 0;
            callers.push(async move || {
                number += 1;
                let body = new_project(&format!("Created {caller} {number}"));
                rest.drive(Method::POST, PROJECTS, body).await
            });
        }
        self.saturate("create a project", &mut callers).await
    }

    async fn check_access(&self) -> anyhow::Result<Row> {
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            let mut grpc = Grpc::connect(self.program.grpc, self.service_token).await?;
            callers.push(async move || grpc.check_access(&self.project_id, &self.user_id).await);
        }
        self.saturate("check a member, by gRPC", &mut callers).await
    }

    /// Sign-ins, hashes alone, and the greatest memory in MB during the former.
    async fn login(&self) -> anyhow::Result<(Row, Hashes, f64)> {
        let mut logins = self.logins(CALLERS).await?;
        load::closed(&mut logins, WARM_UP).await?;
        let mut hashes = hashing::measure(HASHING).await?;
        let (mut rounds, mut most) = (Vec::new(), 0.0);
        let (mut cpu, mut length) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..ROUNDS {
            let (before, begun) = (self.program.cpu_time()?, Instant::now());
            let round = load::closed(&mut logins, SIGNING_IN);
            rounds.push(self.watch_memory(round, &mut most).await?);
            cpu += self.program.cpu_time()? - before;
            length += begun.elapsed();
            hashes = hashes.and(hashing::measure(HASHING).await?);
        }
        let row = Row::new("sign in", Times::merge(rounds), length, Some(cpu));
        Ok((row, hashes, most))
    }

    /// Notes the greatest memory in MB while something goes on.
    async fn watch_memory<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
        most: &mut f64,
    ) -> anyhow::Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(SAMPLING) => *most = most.max(self.program.resident_memory()?),
            }
        }
    }

    /// Reads at a fixed rate while a crowd signs in.
    async fn read_beside_logins(&self, path: &str) -> anyhow::Result<Row> {
        let mut logins = self.logins(CROWD).await?;
        let mut readers = Vec::new();
        for _ in 0..CALLERS {
            let mut rest = self.signed_in().await?;
            readers.push(async move || rest.drive(Method::GET, path, "").await);
        }
        let (logins, reads) = tokio::try_join!(
            load::closed(&mut logins, LENGTH),
            load::steady(&mut readers, READ_RATE, LENGTH),
        )?;
        let row = Row::new("read a project while 256 sign in", reads, LENGTH, None);
        Ok(row.beside(logins))
    }

    async fn logins(
        &self,
        callers: usize,
    ) -> anyhow::Result<Vec<impl AsyncFnMut() -> anyhow::Result<Outcome>>> {
        let mut logins = Vec::new();
        for _ in 0..callers {
            let mut rest = Rest::connect(self.program.http, None).await?;
            logins.push(async move || {
                let outcome = rest.drive(Method::POST, LOGIN, credentials()).await?;
                if outcome == Outcome::Shed {
                    tokio::time::sleep(STAY_AWAY).await;
                }
                Ok(outcome)
            });
        }
        Ok(logins)
    }

    async fn signed_in(&self) -> anyhow::Result<Rest> {
        Rest::connect(self.program.http, Some(&self.token)).await
    }

    /// As many calls as the machine allows.
    async fn saturate<C>(&self, name: &'static str, callers: &mut [C]) -> anyhow::Result<Row>
    where
        C: AsyncFnMut() -> anyhow::Result<Outcome>,
    {
        load::closed(callers, WARM_UP).await?;
        let (cpu, begun) = (self.program.cpu_time()?, Instant::now());
        let times: Times = load::closed(callers, LENGTH).await?;
        let (cpu, length) = (self.program.cpu_time()? - cpu, begun.elapsed());
        Ok(Row::new(name, times, length, Some(cpu)))
    }
}

fn credentials() -> String {
    json!({"email": EMAIL, "password": PASSWORD}).to_string()
}

fn new_project(name: &str) -> String {
    json!({"name": name, "description": "Made by the benchmark."}).to_string()
}

fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("no text")?.to_owned())
}
