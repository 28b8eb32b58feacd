//! Measures Portico from outside, in each of its shapes, beside what one would
//! use instead; prints the figures and writes them to a file.
//!
//! Load generator and targets share the machine, so rates are those of both
//! together; CPU times are the targets' alone, and ratios are what counts.

mod client;
mod goals;
mod hashing;
mod installation;
mod load;
mod machine;
mod metronome;
mod parts;
mod postgres;
mod process;
mod report;
mod sample;
mod scenarios;
mod settings;
mod soak;
mod statistics;
mod target;

use std::{env, fs, io::Write as _};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    parts::{alone, events, gateways, shapes, sockets},
    report::Report,
    settings::{Part, Settings},
};

/// That of Portico, so that the gateway by hand has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [gateways::BY_HAND, listen, projects] => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(gateways::serve_by_hand(listen, projects)),
        // One thread is enough to keep a target busy, and leaves it the rest of
        // the machine.
        [program, folder, version, results] => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(run(&Settings::new(program, folder)?, version, results)),
        ["soak", program, folder, version, results] => {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(soak(&Settings::new(program, folder)?, version, results))
        }
        _ => anyhow::bail!("usage: portico-bench [soak] PROGRAM FOLDER VERSION RESULTS.md"),
    }
}

async fn run(settings: &Settings, version: &str, results: &str) -> anyhow::Result<()> {
    let report = unless_stopped(measure(settings)).await?;
    publish(&report.markdown(version)?, results)?;
    let missed = goals::missed(&report.goals()?);
    std::io::stderr().write_all(missed.as_bytes())?;
    Ok(())
}

async fn soak(settings: &Settings, version: &str, results: &str) -> anyhow::Result<()> {
    let report = unless_stopped(soak::run(settings)).await?;
    publish(&report.markdown(version)?, results)?;
    report.check()
}

async fn unless_stopped<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        // What was started ends with what is dropped here.
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}

fn publish(text: &str, results: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    fs::write(results, text).with_context(|| format!("cannot write {results}"))
}

async fn measure(settings: &Settings) -> anyhow::Result<Report> {
    let mut report = Report::default();
    if settings.has(Part::Process) {
        report.alone = Some(alone::measure(settings).await?);
    }
    if settings.has(Part::Gateways) {
        report.gateways = Some(gateways::measure(settings).await?);
    }
    if settings.has(Part::Shapes) {
        report.shapes = shapes::measure(settings).await?;
    }
    if settings.has(Part::Events) {
        report.events = Some(events::measure(settings).await?);
    }
    if settings.has(Part::Sockets) {
        report.sockets = Some(sockets::measure(settings).await?);
    }
    Ok(report)
}
