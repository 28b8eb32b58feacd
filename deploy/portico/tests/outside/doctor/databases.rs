//! What the doctor says of databases.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Said, ask};
use crate::{
    Plan, Program,
    crash::cluster::Cluster,
    installation::SERVICES,
    program::{portico, run},
};

/// A production installation on PostgreSQL, of which nothing runs.
async fn on_postgresql(cluster: &Cluster) -> Plan {
    let mut plan = Plan::as_separate_roles();
    for role in SERVICES {
        let url = cluster.make_database(role).await;
        let name = role.to_uppercase();
        plan.set(&format!("PORTICO_{name}_DATABASE_URL"), &url);
    }
    plan
}

/// The roles that have a database each: nothing of the others is looked at.
const ROLES: [&str; 2] = ["users", "auth"];

/// The databases that something is wrong with.
fn failed(said: &Said) -> Vec<&str> {
    let failed = said.rows.iter().filter(|row| row["verdict"] == "FAIL");
    let mut failed: Vec<&str> = failed.filter_map(|row| row["check"].as_str()).collect();
    failed.dedup();
    // The roles that they call do not run.
    failed.retain(|check| !check.contains(" at "));
    failed
}

async fn sql(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the statements succeed");
    connection.close().await.expect("closed");
}

/// The same URL with another user and password.
fn as_user(url: &str, user: &str) -> String {
    let (_, place) = url.rsplit_once('@').expect("a place");
    format!("postgres://{user}@{place}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_looked_at_step_by_step() {
    let cluster = Cluster::start().await;
    let mut plan = on_postgresql(&cluster).await;
    let empty = ask(&plan.variables, &ROLES).await;
    assert_eq!(
        failed(&empty),
        ["users database", "auth database"],
        "{}",
        empty.all()
    );
    empty.says("users database", "ok", "PostgreSQL 1");
    empty.says(
        "users database",
        "ok",
        "may read, write and migrate the schema public",
    );
    empty.says("users database", "ok", "LISTEN hears what is notified");
    empty.says(
        "users database",
        "ok",
        "the clock of the database server is in step",
    );
    empty.says(
        "users database",
        "FAIL",
        " migrations: run `portico migrate`",
    );
    empty.says(
        "auth database",
        "skip",
        "signing keys: not checked because migrations are",
    );

    plan.migrate().await;
    Program::succeed("rotate", &mut portico(&plan.variables, &["keys", "rotate"])).await;
    let whole = ask(&plan.variables, &ROLES).await;
    assert_eq!(failed(&whole), [""; 0], "{}", whole.all());
    whole.says("users database", "ok", "up to date");
    whole.says("auth database", "ok", "signing keys open");

    // Another key of 32 bytes.
    let key = format!("{}=", "B".repeat(43));
    let right = plan.get("PORTICO_MASTER_KEY").to_owned();
    plan.set("PORTICO_MASTER_KEY", &key.replace("BBB=", "BBA="));
    let other = ask(&plan.variables, &ROLES).await;
    assert_eq!(failed(&other), ["auth database"], "{}", other.all());
    other.says(
        "auth database",
        "FAIL",
        "PORTICO_MASTER_KEY is not the key that they",
    );
    plan.set("PORTICO_MASTER_KEY", &right);

    // A password that is not the one, and a server that is not there.
    let url = plan.get("PORTICO_USERS_DATABASE_URL").to_owned();
    plan.set(
        "PORTICO_USERS_DATABASE_URL",
        &as_user(&url, "portico:hunter2"),
    );
    let wrong = ask(&plan.variables, &ROLES).await;
    assert_eq!(failed(&wrong), ["users database"], "{}", wrong.all());
    wrong.says(
        "users database",
        "FAIL",
        "does not answer: error returned from database: password",
    );
    wrong.says(
        "users database",
        "skip",
        "version, privileges, migrations and clock: not checked",
    );
    plan.set(
        "PORTICO_USERS_DATABASE_URL",
        "postgres://u:hunter2@127.0.0.1:9/users",
    );
    let refused = ask(&plan.variables, &ROLES).await;
    refused.says("users database", "FAIL", "Connection refused");
    refused.says("users database", "FAIL", "check PORTICO_USERS_DATABASE_URL");
    refused.says("auth database", "ok", "up to date");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_with_too_few_privileges_is_told_what_it_lacks() {
    let cluster = Cluster::start().await;
    let mut plan = Plan::as_separate_roles();
    let owned = cluster.make_database("users").await;
    let name = "PORTICO_USERS_DATABASE_URL";
    let said = async |plan: &Plan| ask(&plan.variables, &["users"]).await;

    sql(
        &owned,
        "CREATE ROLE clerk LOGIN PASSWORD 'hunter2'; REVOKE ALL ON SCHEMA public FROM PUBLIC",
    )
    .await;
    plan.set(name, &as_user(&owned, "clerk:hunter2"));
    let closed = said(&plan).await;
    closed.says("users database", "FAIL", "the role clerk may use no schema");
    closed.says(
        "users database",
        "skip",
        "migrations: not checked because the role may not",
    );

    sql(&owned, "GRANT USAGE ON SCHEMA public TO clerk").await;
    let idle = said(&plan).await;
    idle.says(
        "users database",
        "FAIL",
        "the role clerk may make no tables: GRANT CREATE",
    );

    plan.set(name, &owned);
    let (code, _) = run(&plan.variables, &["migrate"], "").await;
    // The other databases are files that nobody has made.
    assert_eq!(code, Some(0));
    sql(
        &owned,
        "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO clerk",
    )
    .await;
    plan.set(name, &as_user(&owned, "clerk:hunter2"));
    let reader = said(&plan).await;
    reader.says(
        "users database",
        "FAIL",
        "may not read and write email_reservations, outbox",
    );

    sql(
        &owned,
        "GRANT UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk",
    )
    .await;
    let writer = said(&plan).await;
    writer.says(
        "users database",
        "FAIL",
        "may not read and write outbox_seq_seq:",
    );

    sql(
        &owned,
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO clerk",
    )
    .await;
    let enough = said(&plan).await;
    assert!(
        enough.find("users database", "FAIL").is_empty(),
        "{}",
        enough.all()
    );
    enough.says(
        "users database",
        "ok",
        "clerk may read and write the schema public, but not migrate",
    );

    sql(
        &owned,
        "ALTER ROLE clerk SET default_transaction_read_only = on",
    )
    .await;
    let standby = said(&plan).await;
    standby.says("users database", "FAIL", "nothing can be written");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_cannot_be_written_or_are_no_database_are_told_of() {
    let mut plan = Plan::as_separate_roles();
    let name = "PORTICO_USERS_DATABASE_URL";
    let missing = ask(&plan.variables, &["users"]).await;
    missing.says("users database", "FAIL", "data cannot be written");
    missing.says(
        "users database",
        "skip",
        "not checked because it cannot be written",
    );

    // Nobody writes there, not even root.
    let file = plan.folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    plan.set(name, &format!("sqlite://{}/users.db", file.display()));
    let closed = ask(&plan.variables, &["users"]).await;
    closed.says("users database", "FAIL", "file cannot be written: ");

    let path = plan.folder.path().join("users.db");
    plan.set(name, &format!("sqlite://{}", path.display()));
    let absent = ask(&plan.variables, &["users"]).await;
    absent.says(
        "users database",
        "FAIL",
        "not made yet: run `portico migrate`",
    );
    assert!(!path.exists());

    std::fs::write(
        &path,
        "no database, but a text that is long enough to be one",
    )
    .expect("written");
    let text = ask(&plan.variables, &["users"]).await;
    text.says("users database", "FAIL", "file is not a database");
    assert!(
        text.find("users database", "ok").len() >= 2,
        "{}",
        text.all()
    );
}
