//! From SQLite to PostgreSQL: an installation that was used goes on as if
//! nothing had happened, and a move that is killed goes on, too.

mod fill;
mod used;

use std::time::Duration;

use portico_chassis::clock::fill_random;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use self::used::Used;
use crate::{
    Plan, Program,
    installation::SERVICES,
    program::{from_environment, portico, run},
};

const EVENTS: &str = "SELECT count(*) FROM outbox";

/// How many events have arrived when the move is killed: two batches.
const THERE: i64 = 20_000;

/// A database on the PostgreSQL server of the tests.
struct Place {
    name: String,
    server: String,
}

impl Place {
    async fn new() -> Self {
        let mut random = [0; 8];
        fill_random(&mut random);
        let place = Self {
            name: format!("moved_{:016x}", u64::from_le_bytes(random)),
            server: from_environment("PORTICO_TEST_POSTGRES_URL"),
        };
        let sql = format!("CREATE DATABASE {}", place.name);
        execute(&place.server, sql).await;
        place
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a database");
        format!("{server}/{}", self.name)
    }

    /// Where a service has its data in it.
    fn of(&self, service: &str) -> String {
        let url = self.url();
        format!("{url}?options=-csearch_path%3Dportico_{service},public")
    }

    async fn drop(self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        execute(&self.server, sql).await;
    }
}

async fn execute(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    let done = sqlx::query(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    done.expect("the statement succeeds");
}

/// The first column of the one row.
async fn number(url: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
    number.expect("a number")
}

/// The folder of the files, as the command is told.
fn source(plan: &Plan) -> String {
    format!("sqlite://{}", plan.get("PORTICO_DATA_DIR"))
}

/// Runs the command to its end: its exit code, and what it printed.
async fn moved(plan: &Plan, to: Option<&str>) -> (Option<i32>, String) {
    let source = source(plan);
    let mut arguments = vec!["move", "--from", &source];
    arguments.extend(to.into_iter().flat_map(|to| ["--to", to]));
    let (code, output) = run(&plan.variables, &arguments, "").await;
    let mut printed = String::from_utf8(output.stdout).expect("text");
    printed += &String::from_utf8(output.stderr).expect("text");
    (code, printed)
}

/// Has an installation use PostgreSQL.
fn settle(plan: &mut Plan, place: &Place) {
    for service in SERVICES {
        let name = format!("PORTICO_{}_DATABASE_URL", service.to_uppercase());
        plan.set(&name, &place.of(service));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_was_moved_goes_on_where_it_was() {
    let place = Place::new().await;
    let mut plan = Plan::in_one_process();
    let installation = plan.start().await;
    let used = Used::begin(&installation).await;
    let (code, told) = moved(&plan, Some(&place.url())).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("stop Portico before moving it"), "{told}");
    let before = used.seen(&installation).await;
    installation.stop().await;

    let (code, told) = moved(&plan, Some(&place.url())).await;
    assert_eq!(code, Some(0), "{told}");
    for service in SERVICES {
        let name = format!("PORTICO_{}_DATABASE_URL=", service.to_uppercase());
        assert!(told.contains(&name), "{name} in {told}");
    }
    let (_, password) = place.server.split_once("portico:").expect("a password");
    let (password, _) = password.split_once('@').expect("a host");
    assert!(!told.contains(password), "the password is told: {told}");

    settle(&mut plan, &place);
    let installation = plan.start().await;
    assert_eq!(used.seen(&installation).await, before);
    used.go_on(&installation).await;
    installation.stop().await;

    // Nothing that has happened there since is touched again.
    let projects = place.of("projects");
    let events = number(&projects, EVENTS).await;
    let (code, told) = moved(&plan, None).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("All was moved and verified on "), "{told}");
    let other = Plan::in_one_process();
    other.start().await.stop().await;
    let (code, told) = moved(&other, Some(&place.url())).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("moved from another installation"), "{told}");
    assert_eq!(number(&projects, EVENTS).await, events);

    // And the files are as they were.
    for service in SERVICES {
        plan.set(
            &format!("PORTICO_{}_DATABASE_URL", service.to_uppercase()),
            "",
        );
    }
    let installation = plan.start().await;
    used.has_not_happened(&installation).await;
    installation.stop().await;
    place.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_killed_goes_on_and_doubles_nothing() {
    let place = Place::new().await;
    let mut plan = Plan::in_one_process();
    plan.start().await.stop().await;
    fill::fill(&plan).await;

    // To where the settings say, which is to be there.
    settle(&mut plan, &place);
    for service in SERVICES {
        execute(&place.url(), format!("CREATE SCHEMA portico_{service}")).await;
    }
    plan.migrate().await;
    // It waits at this row, in the middle of a table.
    let projects = place.of("projects");
    let mut blocker = PgConnection::connect(&projects).await.expect("it answers");
    let mut blocked = blocker.begin().await.expect("a transaction");
    let row = "INSERT INTO outbox (seq, id, kind, subject, payload, actor, request_id, created_at) \
        OVERRIDING SYSTEM VALUE VALUES \
        (25000, gen_random_uuid(), '', gen_random_uuid(), '', '', '', now())";
    let row = sqlx::query(row).execute(&mut *blocked).await;
    row.expect("a row");

    let source = source(&plan);
    let arguments = ["move", "--from", &source];
    let mut killed = Program::start("move", &mut portico(&plan.variables, &arguments));
    while number(&projects, EVENTS).await < THERE {
        killed.must_run();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    killed.kill().await;
    blocked.rollback().await.expect("it is over");

    // Nobody works on a half of it.
    let (code, output) = run(&plan.variables, &[], "").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("repeat `portico move`"), "{told}");

    let told = Program::succeed("move", &mut portico(&plan.variables, &arguments)).await;
    for (table, rows, there) in [
        ("users.users", fill::PEOPLE + 1, fill::PEOPLE + 1),
        ("auth.credentials", fill::PEOPLE + 1, fill::PEOPLE + 1),
        ("projects.outbox", fill::MEMBERSHIPS, THERE),
        ("projects.members", fill::MEMBERSHIPS, 0),
    ] {
        let line = told.lines().find(|line| line.starts_with(table));
        let line = line.unwrap_or_else(|| panic!("{table} in {told}"));
        let told_rows = line.split_whitespace().nth(1);
        assert_eq!(told_rows, Some(rows.to_string().as_str()), "{line}");
        let told_there = format!("({there} were there)");
        assert_eq!(line.ends_with(&told_there), there > 0, "{line}");
    }
    assert_eq!(number(&projects, EVENTS).await, fill::MEMBERSHIPS);
    place.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_to_be_moved_and_where_to_must_be_said() {
    let plan = Plan::in_one_process();
    let (code, told) = moved(&plan, None).await;
    assert_eq!(code, Some(2), "{told}");
    for service in SERVICES {
        let name = format!(
            "\n  PORTICO_{}_DATABASE_URL is not set",
            service.to_uppercase()
        );
        assert!(told.contains(&name), "{name} in {told}");
    }
    let (code, told) = moved(&plan, Some("sqlite://elsewhere")).await;
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("postgres://user:password@host/portico"),
        "{told}"
    );

    let place = Place::new().await;
    let (code, told) = moved(&plan, Some(&place.url())).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("there is no database "), "{told}");
    place.drop().await;
}
