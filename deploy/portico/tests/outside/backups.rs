//! `portico backup` beside an installation that is written to, and `portico
//! restore` to a fresh place: who was there can sign in, what was there is there,
//! and what goes on goes on.

mod load;
mod refusals;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use portico_chassis::database::{Database, DatabaseUrl};
use sqlx::{AssertSqlSafe, Decode, Postgres, Sqlite, Type, types::Uuid};

use self::load::Load;
use crate::{
    Plan, Program,
    crash::cluster::Cluster,
    installation::{SERVICES, Variables},
    program::{in_repository, run},
    rest::Rest,
};

/// Runs a command that must go well, and answers what it printed.
async fn succeed(variables: &Variables, arguments: &[&str]) -> String {
    let (code, output) = run(variables, arguments, "").await;
    assert_eq!(code, Some(0), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that must be refused, and answers why.
async fn refused(variables: &Variables, arguments: &[&str]) -> String {
    let (code, output) = run(variables, arguments, "").await;
    assert_eq!(code, Some(1), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// PostgreSQL's own programs are found, by all that a plan starts.
async fn with_postgresql(plan: &mut Plan) {
    let mut command = tokio::process::Command::new(in_repository("deploy/postgres"));
    let bin = Program::succeed("bin", command.arg("bin")).await;
    plan.set("PATH", &format!("{bin}:/usr/bin:/bin"));
}

/// Names a database of the cluster for each service, made anew.
async fn name_databases(plan: &mut Plan, cluster: &Cluster, prefix: &str) {
    for role in SERVICES {
        let url = cluster.make_database(&format!("{prefix}_{role}")).await;
        let name = role.to_uppercase();
        plan.set(&format!("PORTICO_{name}_DATABASE_URL"), &url);
    }
}

/// What a statement finds, a value each.
async fn column<T>(url: &DatabaseUrl, sql: &str) -> Vec<T>
where
    T: Type<Postgres> + Type<Sqlite> + Send + Unpin,
    T: for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, Sqlite>,
{
    let database = Database::open(url, 1).await.expect("it opens");
    let sql = AssertSqlSafe(sql.to_owned());
    let found = match &database {
        Database::Postgres(database) => sqlx::query_scalar(sql).fetch_all(&database.pool).await,
        Database::Sqlite(database) => sqlx::query_scalar(sql).fetch_all(&database.readers).await,
    };
    database.close().await;
    found.expect("an answer")
}

/// The databases of a plan, as they are, could all have been so at one instant.
async fn is_of_one_instant(plan: &Plan) {
    let people: Vec<Uuid> = column(&plan.database("USERS"), "SELECT id FROM users").await;
    let members = "SELECT DISTINCT user_id FROM members";
    let members: Vec<Uuid> = column(&plan.database("PROJECTS"), members).await;
    for member in &members {
        assert!(people.contains(member), "a project of nobody");
    }
    let known = "SELECT user_id FROM credentials";
    let known: Vec<Uuid> = column(&plan.database("AUTH"), known).await;
    for person in &people {
        assert!(known.contains(person), "a person without a credential");
    }
    for (follower, source) in [
        ("PROJECTS", "users"),
        ("AUTH", "users"),
        ("NOTIFICATIONS", "users"),
        ("NOTIFICATIONS", "auth"),
        ("NOTIFICATIONS", "projects"),
    ] {
        let sql = format!("SELECT cursor FROM event_cursors WHERE source = '{source}'");
        let cursor: Vec<String> = column(&plan.database(follower), &sql).await;
        let cursor = i64::from_str_radix(&cursor[0], 16).expect("a cursor");
        let last = "SELECT coalesce(max(seq), 0) FROM outbox";
        let last: Vec<i64> = column(&plan.database(&source.to_uppercase()), last).await;
        assert!(cursor <= last[0], "{follower} is ahead of {source}");
    }
}

/// A mail about something that happens now is sent: events go on.
async fn events_go_on(rest: &Rest, admin: &Rest) {
    let (person, _) = rest.register("afterwards").await;
    let begun = std::time::Instant::now();
    loop {
        let jobs = admin.all("/api/v1/admin/mail-jobs").await;
        if jobs.iter().any(|job| job["to"] == person["email"]) {
            return;
        }
        assert!(
            begun.elapsed() < crate::program::PATIENCE,
            "nobody hears of {person}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Backs up what runs by one plan while it is written to, restores it by
/// another, and looks whether it is what it was.
async fn comes_back(plan: &Plan, other: &Plan) {
    let backup = plan.folder.path().join("backup");
    let installation = plan.start().await;
    let load = Load::begin(&installation.rest);
    load.acknowledged(12).await;
    let before = load.so_far();
    let told = succeed(&plan.variables, &["backup", text(&backup)]).await;
    assert!(told.contains("PORTICO_MASTER_KEY is not in it"), "{told}");
    load.acknowledged(before.len() + 4).await;
    let all = load.end().await;
    installation.stop().await;

    let told = succeed(&other.variables, &["restore", text(&backup)]).await;
    assert!(told.contains("restored 4 databases"), "{told}");
    is_of_one_instant(other).await;
    other.migrate().await;
    let restored = other.start().await;
    let doctor = run(&other.variables, &["doctor"], "").await.1;
    let doctor = String::from_utf8(doctor.stdout).expect("text");
    let databases = doctor.lines().filter(|line| line.contains(" database: "));
    for line in databases {
        assert!(line.starts_with("ok "), "{doctor}");
    }
    assert!(doctor.contains("signing keys open"), "{doctor}");
    let admin = restored.admin().await;
    let mut found = 0;
    for made in &all {
        // Whoever is there can sign in and has the projects, but for what was
        // made after the instant.
        let is_there = made.is_whole(&restored.rest).await;
        assert!(is_there || !before.contains(made), "{made:?} is lost");
        found += usize::from(is_there);
    }
    assert!(found < all.len(), "the backup has what came after it");
    // Also those whose registration was in the middle.
    for person in admin.all("/api/v1/users").await {
        let email = person["email"].as_str().expect("an address");
        restored.rest.login(email).await;
    }
    events_go_on(&restored.rest, &admin).await;
    restored.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_on_sqlite_comes_back_from_a_backup() {
    let (plan, other) = (Plan::in_one_process(), Plan::in_one_process());
    // Of the first installation, only the key is left beside the backup.
    let key = |plan: &Plan| plan.folder.path().join("data/master.key");
    let installation = plan.start().await;
    installation.stop().await;
    fs::create_dir_all(key(&other).parent().expect("a folder")).expect("made");
    fs::copy(key(&plan), key(&other)).expect("copied");
    comes_back(&plan, &other).await;

    let backup = plan.folder.path().join("backup");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&backup), 0o700);
    let mut files: Vec<String> = Vec::new();
    for file in fs::read_dir(&backup).expect("a folder") {
        let file = file.expect("a file");
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
        files.push(file.file_name().into_string().expect("text"));
    }
    files.sort();
    let expected = [
        "auth.db",
        "manifest.json",
        "notifications.db",
        "projects.db",
        "users.db",
    ];
    assert_eq!(files, expected);
    assert_eq!(mode(&other.folder.path().join("data/users.db")), 0o600);
    searches_are_indexed(&other).await;
}

/// What was restored to SQLite is indexed for searches, as is what came later.
async fn searches_are_indexed(plan: &Plan) {
    let mut installation = plan.start().await;
    let name = installation.names().next().expect("a process");
    for (service, table) in [("USERS", "users"), ("PROJECTS", "projects")] {
        let url = plan.database(service);
        let count = async |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            column::<i64>(&url, &sql).await
        };
        let process = installation.process(name);
        let is_indexed = async || count("search_pending").await == [0];
        process.until("done with the index", is_indexed).await;
        assert_eq!(count("search_numbers").await, count(table).await);
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn separate_roles_on_postgresql_come_back_from_a_backup() {
    let cluster = Cluster::start().await;
    let (mut plan, mut other) = (Plan::as_separate_roles(), Plan::as_separate_roles());
    for (plan, prefix) in [(&mut plan, "first"), (&mut other, "second")] {
        with_postgresql(plan).await;
        name_databases(plan, &cluster, prefix).await;
    }
    plan.migrate().await;
    comes_back(&plan, &other).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_of_one_database_come_back_from_a_backup() {
    let cluster = Cluster::start().await;
    let (mut plan, mut other) = (Plan::as_separate_roles(), Plan::as_separate_roles());
    for (plan, database) in [(&mut plan, "first"), (&mut other, "second")] {
        with_postgresql(plan).await;
        let url = cluster.make_database(database).await;
        let mut psql = tokio::process::Command::new("psql");
        psql.env("PATH", plan.get("PATH"));
        psql.arg(&url).arg("--command");
        psql.arg(
            SERVICES
                .map(|role| format!("CREATE SCHEMA {role};"))
                .concat(),
        );
        Program::succeed("psql", &mut psql).await;
        for role in SERVICES {
            let name = role.to_uppercase();
            let url = format!("{url}?options[search_path]={role}");
            plan.set(&format!("PORTICO_{name}_DATABASE_URL"), &url);
        }
    }
    plan.migrate().await;
    comes_back(&plan, &other).await;
    cluster.stop().await;
}
