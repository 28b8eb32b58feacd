//! An installation of Portico in one of its shapes, in a folder of its own. It
//! can be started any number of times.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    machine::free_addresses,
    postgres::{self, Postgres},
    process::Process,
    settings::Settings,
    target::{EMAIL, PASSWORD, Running},
};

/// Each before those that call it.
const SERVICES: [&str; 4] = ["users", "projects", "auth", "notifications"];
/// 32 bytes of zero.
const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Limits are counted for each call, and nobody reaches them.
const LIMIT: &str = "1000000000/1m";

/// How Portico is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    OneProcessOnSqlite,
    OneProcessOnPostgres,
    SeparateOnPostgres,
}

pub(crate) struct Installation {
    program: PathBuf,
    shape: Shape,
    folder: TempDir,
    /// Where PostgreSQL's data is.
    postgres: PathBuf,
    databases: Vec<(String, String)>,
    variables: Vec<(&'static str, String)>,
}

/// Portico, as it runs.
pub(crate) struct Portico {
    pub(crate) running: Running,
    /// Where projects are served over gRPC.
    pub(crate) grpc: SocketAddr,
    /// With which other services call.
    pub(crate) service_token: String,
    /// From the start until it was ready.
    pub(crate) ready_after: Duration,
}

/// A process that may not be ready yet.
struct Starting {
    process: Process,
    /// Where it says so.
    admin: SocketAddr,
}

impl Installation {
    /// An empty one.
    pub(crate) fn new(settings: &Settings, shape: Shape) -> anyhow::Result<Self> {
        Ok(Self {
            program: settings.program.clone(),
            shape,
            folder: tempfile::tempdir_in(&settings.folder)?,
            postgres: settings.folder.join("postgres"),
            databases: Vec::new(),
            variables: Vec::new(),
        })
    }

    /// Sets one more variable for all of its processes.
    pub(crate) fn set(&mut self, name: &'static str, value: impl ToString) {
        self.variables.push((name, value.to_string()));
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Portico> {
        let postgres = self.prepare_postgres()?;
        let [http, grpc] = free_addresses()?;
        let mut addresses = vec![
            ("PORTICO_GATEWAY_LISTEN".to_owned(), http.to_string()),
            ("PORTICO_GRPC_LISTEN".to_owned(), grpc.to_string()),
        ];
        let mut running = Running::new(http, postgres);
        if self.shape != Shape::SeparateOnPostgres {
            let ready = self.start_role("portico", "dev", &addresses)?;
            let ready_after = ready.wait(&mut running).await?;
            return Ok(Portico {
                running,
                grpc,
                service_token: self.service_token()?,
                ready_after,
            });
        }
        postgres::output(self.command().arg("migrate"))?;
        for (service, listen) in SERVICES.into_iter().zip(free_addresses::<4>()?) {
            let name = service.to_uppercase();
            addresses.push((format!("PORTICO_{name}_LISTEN"), listen.to_string()));
            addresses.push((format!("PORTICO_{name}_URL"), format!("http://{listen}")));
            running.services.push((service, listen));
        }
        // Each is ready only when those that it calls are.
        let mut starting = Vec::new();
        for role in SERVICES.into_iter().chain(["gateway"]) {
            starting.push(self.start_role(role, role, &addresses)?);
        }
        let mut ready_after = Duration::ZERO;
        for role in starting {
            ready_after = role.wait(&mut running).await?;
        }
        Ok(Portico {
            grpc: running.service("projects")?,
            running,
            service_token: self.service_token()?,
            ready_after,
        })
    }

    fn start_role(
        &self,
        role: &'static str,
        command: &str,
        addresses: &[(String, String)],
    ) -> anyhow::Result<Starting> {
        let [admin] = free_addresses()?;
        let log = File::create(self.folder.path().join(format!("{role}.log")))?;
        let mut program = self.command();
        program
            .arg(command)
            .envs(addresses.iter().cloned())
            .env("PORTICO_ADMIN_LISTEN", admin.to_string())
            .stdout(Stdio::null())
            .stderr(log);
        let process = Process::start(role, &mut program)?;
        Ok(Starting { process, admin })
    }

    /// A token with which other services call.
    fn service_token(&self) -> anyhow::Result<String> {
        let mut command = self.command();
        command.args(["service-token", "--name", "bench", "--ttl", "1h"]);
        postgres::output(&mut command)
    }

    /// PostgreSQL, if that is what it is on; with empty databases the first time.
    fn prepare_postgres(&mut self) -> anyhow::Result<Option<Postgres>> {
        if self.shape == Shape::OneProcessOnSqlite {
            return Ok(None);
        }
        let postgres = Postgres::start(&self.postgres)?;
        if self.databases.is_empty() {
            for service in SERVICES {
                let name = format!("PORTICO_{}_DATABASE_URL", service.to_uppercase());
                let url = postgres.fresh(&format!("portico_{service}"))?;
                self.databases.push((name, url));
            }
        }
        Ok(Some(postgres))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PORTICO_DATA_DIR", self.data())
            .env("PORTICO_BOOTSTRAP_ADMIN_EMAIL", EMAIL)
            .env("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD)
            .env("PORTICO_AUTH_THROTTLE", "off");
        for limit in ["ANONYMOUS", "USER", "CREDENTIALS"] {
            command.env(format!("PORTICO_RATE_LIMIT_{limit}"), LIMIT);
        }
        if self.shape == Shape::SeparateOnPostgres {
            command
                .env("PORTICO_PROFILE", "production")
                .env("PORTICO_PUBLIC_URL", "http://localhost:8080")
                .env("PORTICO_MASTER_KEY", SECRET)
                .env("PORTICO_SERVICE_SECRET", SECRET)
                // Nobody listens there: mails wait.
                .env("PORTICO_SMTP_URL", "smtp://127.0.0.1:9")
                .env("PORTICO_MAIL_FROM", "Portico <portico@example.com>");
        }
        command
            .envs(self.databases.iter().cloned())
            .envs(self.variables.iter().cloned());
        command
    }

    fn data(&self) -> PathBuf {
        Path::new(self.folder.path()).join("data")
    }
}

impl Starting {
    /// Waits until it is ready, and says how long that took since its start.
    async fn wait(mut self, running: &mut Running) -> anyhow::Result<Duration> {
        let ready_after = self.process.until(self.admin, "/readyz", is_ready).await?;
        running.processes.push(self.process);
        Ok(ready_after)
    }
}

/// Whether all is there, the first administrator too.
fn is_ready(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200") && !answer.contains("first administrator")
}
