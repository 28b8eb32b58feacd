//! What is measured. A peer is one entry here: how it is started, and how it is
//! asked for the same things.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    client::Api,
    installation::{Installation, Portico, Shape},
    machine::{self, free_addresses},
    postgres::Postgres,
    process::Process,
    scenarios::Scenario,
    settings::Settings,
};

/// Who signs in, everywhere.
pub(crate) const EMAIL: &str = "root@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
    pub(crate) api: Api,
    pub(crate) scenarios: &'static [Scenario],
    /// How long each scenario is warmed up, in lengths of a measurement.
    pub(crate) warm_up: f64,
}

/// How a target is started.
pub(crate) enum Start {
    Portico(Shape),
    /// By a script that takes a port, makes its data in BENCH_DATA, says `ready`
    /// when it serves a thousand projects, and ends on SIGTERM.
    Script {
        path: &'static str,
        /// What its process is called in the tables.
        role: &'static str,
        /// Whether it gets an empty database as DATABASE_URL.
        on_postgres: bool,
    },
}

/// A target as it runs.
pub(crate) struct Running {
    pub(crate) http: SocketAddr,
    pub(crate) processes: Vec<Process>,
    pub(crate) postgres: Option<Postgres>,
    /// Where each service is, if they are on their own.
    pub(crate) services: Vec<(&'static str, SocketAddr)>,
}

/// A target that was started, with its data.
pub(crate) struct Started {
    pub(crate) running: Running,
    /// Where and by what token members are checked, if it is Portico.
    pub(crate) grpc: Option<(SocketAddr, String)>,
    /// Removed with the target.
    _data: Data,
}

#[expect(dead_code, reason = "held until the target has ended")]
enum Data {
    Installation(Installation),
    Folder(tempfile::TempDir),
}

/// For what is compiled before it runs.
const WARM_UP: f64 = 0.25;

/// What peers can be asked.
const PEER: &[Scenario] = &[
    Scenario::Read,
    Scenario::List,
    Scenario::Me,
    Scenario::Patch,
    Scenario::Create,
    Scenario::Mixed,
];

/// In the order in which they take turns. Those on one PostgreSQL have Express
/// before them, as they are held to a part of what it can do.
pub(crate) const TARGETS: [Target; 5] = [
    Target {
        name: EXPRESS,
        start: Start::Script {
            path: "deploy/bench/peers/express/start",
            role: "express",
            on_postgres: true,
        },
        api: Api {
            list: "/api/v1/projects?page_size=20",
            refresh: None,
            ..Api::PORTICO
        },
        scenarios: PEER,
        // Node compiles what runs often, over some ten seconds.
        warm_up: 3.0,
    },
    Target {
        name: SEPARATE,
        start: Start::Portico(Shape::SeparateOnPostgres),
        api: Api::PORTICO,
        scenarios: Scenario::ALL,
        warm_up: WARM_UP,
    },
    Target {
        name: ON_POSTGRES,
        start: Start::Portico(Shape::OneProcessOnPostgres),
        api: Api::PORTICO,
        scenarios: Scenario::ALL,
        warm_up: WARM_UP,
    },
    Target {
        name: POCKETBASE,
        start: Start::Script {
            path: "deploy/bench/peers/pocketbase/start",
            role: "pocketbase",
            on_postgres: false,
        },
        api: Api {
            sign_in: "/api/collections/users/auth-with-password",
            account: "identity",
            token: "/token",
            user_id: "/record/id",
            scheme: "",
            me: "/api/collections/users/records/{user}",
            list: "/api/collections/mine/records?perPage=20&sort=-joined&skipTotal=1",
            listed: ("/items", "project"),
            project: "/api/collections/projects/records/{project}",
            create: "/api/collections/projects/records",
            refresh: None,
        },
        scenarios: PEER,
        warm_up: WARM_UP,
    },
    Target {
        name: ON_SQLITE,
        start: Start::Portico(Shape::OneProcessOnSqlite),
        api: Api::PORTICO,
        scenarios: Scenario::ALL,
        warm_up: WARM_UP,
    },
];

pub(crate) const EXPRESS: &str = "Express + Prisma";
pub(crate) const SEPARATE: &str = "Portico, separate roles, PostgreSQL";
pub(crate) const ON_POSTGRES: &str = "Portico, one process, PostgreSQL";
pub(crate) const POCKETBASE: &str = "PocketBase";
pub(crate) const ON_SQLITE: &str = "Portico, one process, SQLite";

impl Target {
    /// Starts it on fresh data.
    pub(crate) async fn start(&self, settings: &Settings) -> anyhow::Result<Started> {
        match self.start {
            Start::Portico(shape) => {
                let mut installation = Installation::new(settings, shape)?;
                let Portico {
                    running,
                    grpc,
                    service_token,
                    ..
                } = installation.start().await?;
                Ok(Started {
                    running,
                    grpc: Some((grpc, service_token)),
                    _data: Data::Installation(installation),
                })
            }
            Start::Script {
                path,
                role,
                on_postgres,
            } => start_script(settings, path, role, on_postgres).await,
        }
    }

