//! The course of each test: clients read and write without a pause while one
//! thing goes wrong, and after it is well again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use super::{
    calls::{Call, Rpc, Seen, told},
    listener::Listener,
    site::{DELAY, Fault, Site},
    table::Row,
    writers::Writers,
};
use crate::{Rest, installation::ADMIN_EMAIL, program::PATIENCE};

/// How much a role's memory may grow, in MiB.
const GROWTH: u64 = 32;

/// How long the clients are at work before anything happens.
const BEFORE: Duration = Duration::from_millis(500);

/// The pause of a writer between two changes.
const WRITER_PAUSE: Duration = Duration::from_millis(100);

/// The pause of a client between two calls.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a fault lasts: longer than what is waited for, where nobody is told
/// of it.
fn lasting(dependency: &str, fault: Fault) -> Duration {
    Duration::from_secs(match (fault, dependency) {
        (Fault::Stopped | Fault::Silent, "users" | "projects" | "notifications") => 11,
        (Fault::Stopped, "postgres") => 11,
        (Fault::Stopped | Fault::Silent, "postgres" | "auth") => 6,
        (Fault::Refused, "postgres") => 6,
        // Connections that are made anew meanwhile are not answered either.
        (Fault::Stopped | Fault::Silent, "redis") => 2,
        _ => 1,
    })
}

/// Those who call.
struct People {
    admin: Rest,
    ada: Rest,
    /// Signs out in the middle.
    bob: Rest,
}

pub(super) async fn play(dependency: &'static str, fault: Fault) {
    let row = Row::of(dependency, fault.name());
    let mut site = Site::start(Some(dependency)).await;
    let people = People {
        admin: site.anybody.login(ADMIN_EMAIL).await,
        ada: site.anybody.register("ada").await.1,
        bob: site.anybody.register("bob").await.1,
    };
    let (needing, others) = calls(&site, &people, dependency);
    let all: Vec<Call> = needing.iter().chain(&others).cloned().collect();
    for call in &all {
        let seen = call.see().await;
        assert!(call.is_well(&seen), "{} before: {seen:?}", call.name());
    }
    let listener = Listener::begin(&people.ada).await;
    let writers = Writers::begin(&people.ada, fault.name(), 2, WRITER_PAUSE);
    tokio::time::sleep(BEFORE).await;
    let before = site.memory();

    let watchers: Vec<Watcher> = all.iter().map(Watcher::begin).collect();
    site.break_down(dependency, fault).await;
    let (more, ()) = tokio::join!(
        meanwhile(&site, &people, dependency, fault),
        tokio::time::sleep(lasting(dependency, fault)),
    );
    for watcher in &watchers {
        watcher.is_over.store(true, Ordering::Relaxed);
    }
    site.mend(dependency, fault).await;

    let mended = Instant::now();
    if (dependency, fault) == ("gateway", Fault::Stopped) {
        // What was revoked while it stood still counts as soon as it goes on.
        let seen = Call::rest(&people.bob, "/api/v1/projects").see().await;
        assert_eq!(seen.what, "401 TOKEN_REVOKED");
    }
    for call in &all {
        is_well_again(call, &row, mended).await;
    }
    site.installation.ready().await;
    assert!(mended.elapsed() <= row.back(), "{:?}", mended.elapsed());

    let worst = compare(watchers, needing.len(), &row).await;
    let is_promised = row.promised(true).iter().any(|what| what != "200");
    assert_eq!(worst.is_ill, is_promised, "whether anybody sees it");
    if fault == Fault::Slow && dependency != "smtp" {
        assert!(worst.took >= 2 * DELAY, "it was not slow: {:?}", worst.took);
    }
    let projects = nothing_is_lost(writers, &row).await;
    listener.has_heard(&projects, row.back()).await;
    if let Some(address) = more {
        site.mails.mail(&address).await;
    }
    if dependency == "redis" {
        site.counts_again(row.back()).await;
    }
    for (role, after) in site.memory() {
        let before = before[role];
        let is_bounded = after <= before + GROWTH;
        assert!(is_bounded, "{role} grew from {before} to {after} MiB");
    }
    site.stop().await;
}

/// Compares what became of changes with what is promised, and asks for them
/// again; what was made by them.
async fn nothing_is_lost(writers: Writers, row: &Row) -> BTreeSet<String> {
    let written = writers.end().await;
    for (what, took) in written.seen() {
        let is_promised = what == "200" || row.promised(true).iter().any(|said| said == what);
        assert!(is_promised, "a change came to {what}");
        assert!(took <= row.answered(), "a change took {took:?}: {what}");
    }
    written.settle().await
}

