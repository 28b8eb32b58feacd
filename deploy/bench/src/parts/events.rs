//! Streams of events by gRPC: how soon a change has reached all who watch, and
//! what telling one of them costs.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures::future::try_join_all;
use portico_proto::events::WatchEventsRequest;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    client::Grpc,
    goals::figure,
    installation::{Installation, Portico, Shape},
    load::{Call as _, Outcome, Times},
    parts::alone,
    sample::Sample,
    scenarios::Scenario,
    settings::Settings,
    target::{ON_POSTGRES, ON_SQLITE, SEPARATE},
};

/// Who watch, and how many share a connection.
const WATCHERS: usize = 100;
const SHARING: usize = 10;
/// How often a project changes for each second of a measurement.
const CHANGES: f64 = 50.0;
/// How long a change may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of it, for each shape.
pub(crate) struct Events(Vec<(&'static str, Told)>);

struct Told {
    /// From a change until the last watcher has heard of it.
    times: Sample,
    /// The CPU time in µs of all roles for each that was told.
    cpu: f64,
}

pub(crate) async fn measure(settings: &Settings) -> anyhow::Result<Events> {
    let mut events = Vec::new();
    for (name, shape) in [
        (SEPARATE, Shape::SeparateOnPostgres),
        (ON_POSTGRES, Shape::OneProcessOnPostgres),
        (ON_SQLITE, Shape::OneProcessOnSqlite),
    ] {
        let portico = Installation::new(settings, shape)?;
        events.push((name, told(portico, settings).await?));
    }
    Ok(Events(events))
}

async fn told(mut installation: Installation, settings: &Settings) -> anyhow::Result<Told> {
    let portico = installation.start().await?;
    let session = alone::session(&portico).await?;
    let (heard, mut hears) = mpsc::unbounded_channel();
    let watching = (0..WATCHERS / SHARING).map(|_| watch(&portico, &heard));
    try_join_all(watching).await?;
    // Watchers hear of what happens from now on: of the first change at the latest.
    let mut callers = session.callers(Scenario::Patch, 1).await?;
    let caller = callers.first_mut().context("no caller")?;
    let changes = (settings.length.as_secs_f64() * CHANGES).max(10.0) as usize;
    let (mut cpu, mut times) = (portico.running.cpu_time(), Vec::new());
    for number in 0..=changes {
        let begun = Instant::now();
        let changed = async {
            let outcome = caller.call().await?;
            anyhow::ensure!(outcome == Outcome::Done, "not changed: {outcome:?}");
            Ok(())
        };
        let all_heard = async {
            for _ in 0..WATCHERS {
                let told = timeout(PATIENCE, hears.recv()).await;
                told.context("somebody heard nothing")?
                    .context("nobody watches")??;
            }
            anyhow::Ok(begun.elapsed())
        };
        let ((), time) = tokio::try_join!(changed, all_heard)?;
        if number == 0 {
            cpu = portico.running.cpu_time();
        } else {
            times.push(time);
        }
    }
    let cpu = portico.running.cpu_time() - cpu;
    portico.running.stop().await?;
    let taken: Duration = times.iter().sum();
    Ok(Told {
        times: Sample::of(&Times::of(times), taken),
        cpu: cpu.as_secs_f64() * 1e6 / (changes * WATCHERS) as f64,
    })
}

/// Some watchers on one connection, who are all there when this returns.
async fn watch(
    portico: &Portico,
    heard: &mpsc::UnboundedSender<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut grpc = Grpc::connect(portico.grpc, &portico.service_token).await?;
    for _ in 0..SHARING {
        let request = grpc.request(WatchEventsRequest {
            cursor: None,
            types: vec!["project.updated".to_owned()],
        });
        let mut events = grpc.client().watch_events(request).await?.into_inner();
        let heard = heard.clone();
        tokio::spawn(async move {
            loop {
                let told = match events.message().await {
                    Ok(Some(message)) if message.event.is_some() => Ok(()),
                    // A heartbeat.
                    Ok(Some(_)) => continue,
                    // The end, when the program is stopped.
                    Ok(None) => return,
                    Err(status) => Err(status.into()),
                };
                let is_last = told.is_err();
                if heard.send(told).is_err() || is_last {
                    return;
                }
            }
        });
    }
    Ok(())
}

impl Events {
    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n## Streams of events\n\nA project changes while {WATCHERS} watch by gRPC; one change after \
             the other. Until the last has heard of it, from\nthe call that makes the change on; and the \
             CPU of all processes for each that was told.\n\n\
             | shape | p50 | p99 | told per second | CPU each |\n|---|--:|--:|--:|--:|"
        )?;
        for (name, Told { times, cpu }) in &self.0 {
            writeln!(
                text,
                "| {name} | {} ms | {} ms | {} | {} µs |",
                figure(times.p50),
                figure(times.p99),
                figure(times.rate * WATCHERS as f64),
                figure(*cpu),
            )?;
        }
        Ok(())
    }
}