    pub(crate) fn is_portico(&self) -> bool {
        matches!(self.start, Start::Portico(_))
    }
}

async fn start_script(
    settings: &Settings,
    path: &str,
    role: &'static str,
    on_postgres: bool,
) -> anyhow::Result<Started> {
    anyhow::ensure!(Path::new(path).exists(), "{path} is not there");
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let [http] = free_addresses()?;
    let mut command = Command::new(path);
    command
        .arg(http.port().to_string())
        .env("BENCH_DATA", folder.path())
        .stdout(Stdio::piped());
    let mut postgres = None;
    if on_postgres {
        let started = Postgres::start(&settings.folder.join("postgres"))?;
        command.env("DATABASE_URL", started.fresh(role)?);
        postgres = Some(started);
    }
    let mut process = Process::start(role, &mut command)?;
    let output = process.output().context("no output")?;
    let first = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line)
    });
    let line = first.await??;
    anyhow::ensure!(line.starts_with("ready "), "{path} did not become ready");
    let mut running = Running::new(http, postgres);
    running.processes.push(process);
    Ok(Started {
        running,
        grpc: None,
        _data: Data::Folder(folder),
    })
}

impl Running {
    pub(crate) fn new(http: SocketAddr, postgres: Option<Postgres>) -> Self {
        Self {
            http,
            processes: Vec::new(),
            postgres,
            services: Vec::new(),
        }
    }

    /// Where a service is that is on its own.
    pub(crate) fn service(&self, name: &str) -> anyhow::Result<SocketAddr> {
        let found = self.services.iter().find(|(known, _)| *known == name);
        Ok(found.context("no such service")?.1)
    }

    /// Each role with the number of its process, the database last.
    fn roles(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let processes = self.processes.iter();
        let postgres = self.postgres.iter();
        processes
            .map(|process| (process.role, process.number))
            .chain(postgres.map(|postgres| ("postgres", postgres.number)))
    }

    /// The CPU time that each role has taken so far.
    pub(crate) fn cpu_times(&self) -> Vec<(&'static str, Duration)> {
        self.roles()
            .map(|(role, number)| (role, machine::cpu_time(number)))
            .collect()
    }

    /// The CPU time that all have taken so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.cpu_times().into_iter().map(|(_, time)| time).sum()
    }

    /// The CPU time so far of the threads of this name, of one that is a single
    /// process.
    pub(crate) fn cpu_time_of_threads(&self, name: &str) -> anyhow::Result<Duration> {
        let (_, number) = self.roles().next().context("no process")?;
        machine::cpu_time_of_threads(number, name)
    }

    /// The memory of each role in MB.
    pub(crate) fn memory(&self) -> anyhow::Result<Vec<(&'static str, f64)>> {
        self.roles()
            .map(|(role, number)| Ok((role, machine::memory(number)?)))
            .collect()
    }

    /// The memory in MB of one that is a single process.
    pub(crate) fn memory_of_one(&self) -> anyhow::Result<f64> {
        let memory = self.memory()?;
        Ok(memory.first().context("no process")?.1)
    }

    /// Has the greatest memory be that from now on.
    pub(crate) fn forget_greatest_memory(&self) -> anyhow::Result<()> {
        self.roles()
            .try_for_each(|(_, number)| machine::forget_greatest_memory(number))
    }

    /// The greatest memory in MB since then of one that is a single process.
    pub(crate) fn greatest_memory_of_one(&self) -> anyhow::Result<f64> {
        let (_, number) = self.roles().next().context("no process")?;
        machine::greatest_memory(number)
    }

    /// Stops it, callers before those that they call.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for process in self.processes.into_iter().rev() {
            process.stop().await?;
        }
        Ok(())
    }
}