/// What needs a dependency, and what does not.
fn calls(site: &Site, people: &People, dependency: &str) -> (Vec<Call>, Vec<Call>) {
    let People { admin, ada, .. } = people;
    let projects = Call::rest(ada, "/api/v1/projects");
    let me = Call::rest(ada, "/api/v1/auth/me");
    let sessions = Call::rest(ada, "/api/v1/auth/sessions");
    let users = Call::rest(admin, "/api/v1/users");
    let mails = Call::rest(admin, "/api/v1/admin/mail-jobs");
    let entries = Call::rest(admin, "/api/v1/audit-log");
    let alive = Call::rest(ada, "/livez");
    let grpc = |person, rpc| Call::grpc(site, person, rpc);
    match dependency {
        "postgres" => (
            vec![projects, me, grpc(ada, Rpc::Projects), grpc(ada, Rpc::Me)],
            vec![alive],
        ),
        "users" => (
            vec![users, me, grpc(ada, Rpc::Me)],
            vec![projects, sessions, grpc(ada, Rpc::Projects)],
        ),
        "projects" => (
            vec![projects, entries, grpc(admin, Rpc::AuditEntries)],
            vec![me, users, grpc(ada, Rpc::Me)],
        ),
        "auth" => (
            vec![projects, sessions, grpc(ada, Rpc::Projects)],
            vec![alive],
        ),
        "notifications" => (
            vec![mails, grpc(admin, Rpc::MailJobs)],
            vec![projects, me, users, grpc(ada, Rpc::Me)],
        ),
        "gateway" => (vec![projects, me], vec![grpc(ada, Rpc::Me)]),
        _ => (
            vec![projects, me, grpc(ada, Rpc::Projects)],
            vec![mails, alive],
        ),
    }
}

/// What somebody does while it is not well; the address of whoever is to get a
/// mail of it.
async fn meanwhile(site: &Site, people: &People, dependency: &str, fault: Fault) -> Option<String> {
    match dependency {
        "smtp" | "notifications" => {
            let name = format!("eve-{}", fault.name());
            let (_, _) = site.anybody.register(&name).await;
            Some(format!("{name}@example.com"))
        }
        "redis" => {
            // Each gateway counts for itself what Redis does not.
            let mut seen = BTreeMap::<String, u32>::new();
            for _ in 0..100 {
                let answer = site.anybody.call("GET /api/v1/nothing", &[], None).await;
                *seen.entry(told(&answer.expect("an answer"))).or_default() += 1;
            }
            let kinds: Vec<&str> = seen.keys().map(String::as_str).collect();
            assert_eq!(
                kinds,
                ["404 ROUTE_NOT_FOUND", "429 RATE_LIMITED"],
                "{seen:?}"
            );
            None
        }
        // The gateway is not ready without it; a service goes on, and tells whom
        // it calls in vain.
        "projects" if fault == Fault::Killed => {
            let ready = |process: &str| site.installation.admin_port(process);
            until(&Rest::new(&ready("gateway")), 503).await;
            for (service, text) in [("users", "ok\n"), ("auth", "ok, without: projects\n")] {
                until_told(&Rest::new(&ready(service)), text).await;
            }
            None
        }
        "gateway" => {
            let auth = Call::grpc(site, &people.bob, Rpc::Me);
            auth.sign_out().await;
            None
        }
        _ => None,
    }
}

async fn until(probe: &Rest, status: u16) {
    let begun = Instant::now();
    loop {
        let answer = probe.call("GET /readyz", &[], None).await;
        if answer.expect("an answer").status == status {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not come to {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a process is ready, and tells this of the others.
async fn until_told(probe: &Rest, text: &str) {
    let begun = Instant::now();
    loop {
        let answer = probe.call("GET /readyz", &[], None).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.body == text {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{} is told", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A client that calls again and again.
struct Watcher {
    call: Call,
    is_over: Arc<AtomicBool>,
    watching: JoinHandle<Vec<Seen>>,
}

impl Watcher {
    fn begin(call: &Call) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (again, until) = (call.clone(), is_over.clone());
        let watching = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !until.load(Ordering::Relaxed) {
                seen.push(again.see().await);
                tokio::time::sleep(PAUSE).await;
            }
            seen
        });
        Self {
            call: call.clone(),
            is_over,
            watching,
        }
    }
}

/// The worst of what was seen.
#[derive(Default)]
struct Worst {
    is_ill: bool,
    took: Duration,
}

/// Compares what clients saw with what is promised, of which the first so many
/// need what is missing.
async fn compare(watchers: Vec<Watcher>, needing: usize, row: &Row) -> Worst {
    let mut worst = Worst::default();
    for (number, watcher) in watchers.into_iter().enumerate() {
        let Watcher { call, watching, .. } = watcher;
        let seen = watching.await.expect("no wrong answer");
        judge(&call, seen, number < needing, row, &mut worst);
    }
    worst
}

fn judge(call: &Call, seen: Vec<Seen>, is_needing: bool, row: &Row, worst: &mut Worst) {
    let name = call.name();
    for seen in seen {
        let is_well = call.is_well(&seen);
        worst.is_ill |= !is_well;
        worst.took = worst.took.max(seen.took);
        let mut promised = row.promised(call.is_rest()).iter();
        let is_promised = match is_needing {
            true => promised.any(|promised| *promised == seen.what),
            false => is_well,
        };
        assert!(is_promised, "{name} came to {seen:?}");
        assert!(seen.took <= row.answered(), "{name} took long: {seen:?}");
    }
}

async fn is_well_again(call: &Call, row: &Row, since: Instant) {
    loop {
        let seen = call.see().await;
        if call.is_well(&seen) {
            return;
        }
        let elapsed = since.elapsed();
        assert!(
            elapsed <= row.back(),
            "{} after {elapsed:?}: {seen:?}",
            call.name()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
