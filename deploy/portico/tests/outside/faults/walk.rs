//! A walk through everything that can be wrong, at random, while clients read,
//! write, register and listen: a few steps of it among the other tests, and as
//! many minutes as one likes by `make chaos`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use portico_chassis::{clock::fill_random, config::Env};
use tokio::task::JoinHandle;

use super::{
    calls::{Call, Rpc},
    listener::Listener,
    site::{DEPENDENCIES, Fault, Site},
    writers::{Writers, insist},
};
use crate::{Rest, crash::check, installation::ADMIN_EMAIL, program::PATIENCE, rest::account};

/// How long it goes on where nothing else is said.
const SHORT: Duration = Duration::from_secs(5);

/// The longest that something is wrong: longer than any deadline.
const LONGEST: u64 = 12_000;

/// How long any call takes at most.
const ANSWERED: Duration = Duration::from_secs(15);

/// How long after a fault everything is well again.
const BACK: Duration = Duration::from_secs(20);

/// How much a role's memory may be more at the end of a walk than it was at its
/// start, in MiB.
const GROWTH: u64 = 64;

const PAUSE: Duration = Duration::from_millis(300);

const REGISTER: &str = "POST /api/v1/auth/register";

const FAULTS: [Fault; 5] = [
    Fault::Killed,
    Fault::Stopped,
    Fault::Slow,
    Fault::Refused,
    Fault::Silent,
];

/// Chance that can be had again (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn of<T: Copy>(&mut self, things: &[T]) -> T {
        let index = self.below(things.len() as u64);
        things[usize::try_from(index).expect("small")]
    }

    /// One or two things that go wrong at a time. Whoever calls a gateway that
    /// has fallen silent must notice by itself.
    fn faults(&mut self) -> BTreeMap<&'static str, Fault> {
        let count = 1 + self.below(3) / 2;
        let drawn = (0..count).map(|_| match (self.of(&DEPENDENCIES), self.of(&FAULTS)) {
            ("gateway", Fault::Silent) => ("gateway", Fault::Refused),
            drawn => drawn,
        });
        drawn.collect()
    }
}

