//! The program `portico`. Exit codes: 0, 1 failure, 2 usage or configuration.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use portico::{
    cli::{Cli, Command},
    commands, memory,
};
use portico_chassis::config::ConfigError;

/// The system's allocator keeps the memory of password hashes for each thread
/// that ever computed one, and takes more time on the way of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    memory::note_what_stays();
    let command = Cli::parse().command.unwrap_or(Command::Dev);
    let Err(error) = run(command) else {
        return ExitCode::SUCCESS;
    };
    // If even this cannot be written, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "portico: {error:#}");
    if error.is::<ConfigError>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(commands::run(command))
}
