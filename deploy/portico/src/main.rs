//! The program `portico`. Exit codes: 0, 1 failure, 2 usage or configuration.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use portico::{
    cli::{Cli, Command},
    commands,
};
use portico_chassis::config::ConfigError;

/// The system's allocator keeps the memory of password hashes for each thread
/// that ever computed one, and takes more time on the way of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    give_memory_back();
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

/// Has the allocator give memory back when it is free. By itself it keeps it for
/// a second and for as long as nothing happens after that: the memory of the
/// last passwords, which is most of all that the program ever takes.
#[expect(unsafe_code, reason = "the allocator's settings have no safe form")]
fn give_memory_back() {
    // `mi_option_purge_delay` of mimalloc.h, in milliseconds; the crate names
    // only some of the options.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: it sets a number, before there are other threads.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) };
}

fn run(command: Command) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(commands::run(command))
}
