mod auth;
mod links;

use std::collections::HashSet;

use portico_chassis::database::testing::{self, TestDatabase};
use uuid::Uuid;

use self::auth::Auth;
use super::*;
use crate::{
    MIGRATIONS,
    config::{Config, Encryption, Outlet, SmtpServer},
    delivery::smtp::sink::{Fault, Seen, Sink, Stage},
    job::{ATTEMPTS, Cause, Job, NewJob, Status},
    store::{self, Filter},
};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A queue, a mail server, and a clock that the test moves.
struct Fixture {
    auth: Arc<Auth>,
    database: TestDatabase,
    store: Arc<dyn Store>,
    sink: Sink,
    clock: Clock,
}

/// A process that sends mails.
struct Process {
    dispatcher: Arc<Dispatcher>,
    stop: CancellationToken,
    run: tokio::task::JoinHandle<()>,
}

impl Fixture {
    async fn new() -> Self {
        Self::on(testing::sqlite(&MIGRATIONS).await).await
    }

    async fn on(database: TestDatabase) -> Self {
        Self {
            auth: Arc::default(),
            store: store::open(&database.database),
            database,
            sink: Sink::start().await,
            clock: Clock::manual(Timestamp::from_seconds(1_000_000)),
        }
    }

    /// Starts a process. It looks often, and everything else takes as long as
    /// the test's clock says.
    fn start(&self) -> Process {
        self.start_that_looks(Duration::from_millis(20))
    }

    /// Starts a process that looks for mails by itself this often.
    fn start_that_looks(&self, look: Duration) -> Process {
        let server = SmtpServer {
            host: self.sink.address.ip().to_string(),
            port: self.sink.address.port(),
            credentials: None,
            encryption: Encryption::Never,
        };
        let config = Config {
            public_url: "https://portico.example".to_owned(),
            from: "Portico <no-reply@portico.example>"
                .parse()
                .expect("a sender"),
            outlet: Outlet::Smtp(server),
        };
        let dispatcher = Arc::new(Dispatcher {
            store: self.store.clone(),
            minter: self.auth.minter(&self.clock),
            delivery: Delivery::new(&config).expect("usable"),
            bell: Arc::default(),
            public_url: config.public_url.clone(),
            from: config.from.to_string(),
            clock: self.clock.clone(),
            metrics: Arc::default(),
            pace: Pace {
                look,
                claim: Duration::from_secs(30),
                prolong: Duration::from_millis(20),
                farewell: Duration::from_millis(200),
            },
        });
        let stop = CancellationToken::new();
        let run = tokio::spawn(dispatcher.clone().run(stop.clone()));
        Process {
            dispatcher,
            stop,
            run,
        }
    }

    async fn queue(&self, count: usize) -> Vec<NewJob> {
        let mut jobs = Vec::new();
        for _ in 0..count {
            let mail = Mail::Welcome {
                name: "Ada".to_owned(),
            };
            let event = new_id(self.clock.now());
            let job = NewJob::of_event(event, mail, "ada@example.com".to_owned(), Cause::default());
            let queued = self.store.enqueue(&job, self.clock.now()).await;
            assert!(queued.expect("queued"));
            jobs.push(job);
        }
        jobs
    }

    /// Queues a mail with a link that needs a token.
    async fn queue_link(&self) -> NewJob {
        let mail = Mail::UndoEmailChange {
            user_id: Uuid::from_u128(1),
            change_id: Uuid::from_u128(2),
            name: "Ada".to_owned(),
            new_email: "eve@example.com".to_owned(),
        };
        let event = new_id(self.clock.now());
        let job = NewJob::of_event(event, mail, "ada@example.com".to_owned(), Cause::default());
        let queued = self.store.enqueue(&job, self.clock.now()).await;
        assert!(queued.expect("queued"));
        job
    }

    async fn jobs(&self) -> Vec<Job> {
        let paging = testing::paging(None, 100, None);
        let page = self.store.list(&Filter::default(), &paging).await;
        page.expect("listed").items
    }

    /// Waits until the one job that there is has a status.
    async fn until(&self, status: Status) -> Job {
        self.until_job(|job| job.status == status).await
    }

