//! A process by itself: how soon it is ready, what memory it takes, and what
//! sign-ins do to it. And what memory each role takes on its own.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use crate::{
    client::Api,
    goals::{Goal, figure},
    hashing::{self, Hashes},
    installation::{Installation, Portico, Shape},
    load::{self, Times},
    sample::Sample,
    scenarios::{Scenario, Session},
    settings::Settings,
    statistics::Middle,
    target::Running,
};

/// How often the start is measured.
const STARTS: usize = 10;
/// Callers at once.
const CALLERS: usize = 16;
/// Sign-ins and hashes alone take turns, so often: the machine may be another
/// one from second to second.
const ROUNDS: u32 = 6;
/// What the threads are called that hash.
const HASHING: &str = "portico-hash";
/// Callers who sign in at once: more than the program lets wait.
const CROWD: usize = 256;
/// Reads a second while others sign in.
const READS: f64 = 100.0;
/// Sign-ins a second of a few.
const FEW_LOGINS: f64 = 2.0;

/// What came of it.
pub(crate) struct Alone {
    /// In ms.
    start: Option<Middle>,
    /// In MB.
    idle: f64,
    loaded: f64,
    logins: Logins,
    beside_crowd: Beside,
    beside_few: Beside,
    /// The memory in MB of each role at rest.
    roles: Vec<(&'static str, f64)>,
}

struct Logins {
    sample: Sample,
    /// Sign-ins for each hash that the cores could compute, in percent.
    per_hash: f64,
    /// How many cores hash while people sign in, and alone.
    shares: [f64; 2],
    /// The CPU time in ms of a hash alone, and of a sign-in with its hash.
    hash_cpu: f64,
    login_cpu: f64,
    /// The greatest memory in MB meanwhile.
    memory: f64,
}

/// Reads, and the sign-ins beside them.
struct Beside {
    reads: Sample,
    logins: Sample,
}

pub(crate) async fn measure(settings: &Settings) -> anyhow::Result<Alone> {
    let mut installation = Installation::new(settings, Shape::OneProcessOnSqlite)?;
    // The first start makes keys and databases.
    installation.start().await?.running.stop().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let portico = installation.start().await?;
        starts.push(portico.ready_after.as_secs_f64() * 1e3);
        portico.running.stop().await?;
    }

    let portico = installation.start().await?;
    tokio::time::sleep(settings.quiet()).await;
    let idle = portico.running.memory_of_one()?;
    let session = session(&portico).await?;
    for &scenario in Scenario::ALL {
        let mut callers = session.callers(scenario, CALLERS).await?;
        load::closed(&mut callers, settings.length / 2).await?;
    }
    let logins = logins(&portico.running, &session, settings).await?;
    let beside_crowd = beside_crowd(&session, settings).await?;
    let beside_few = beside_few(&session, settings).await?;
    tokio::time::sleep(settings.quiet()).await;
    let loaded = portico.running.memory_of_one()?;
    portico.running.stop().await?;
    Ok(Alone {
        start: Middle::of(starts),
        idle,
        loaded,
        logins,
        beside_crowd,
        beside_few,
        roles: roles_at_rest(settings).await?,
    })
}

/// Somebody at Portico with a thousand projects.
pub(crate) async fn session(portico: &Portico) -> anyhow::Result<Session> {
    let grpc = Some((portico.grpc, portico.service_token.clone()));
    let session = Session::sign_in(Api::PORTICO, portico.running.http, grpc).await?;
    session.make_projects().await?;
    session.with_projects().await
}

/// Sign-ins and hashes alone, in turns.
async fn logins(
    running: &Running,
    session: &Session,
    settings: &Settings,
) -> anyhow::Result<Logins> {
    // At the ends of a round, cores wait.
    let (signing_in, hashing) = (settings.length * 4, settings.length);
    let mut callers = session.callers(Scenario::Login, CALLERS).await?;
    load::closed(&mut callers, settings.warm_up()).await?;
    let mut hashes = hashing::measure(hashing).await?;
    running.forget_greatest_memory()?;
    let mut rounds = Vec::new();
    let [mut cpu, mut hash, mut length] = [Duration::ZERO; 3];
    for _ in 0..ROUNDS {
        let hashed = running.cpu_time_of_threads(HASHING)?;
        let (before, begun) = (running.cpu_time(), Instant::now());
        rounds.push(load::closed(&mut callers, signing_in).await?);
        cpu += running.cpu_time() - before;
        length += begun.elapsed();
        hash += running.cpu_time_of_threads(HASHING)?.saturating_sub(hashed);
        hashes = hashes.and(hashing::measure(hashing).await?);
    }
    let times = Times::merge(rounds);
    let sample = Sample::of(&times, length);
    Ok(Logins {
        per_hash: sample.rate / Hashes::rate(&hashes) * 100.0,
        shares: [hash.div_duration_f64(length), hashes.cores()],
        hash_cpu: hashes.cpu().as_secs_f64() * 1e3,
        login_cpu: cpu.as_secs_f64() * 1e3 / times.count().max(1) as f64,
        sample,
        memory: running.greatest_memory_of_one()?,
    })
}