#[expect(clippy::print_stderr, reason = "whoever watches sees where it goes")]
fn say(what: &str) {
    eprintln!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_a_walk_through_all_faults() {
    let mut settings = Env::of_process();
    let mut number = |name| {
        settings
            .text(name)
            .map(|text| text.parse::<u64>().expect(name))
    };
    let lasting =
        number("CHAOS_MINUTES").map_or(SHORT, |minutes| Duration::from_secs(minutes * 60));
    let seed = number("CHAOS_SEED").unwrap_or_else(|| {
        let mut random = [0; 4];
        fill_random(&mut random);
        u32::from_le_bytes(random).into()
    });
    say(&format!("A walk with CHAOS_SEED={seed}"));
    let mut chance = Chance(seed);

    let mut site = Site::start(None).await;
    let admin = site.anybody.login(ADMIN_EMAIL).await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let person = site.anybody.register(name).await.1;
        let listener = Listener::begin(&person).await;
        let writers = Writers::begin(&person, name, 2, PAUSE);
        people.push((listener, writers));
    }
    let calls = calls(&site, &admin);
    let readers: Vec<Reader> = calls.iter().map(Reader::begin).collect();
    let before = site.memory();

    let (begun, mut step) = (Instant::now(), 0);
    while begun.elapsed() < lasting {
        step += 1;
        let faults = chance.faults();
        let held = Duration::from_millis(200 + chance.below(LONGEST));
        say(&format!(
            "{:>6.1?} {faults:?} for {held:.1?}",
            begun.elapsed()
        ));
        for (dependency, fault) in &faults {
            site.break_down(dependency, *fault).await;
        }
        let key = format!("walk-{step}");
        let body = account(&key);
        let registering = tokio::spawn({
            let (anybody, key, body) = (site.anybody.clone(), key.clone(), body.clone());
            async move {
                let headers = [("Idempotency-Key", &*key)];
                // Whatever it comes to, it is asked for again.
                let _ = anybody.call(REGISTER, &headers, Some(&body)).await;
            }
        });
        tokio::time::sleep(held).await;
        for (dependency, fault) in &faults {
            site.mend(dependency, *fault).await;
        }
        let mended = Instant::now();
        for call in &calls {
            while !call.is_well(&call.see().await) {
                let late = mended.elapsed();
                assert!(late <= BACK, "{} is not back after {late:?}", call.name());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        site.installation.ready().await;
        assert!(
            mended.elapsed() <= BACK,
            "not ready for {:?}",
            mended.elapsed()
        );
        registering.await.expect("it ends");
        insist(&site.anybody, REGISTER, &key, &body).await;
    }

    let mut seen = BTreeMap::new();
    for reader in readers {
        reader.end(&mut seen).await;
    }
    for (listener, writers) in people {
        let written = writers.end().await;
        for (what, took) in written.seen() {
            note(&mut seen, what, took);
        }
        let projects = written.settle().await;
        listener.has_heard(&projects, BACK).await;
        say(&format!("{} changes are there and told", projects.len()));
    }
    say(&format!(
        "What was seen, and how long it took at most: {seen:?}"
    ));
    for what in seen.keys() {
        assert!(is_right(what), "{what}");
    }
    assert!(seen.values().all(|took| *took <= ANSWERED), "{seen:?}");
    mails_have_arrived(&site, &admin, step).await;
    let after = site.memory();
    say(&format!(
        "Memory in MiB before {before:?} and after {after:?}"
    ));
    for (role, after) in after {
        assert!(after <= before[role] + GROWTH, "{role} grew");
    }
    site.stop_and(check::nothing_is_half_made).await;
}

/// What is read all the time.
fn calls(site: &Site, admin: &Rest) -> Vec<Call> {
    let rest = [
        "/api/v1/auth/me",
        "/api/v1/auth/sessions",
        "/api/v1/users",
        "/api/v1/projects",
        "/api/v1/audit-log",
        "/api/v1/admin/mail-jobs",
    ];
    let rest = rest.into_iter().map(|path| Call::rest(admin, path));
    let rpcs = [Rpc::Me, Rpc::Projects, Rpc::MailJobs];
    let grpc = rpcs.into_iter().map(|rpc| Call::grpc(site, admin, rpc));
    rest.chain(grpc).collect()
}

/// Whether something is a right answer while anything may be wrong.
fn is_right(what: &str) -> bool {
    let right = [
        "200",
        "OK",
        "503 SERVICE_UNAVAILABLE",
        "504 DEADLINE_EXCEEDED",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "no answer",
    ];
    right.contains(&what)
}

type Seen = BTreeMap<String, Duration>;

fn note(seen: &mut Seen, what: &str, took: Duration) {
    let longest = seen.entry(what.to_owned()).or_default();
    *longest = took.max(*longest);
}

/// A client that reads the same again and again.
struct Reader {
    is_over: Arc<AtomicBool>,
    reading: JoinHandle<Seen>,
}

impl Reader {
    fn begin(call: &Call) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (call, until) = (call.clone(), is_over.clone());
        let reading = tokio::spawn(async move {
            let mut all = Seen::new();
            while !until.load(Ordering::Relaxed) {
                let seen = call.see().await;
                assert!(is_right(&seen.what), "{} came to {seen:?}", call.name());
                note(&mut all, &seen.what, seen.took);
                tokio::time::sleep(PAUSE / 3).await;
            }
            all
        });
        Self { is_over, reading }
    }

    async fn end(self, seen: &mut Seen) {
        self.is_over.store(true, Ordering::Relaxed);
        for (what, took) in self.reading.await.expect("no wrong answer") {
            note(seen, &what, took);
        }
    }
}

/// Everybody who has registered on the way gets the mail that is due, and twice
/// only as the same one. An administrator hastens those that were put off.
async fn mails_have_arrived(site: &Site, admin: &Rest, steps: usize) {
    let mut missing: BTreeSet<String> = (1..=steps)
        .map(|step| format!("walk-{step}@example.com"))
        .collect();
    let begun = Instant::now();
    loop {
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for mail in site.mails() {
            let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
            let to = text(&mail["to"]);
            missing.remove(&to);
            ids.entry(to)
                .or_default()
                .insert(text(&mail["headers"]["message-id"]));
        }
        assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
        if missing.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "no mail to {missing:?}");
        for job in admin.all("/api/v1/admin/mail-jobs?status=FAILED").await {
            let id = job["id"].as_str().expect("an id");
            let line = format!("POST /api/v1/admin/mail-jobs/{id}/retry");
            admin.call(&line, &[], None).await.expect("an answer");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
