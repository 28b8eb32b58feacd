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
    let events = number(&projects, "SELECT count(*) FROM outbox").await;
    let (code, told) = moved(&plan, None).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("All was moved and verified on "), "{told}");
    let other = Plan::in_one_process();
    other.start().await.stop().await;
    let (code, told) = moved(&other, Some(&place.url())).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("moved from another installation"), "{told}");
    assert_eq!(
        number(&projects, "SELECT count(*) FROM outbox").await,
        events
    );

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
    let plan = Plan::in_one_process();
    plan.start().await.stop().await;
    fill::fill(&plan).await;

    let source = source(&plan);
    let to = place.url();
    let arguments = ["move", "--from", &source, "--to", &to];
    let mut killed = Program::start("move", &mut portico(&plan.variables, &arguments));
    killed.line("projects.projects").await;
    let projects = place.of("projects");
    while number(&projects, "SELECT count(*) FROM members").await == 0 {
        killed.must_run();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    killed.kill().await;
    let there = number(&projects, "SELECT count(*) FROM members").await;
    assert!(
        there < fill::MEMBERSHIPS,
        "it was over before it was killed"
    );

    // Nobody works on a half of it.
    let mut half = Plan::in_one_process();
    settle(&mut half, &place);
    let (code, output) = run(&half.variables, &[], "").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("repeat `portico move`"), "{told}");

    let told = Program::succeed("move", &mut portico(&plan.variables, &arguments)).await;
    for (table, rows) in [
        ("users.users", fill::PEOPLE + 1),
        ("auth.credentials", fill::PEOPLE + 1),
        ("projects.members", fill::MEMBERSHIPS),
        ("projects.outbox", fill::MEMBERSHIPS),
    ] {
        let line = told.lines().find(|line| line.starts_with(table));
        let line = line.unwrap_or_else(|| panic!("{table} in {told}"));
        let told_rows = line.split_whitespace().nth(1);
        assert_eq!(told_rows, Some(rows.to_string().as_str()), "{line}");
        assert!(line.ends_with("were there)"), "{line}");
    }
    let members = number(&projects, "SELECT count(*) FROM members").await;
    assert_eq!(members, fill::MEMBERSHIPS);
    place.drop().await;
}