    async fn until_job(&self, is_so: impl Fn(&Job) -> bool) -> Job {
        let waited = async {
            loop {
                let mut jobs = self.jobs().await;
                assert_eq!(jobs.len(), 1);
                let job = jobs.remove(0);
                if is_so(&job) {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        waited.expect("it happens in time")
    }

    async fn close(self) {
        drop(self.store);
        self.database.close().await;
    }
}

impl Process {
    /// Stops it, as a signal would, and returns its metrics.
    async fn stop(self) -> String {
        self.stop.cancel();
        self.run.await.expect("it ends");
        self.dispatcher.metrics.text()
    }

    /// Ends it, as a power cut would.
    async fn kill(self) {
        self.run.abort();
        // Nothing of it goes on.
        assert!(self.run.await.expect_err("it is killed").is_cancelled());
    }
}

/// The ids of the letters that arrived.
fn message_ids(seen: &Seen) -> Vec<String> {
    let lines = seen.letters.iter().flat_map(|letter| letter.lines());
    lines
        .filter_map(|line| line.strip_prefix("Message-ID: <"))
        .map(|id| id.split('@').next().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_mail_is_sent_and_noted() {
    let fixture = Fixture::new().await;
    let jobs = fixture.queue(1).await;
    let process = fixture.start();
    let job = fixture.until(Status::Sent).await;
    assert_eq!((job.attempts, job.last_error), (1, None));
    let seen = fixture.sink.seen();
    assert_eq!(message_ids(&seen), [jobs[0].id.to_string()]);
    let letter = &seen.letters[0];
    assert!(
        letter.contains("Subject: Welcome to Portico\r\n"),
        "{letter}"
    );
    assert!(letter.contains("https://portico.example/"), "{letter}");
    let metrics = process.stop().await;
    assert!(metrics.contains("portico_mail_attempts_total{status=\"SENT\"} 1"));
    fixture.close().await;
}

#[tokio::test]
async fn a_bell_wakes_a_process() {
    let fixture = Fixture::new().await;
    fixture.queue(1).await;
    let process = fixture.start_that_looks(Duration::from_secs(3600));
    fixture.sink.until(|seen| seen.letters.len() == 1).await;
    fixture.queue(1).await;
    process.dispatcher.bell.notify_one();
    fixture.sink.until(|seen| seen.letters.len() == 2).await;
    process.stop().await;
    fixture.close().await;
}

#[tokio::test]
async fn five_mails_are_sent_at_a_time() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::End, Fault::Stalls);
    fixture.queue(12).await;
    let process = fixture.start();
    fixture.sink.until(|seen| seen.waiting == PLACES).await;
    let running = fixture.jobs().await;
    let running = running.iter().filter(|job| job.status == Status::Running);
    assert_eq!(running.count(), PLACES);
    fixture.sink.repair();
    let seen = fixture.sink.until(|seen| seen.letters.len() == 12).await;
    assert_eq!(seen.connections, PLACES);
    process.stop().await;
    assert!(
        fixture
            .jobs()
            .await
            .iter()
            .all(|job| job.status == Status::Sent)
    );
    fixture.close().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_up_at_once() {
    let fixture = Fixture::new().await;
    fixture
        .sink
        .fault(Stage::Recipient, Fault::Answers("550 no such person"));
    fixture.queue(1).await;
    let process = fixture.start();
    let job = fixture.until(Status::Dead).await;
    assert_eq!((job.attempts, job.next_attempt_at), (1, None));
    assert!(
        job.last_error
            .expect("a reason")
            .contains("550 no such person")
    );
    process.stop().await;
    fixture.close().await;
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_eight_times_and_again_by_hand() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::End, Fault::Answers("451 busy"));
    let queued = fixture.queue(1).await.remove(0);
    let process = fixture.start();
    for attempt in 1..ATTEMPTS {
        let is_over = |job: &Job| job.status == Status::Failed && job.attempts == attempt;
        let job = fixture.until_job(is_over).await;
        let next = job.next_attempt_at.expect("another attempt");
        assert!(next > fixture.clock.now());
        fixture.clock.advance(next.since(fixture.clock.now()));
    }
    let job = fixture.until(Status::Dead).await;
    assert_eq!(job.attempts, ATTEMPTS);
    assert!(fixture.sink.seen().letters.is_empty());

    fixture.sink.repair();
    let retried = fixture.store.retry(queued.id, fixture.clock.now()).await;
    retried.expect("retried");
    let job = fixture.until(Status::Sent).await;
    assert_eq!(job.attempts, 1);
    let metrics = process.stop().await;
    for (status, count) in [("FAILED", 7), ("DEAD", 1), ("SENT", 1)] {
        let counted = format!("portico_mail_attempts_total{{status=\"{status}\"}} {count}");
        assert!(metrics.contains(&counted), "{metrics}");
    }
    fixture.close().await;
}

#[tokio::test]
async fn a_mail_whose_process_died_is_sent_by_another() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::Data, Fault::Stalls);
    let job = fixture.queue(1).await.remove(0);
    let dying = fixture.start();
    fixture.until(Status::Running).await;
    dying.kill().await;
    fixture.sink.repair();
    let process = fixture.start();
    let due = fixture.store.next_due().await.expect("read").expect("due");
    assert!(due > fixture.clock.now());
    fixture.clock.advance(due.since(fixture.clock.now()));
    let sent = fixture.until(Status::Sent).await;
    assert_eq!(sent.attempts, 2);
    assert_eq!(message_ids(&fixture.sink.seen()), [job.id.to_string()]);
    process.stop().await;
    fixture.close().await;
}

#[tokio::test]
async fn a_mail_that_takes_long_stays_with_its_process() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::End, Fault::Stalls);
    fixture.queue(1).await;
    let (one, other) = (fixture.start(), fixture.start());
    fixture.sink.until(|seen| seen.waiting == 1).await;
    // Three times as long as a claim lasts.
    for _ in 0..6 {
        fixture.clock.advance(Duration::from_secs(15));
        let until = fixture.clock.now() + Duration::from_secs(30);
        let is_prolonged = async {
            while fixture.store.next_due().await.expect("read") != Some(until) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, is_prolonged).await;
        waited.expect("it is prolonged");
    }
    fixture.sink.repair();
    let job = fixture.until(Status::Sent).await;
    assert_eq!(job.attempts, 1);
    assert_eq!(fixture.sink.seen().letters.len(), 1);
    one.stop().await;
    other.stop().await;
    fixture.close().await;
}

