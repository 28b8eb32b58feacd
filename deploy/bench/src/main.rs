//! Measures a program `portico` from outside, on a fresh SQLite installation in
//! one process: how soon it is ready, what memory it takes, and what requests
//! cost. Prints a table, writes it to a file, and fails if a budget is missed.
//!
//! Load generator and program share the machine, so the rates are those of
//! both together; the CPU time is the program's alone.

mod client;
mod hashing;
mod load;
mod program;
mod report;
mod scenarios;
mod soak;
mod sockets;

use std::{env, fs, io::Write as _, path::Path, time::Duration};

use anyhow::Context as _;

use self::{
    program::{Installation, Program},
    report::{Budget, Report},
};

/// How often the start is measured.
const STARTS: usize = 10;
/// The greatest memory of a socket at rest, in KB.
const SOCKET_MEMORY: f64 = 40.0;
/// The greatest memory while people sign in, in MB: two hashes are computed at
/// once, in 20 MB each.
const LOGIN_MEMORY: f64 = 100.0;
/// The least share of the cores' hashes that are sign-ins, in percent.
const LOGINS: f64 = 95.0;
/// How long nothing is asked before memory at rest is read.
const QUIET: Duration = Duration::from_secs(20);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (soaks, arguments) = match arguments.as_slice() {
        [word, rest @ ..] if word == "soak" => (true, rest),
        all => (false, all),
    };
    let [program, version, results] = arguments else {
        anyhow::bail!("usage: portico-bench [soak] PROGRAM VERSION RESULTS.md");
    };
    // One thread is enough to keep the program busy, and leaves it the rest of
    // the machine.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if soaks {
        let report = runtime.block_on(soak::run(Path::new(program)))?;
        publish(&report.markdown(version)?, results)?;
        return report.check();
    }
    let report = runtime.block_on(measure(Path::new(program)))?;
    publish(&report.markdown(version)?, results)?;
    report.check()
}

fn publish(text: &str, results: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    fs::write(results, text).with_context(|| format!("cannot write {results}"))
}

async fn measure(program: &Path) -> anyhow::Result<Report> {
    let installation = Installation::new(program)?;
    // The first start makes keys and databases.
    installation.start().await?.stop().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let program = installation.start().await?;
        starts.push(program.ready_after);
        program.stop().await?;
    }
    starts.sort_unstable();

    let program = installation.start().await?;
    let idle = resting(&program).await?;
    let service_token = installation.service_token()?;
    let measured = scenarios::run(&program, &service_token).await?;
    let loaded = resting(&program).await?;
    program.stop().await?;

    let program = installation.start().await?;
    let live = sockets::run(&program).await?;
    program.stop().await?;
    Ok(Report {
        budgets: vec![
            Budget::new(
                "start to ready, median of 10",
                starts[STARTS / 2].as_secs_f64() * 1e3,
                50.0,
                "ms",
            ),
            Budget::new("resident memory, idle", idle, 25.0, "MB"),
            Budget::new("resident memory, after load", loaded, 60.0, "MB"),
            Budget::new(
                "resident memory, while people sign in",
                measured.login_memory,
                LOGIN_MEMORY,
                "MB",
            ),
            Budget::at_least(
                "sign-ins, of the hashes that the cores can compute",
                measured.logins_per_hash * 100.0,
                LOGINS,
                "%",
            ),
            Budget::new(
                "memory of an idle socket, of 1,000",
                live.memory,
                SOCKET_MEMORY,
                "KB",
            ),
        ],
        rows: measured.rows,
        hash_and_login: (measured.hash_cpu, measured.login_cpu),
        live,
    })
}

/// Resident memory in MB, once the program has nothing to do.
pub(crate) async fn resting(program: &Program) -> anyhow::Result<f64> {
    tokio::time::sleep(QUIET).await;
    program.resident_memory()
}
