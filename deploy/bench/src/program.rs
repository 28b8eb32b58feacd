//! An installation in a folder of its own, and the program that serves it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// The first administrator's credentials.
pub(crate) const EMAIL: &str = "root@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long a start may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a program that starts is asked whether it is ready.
const POLL: Duration = Duration::from_micros(200);
/// Clock ticks a second in /proc: USER_HZ, which is 100 on all of Linux.
const TICK: Duration = Duration::from_millis(10);

/// Data and settings.
pub(crate) struct Installation {
    program: PathBuf,
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// A running program.
pub(crate) struct Program {
    child: Child,
    /// From its spawning to the first time that it said it was ready.
    pub(crate) ready_after: Duration,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
}

impl Installation {
    pub(crate) fn new(program: &Path) -> anyhow::Result<Self> {
        let program = program.canonicalize().context("no such program")?;
        let folder = tempfile::tempdir()?;
        Ok(Self {
            program,
            folder,
            variables: Vec::new(),
        })
    }

    /// Sets one more variable.
    pub(crate) fn set(&mut self, name: &'static str, value: impl ToString) {
        self.variables.push((name, value.to_string()));
    }

    /// Starts the program and waits until it is ready.
    pub(crate) async fn start(&self) -> anyhow::Result<Program> {
        let [http, grpc, admin] = free_addresses()?;
        let mut command = self.command();
        command
            .env("PORTICO_GATEWAY_LISTEN", http.to_string())
            .env("PORTICO_GRPC_LISTEN", grpc.to_string())
            .env("PORTICO_ADMIN_LISTEN", admin.to_string())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.path().join("log"))?);
        let started = Instant::now();
        let mut program = Program {
            child: command.spawn()?,
            ready_after: Duration::ZERO,
            http,
            grpc,
        };
        while !is_ready(admin) {
            ensure!(started.elapsed() < PATIENCE, "the program is not ready");
            thread::sleep(POLL);
        }
        program.ready_after = started.elapsed();
        Ok(program)
    }

    /// A token with which other services call.
    pub(crate) fn service_token(&self) -> anyhow::Result<String> {
        let mut command = self.command();
        command.args(["service-token", "--name", "bench", "--ttl", "1h"]);
        let output = command.output()?;
        ensure!(output.status.success(), "no service token");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PORTICO_DATA_DIR", self.folder.path().join("data"))
            .env("PORTICO_BOOTSTRAP_ADMIN_EMAIL", EMAIL)
            .env("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD);
        command
            .env("PORTICO_AUTH_THROTTLE", "off")
            .env("PORTICO_LIVE_PER_ADDRESS", "2000");
        for limit in ["ANONYMOUS", "USER", "CREDENTIALS"] {
            command.env(format!("PORTICO_RATE_LIMIT_{limit}"), "off");
        }
        command.envs(self.variables.iter().cloned());
        command
    }
}

impl Program {
    /// Of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in MB (10⁶ bytes, as the budgets are stated).
    pub(crate) fn resident_memory(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        let kib: f64 = kib.context("no VmRSS")?.parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// The CPU time that it has taken so far.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<Duration> {
        cpu_time(&self.child.id().to_string())
    }

    /// Stops it as an operator would.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status()?;
        let status = tokio::task::spawn_blocking(move || self.child.wait()).await??;
        ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }
}

/// The CPU time that a process has taken so far, by its id or as `self`.
pub(crate) fn cpu_time(process: &str) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the name in parentheses; the 14th and 15th are the
    // ticks in user and in kernel mode.
    let (_, fields) = stat.rsplit_once(") ").context("no process")?;
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// Addresses that nobody listens on.
fn free_addresses() -> anyhow::Result<[SocketAddr; 3]> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    // All at once, so that they differ.
    let listeners = [listen()?, listen()?, listen()?];
    let [http, grpc, admin] = listeners.map(|listener| listener.local_addr());
    Ok([http?, grpc?, admin?])
}

/// Whether `/readyz` answers 200.
fn is_ready(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        std::io::Result::Ok(start == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