#[tokio::test]
async fn a_process_that_lost_its_claim_leaves_the_mail() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::Data, Fault::Stalls);
    fixture.queue(1).await;
    let process = fixture.start();
    fixture.until(Status::Running).await;
    // As if the process had stood still.
    let now = fixture.clock.now() + Duration::from_secs(31);
    let demand = Demand {
        limit: 1,
        token: new_id(now),
        until: now + Duration::from_secs(30),
    };
    let claims = fixture.store.claim(demand, now).await.expect("claimed");
    assert_eq!(claims.len(), 1);
    // It hangs up in the middle of the letter, and notes nothing.
    fixture.sink.until(|seen| seen.left == 1).await;
    let metrics = process.stop().await;
    assert!(
        !metrics.contains("portico_mail_attempts_total{"),
        "{metrics}"
    );
    let job = fixture.until(Status::Running).await;
    assert_eq!(job.attempts, 2);
    fixture.close().await;
}

#[tokio::test]
async fn processes_at_once_send_each_mail_once() {
    let fixture = Fixture::on(testing::postgres(&MIGRATIONS).await).await;
    let queued = fixture.queue(40).await;
    let processes: Vec<Process> = (0..3).map(|_| fixture.start()).collect();
    fixture.sink.until(|seen| seen.letters.len() >= 40).await;
    for process in processes {
        process.stop().await;
    }
    let ids = message_ids(&fixture.sink.seen());
    assert_eq!(ids.len(), 40);
    let different: HashSet<String> = ids.into_iter().collect();
    let expected = queued.iter().map(|job| job.id.to_string()).collect();
    assert_eq!(different, expected);
    fixture.close().await;
}

#[tokio::test]
async fn a_stop_lets_mails_end_that_are_being_sent() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::End, Fault::Stalls);
    fixture.queue(PLACES + 1).await;
    let process = fixture.start();
    fixture.sink.until(|seen| seen.waiting == PLACES).await;
    process.stop.cancel();
    fixture.sink.repair();
    process.run.await.expect("it ends");
    let count = async |status: Status| {
        let jobs = fixture.jobs().await;
        jobs.iter().filter(|job| job.status == status).count()
    };
    assert_eq!(count(Status::Sent).await, PLACES);
    assert_eq!(count(Status::Queued).await, 1);
    fixture.close().await;
}

#[tokio::test]
async fn a_stop_waits_for_no_server_that_stalls() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::Mail, Fault::Stalls);
    fixture.queue(1).await;
    let process = fixture.start();
    fixture.until(Status::Running).await;
    process.stop().await;
    let job = fixture.until(Status::Failed).await;
    assert!(job.last_error.expect("a reason").contains("stopped"));
    fixture.sink.repair();
    let process = fixture.start();
    let next = job.next_attempt_at.expect("another attempt");
    fixture.clock.advance(next.since(fixture.clock.now()));
    fixture.until(Status::Sent).await;
    process.stop().await;
    fixture.close().await;
}

#[tokio::test]
async fn a_mail_that_this_version_cannot_make_waits_for_one_that_can() {
    let fixture = Fixture::new().await;
    let process = fixture.start();
    let claim = Claim {
        id: Uuid::nil(),
        token: Uuid::nil(),
        content: "{\"template\":\"birthday\"}".to_owned(),
        to: "ada@example.com".to_owned(),
        attempt: 1,
        cause: Cause::default(),
    };
    let refused = process.dispatcher.letter(&claim).await;
    let refused = refused.expect_err("refused");
    assert!(matches!(refused, Refusal::ForNow(_)), "{refused:?}");
    process.stop().await;
    fixture.close().await;
}