/// Reads at a fixed rate while a crowd signs in.
async fn beside_crowd(session: &Session, settings: &Settings) -> anyhow::Result<Beside> {
    let length = settings.length * 3;
    let mut readers = session.callers(Scenario::Read, CALLERS).await?;
    let mut crowd = session.callers(Scenario::Login, CROWD).await?;
    let (reads, logins) = tokio::try_join!(
        load::steady(&mut readers, READS, length),
        load::closed(&mut crowd, length),
    )?;
    Ok(Beside {
        reads: Sample::of(&reads, length),
        logins: Sample::of(&logins, logins.last),
    })
}

/// The same while now and then somebody does.
async fn beside_few(session: &Session, settings: &Settings) -> anyhow::Result<Beside> {
    let length = settings.length * 3;
    let mut readers = session.callers(Scenario::Read, CALLERS).await?;
    let mut few = session.callers(Scenario::Login, CALLERS).await?;
    let (reads, logins) = tokio::try_join!(
        load::steady(&mut readers, READS, length),
        load::steady(&mut few, FEW_LOGINS, length),
    )?;
    Ok(Beside {
        reads: Sample::of(&reads, length),
        logins: Sample::of(&logins, length),
    })
}

async fn roles_at_rest(settings: &Settings) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut installation = Installation::new(settings, Shape::SeparateOnPostgres)?;
    let portico = installation.start().await?;
    tokio::time::sleep(settings.quiet()).await;
    let mut memory = portico.running.memory()?;
    memory.retain(|(role, _)| *role != "postgres");
    portico.running.stop().await?;
    Ok(memory)
}

/// The goals, also if nothing was measured.
pub(crate) fn goals(alone: Option<&Alone>) -> Vec<Goal> {
    let figure = |of: fn(&Alone) -> f64| alone.map(of);
    let start = alone.and_then(|it| Some(it.start?.median));
    let greatest = alone.and_then(|it| it.roles.iter().map(|role| role.1).reduce(f64::max));
    vec![
        Goal::at_least(
            "sign-ins, of the hashes that the cores can compute",
            figure(|it| it.logins.per_hash),
            95.0,
            "%",
        ),
        Goal::at_most(
            "p99 of 100 reads a second while 256 sign in",
            figure(|it| it.beside_crowd.reads.p99),
            20.0,
            "ms",
        ),
        Goal::at_most(
            "p99 of 100 reads a second beside 2 sign-ins a second",
            figure(|it| it.beside_few.reads.p99),
            5.0,
            "ms",
        ),
        Goal::at_most(
            "memory, one process on SQLite, idle",
            figure(|it| it.idle),
            25.0,
            "MB",
        ),
        Goal::at_most("… after load", figure(|it| it.loaded), 60.0, "MB"),
        Goal::at_most(
            "… while people sign in: two hashes at once take 42 MB",
            figure(|it| it.logins.memory),
            100.0,
            "MB",
        ),
        Goal::at_most(
            "memory of each role, idle: the greatest",
            greatest,
            15.0,
            "MB",
        ),
        Goal::at_most("start to ready, median of 10", start, 50.0, "ms"),
    ]
}

impl Alone {
    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        text.push_str(concat!(
            "\n## Sign-ins\n\nOne process on SQLite. Rounds of sign-ins by 16 callers and of hashes alone ",
            "on all cores take turns.\n\n",
            "| what | per second | p50 | p99 | refused (503) a second |\n|---|--:|--:|--:|--:|\n",
        ));
        for (what, sample) in [
            ("sign in", &self.logins.sample),
            ("read a project while 256 sign in", &self.beside_crowd.reads),
            ("… their sign-ins", &self.beside_crowd.logins),
            (
                "read a project beside 2 sign-ins a second",
                &self.beside_few.reads,
            ),
            ("… these sign-ins", &self.beside_few.logins),
        ] {
            let Sample { rate, p50, p99, .. } = sample;
            writeln!(
                text,
                "| {what} | {} | {} ms | {} ms | {:.0} |",
                figure(*rate),
                figure(*p50),
                figure(*p99),
                sample.shed,
            )?;
        }
        let Logins {
            shares: [beside, alone],
            hash_cpu,
            login_cpu,
            ..
        } = self.logins;
        writeln!(
            text,
            "\nA hash alone takes {hash_cpu:.1} ms of CPU on all cores at once, {:.0} % of what a \
             sign-in takes. It waits for memory\nmost of the time, which neighbours of the machine \
             use as well. Of the cores, {beside:.3} hash while people sign in,\nand {alone:.3} when \
             nothing else is done: {:.1} %, whatever a hash takes.",
            hash_cpu / login_cpu * 100.0,
            beside / alone * 100.0,
        )?;
        let roles = self.roles.iter();
        let roles: Vec<String> = roles
            .map(|(role, memory)| format!("{role} {} MB", figure(*memory)))
            .collect();
        writeln!(
            text,
            "\nEach role on PostgreSQL, idle: {}.",
            roles.join(" · ")
        )
    }
}
