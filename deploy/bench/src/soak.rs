//! A long time of most of the load that the program can take, while people
//! come and go: its memory must stay flat, it must give back each file
//! descriptor, and no call may fail.

mod pace;
mod report;
mod tally;
mod visitor;
mod watch;

use std::time::Duration;

use anyhow::Context as _;
use futures::future::{join_all, try_join_all};

use self::{pace::Pace, report::Report, tally::Tally, visitor::Visitor};
use crate::{
    installation::{Installation, Shape},
    settings::Settings,
    target::Running,
};

/// How many people visit at a time, each with a connection and a socket.
const VISITORS: usize = 100;
/// How many of them arrive at once.
const AT_ONCE: usize = 10;
/// How long the program shows what it can do, after as long a warm-up.
const CAPACITY: Duration = Duration::from_secs(10);
/// The part of it that is asked of the program.
const LOAD: f64 = 0.7;
/// The part of the time that passes before memory is looked at, so that all that
/// is kept for a while is there.
const WARM_UP: u32 = 15;
/// How long an access token is good for: what is kept about tokens is kept as
/// long, and must not grow for most of the time.
const TOKEN_LIFE: &str = "1m";

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Report> {
    let mut installation = Installation::new(settings, Shape::OneProcessOnSqlite)?;
    installation.set("PORTICO_ACCESS_TOKEN_TTL", TOKEN_LIFE);
    let portico = installation.start().await?;
    let report = soak(&portico.running, settings.soak).await?;
    portico.running.stop().await?;
    Ok(report)
}

async fn soak(running: &Running, length: Duration) -> anyhow::Result<Report> {
    let process = running.processes.first().context("no process")?.number;
    let preparing = Tally::default();
    let mut visitors = Vec::new();
    while visitors.len() < VISITORS {
        // A few at a time, as the program refuses to hash for a crowd.
        let numbers = visitors.len()..VISITORS.min(visitors.len() + AT_ONCE);
        let arrivals = numbers.map(|number| Visitor::arrive(running.http, number, &preparing));
        visitors.extend(try_join_all(arrivals).await?);
    }

    visit(
        &mut visitors,
        &Pace::as_fast_as_possible(CAPACITY),
        &preparing,
    )
    .await;
    let capacity = Tally::default();
    visit(
        &mut visitors,
        &Pace::as_fast_as_possible(CAPACITY),
        &capacity,
    )
    .await;
    let rate = capacity.calls() as f64 / CAPACITY.as_secs_f64() * LOAD;

    let warm_up = Tally::default();
    visit(
        &mut visitors,
        &Pace::steady(rate, length / WARM_UP),
        &warm_up,
    )
    .await;
    let tally = Tally::default();
    let pace = Pace::steady(rate, length);
    let (samples, ()) = tokio::join!(
        watch::watch(process, length),
        visit(&mut visitors, &pace, &tally),
    );
    for visitor in visitors {
        visitor.leave(&tally).await;
    }
    Ok(Report {
        length,
        rate,
        samples: samples?,
        tally,
        // A failure is one whenever it happens.
        earlier: [preparing, capacity, warm_up],
    })
}

/// All of them at once, until the time is over.
async fn visit(visitors: &mut [Visitor], pace: &Pace, tally: &Tally) {
    join_all(
        visitors
            .iter_mut()
            .map(|visitor| visitor.visit(pace, tally)),
    )
    .await;
}
