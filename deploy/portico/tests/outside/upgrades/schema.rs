//! The schema while versions change: it is brought up to date once, an older
//! version serves from a newer one, and what cannot serve says so.

use portico_chassis::database::{Database, DatabaseUrl};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};

use super::replicas::use_postgres;
use crate::{
    Plan, Program,
    installation::Variables,
    program::{portico, run},
};

/// A migration that no version knows yet.
const LATER: i64 = 9_001;

/// What the next version adds to each service: columns and tables.
const ADDED: [(&str, &[&str]); 4] = [
    ("users", &["users", "outbox"]),
    ("auth", &["credentials", "sessions", "outbox"]),
    (
        "projects",
        &["projects", "members", "invitations", "outbox"],
    ),
    ("notifications", &["event_cursors"]),
];

async fn on_both_engines() -> [Plan; 2] {
    let mut on_postgres = Plan::as_separate_roles();
    use_postgres(&mut on_postgres).await;
    [Plan::as_separate_roles(), on_postgres]
}

async fn execute(url: &DatabaseUrl, sql: &str) {
    let database = Database::open(url, 1).await.expect("it opens");
    let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    let executed = match &database {
        Database::Postgres(database) => query.execute(&database.pool).await.map(drop),
        Database::Sqlite(database) => {
            let mut write = database.begin().await.expect("its turn");
            (&mut write).execute(query).await.expect("executed");
            write.commit().await.expect("committed");
            Ok(())
        }
    };
    executed.expect("executed");
    database.close().await;
}

/// Notes a migration as applied by a later version.
fn note(version: i64, name: &str) -> String {
    format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT {version}, '{name}', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1;"
    )
}

/// The code that a command ended with, and what it told.
async fn outcome(variables: &Variables, arguments: &[&str]) -> (Option<i32>, String) {
    let (code, output) = run(variables, arguments, "").await;
    let told = [output.stdout, output.stderr].concat();
    (code, String::from_utf8_lossy(&told).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_that_are_run_at_once_wait_for_each_other() {
    for plan in on_both_engines().await {
        let migrate = || Program::start("migrate", &mut portico(&plan.variables, &["migrate"]));
        let mut at_once: Vec<Program> = std::iter::repeat_with(migrate).take(4).collect();
        for program in &mut at_once {
            let status = program.end().await;
            assert!(status.success(), "{status}: {}", program.output());
        }
        let (code, told) = outcome(&plan.variables, &["migrate", "--check"]).await;
        assert_eq!(code, Some(0), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_serves_from_the_schema_of_the_next_one() {
    for plan in on_both_engines().await {
        plan.migrate().await;
        let installation = plan.start().await;
        let (_, ada) = installation.rest.register("ada").await;
        let (bob, _) = installation.rest.register("bob").await;
        ada.all("/api/v1/projects").await;

        // The next version migrates while this one serves.
        for (service, tables) in ADDED {
            let mut sql = note(LATER, "later");
            sql += "CREATE TABLE later (id integer PRIMARY KEY);";
            for table in tables {
                sql += &format!("ALTER TABLE {table} ADD COLUMN later_text text;");
                sql += &format!(
                    "ALTER TABLE {table} ADD COLUMN later_number integer NOT NULL DEFAULT 0;"
                );
            }
            execute(&plan.database(&service.to_uppercase()), &sql).await;
        }
        let body = json!({"name": "Apollo"});
        let project = ada.post("/api/v1/projects", body).await;
        let id = project["id"].as_str().expect("an id");
        let members = format!("/api/v1/projects/{id}/members");
        let body = json!({"userId": bob["id"], "role": "MEMBER"});
        ada.post(&members, body).await;
        assert_eq!(ada.all(&members).await.len(), 2);
        ada.get("/api/v1/auth/me").await;
        installation.stop().await;

        // An upgrade that was taken back: this version starts on it, too.
        let (code, told) = outcome(&plan.variables, &["migrate"]).await;
        assert_eq!(code, Some(0), "{told}");
        let installation = plan.start().await;
        let ada = installation.rest.login("ada@example.com").await;
        assert_eq!(ada.all("/api/v1/projects").await.len(), 1);
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_lacks_what_is_needed_is_refused_by_name() {
    for plan in on_both_engines().await {
        plan.migrate().await;
        let users = plan.database("USERS");
        let is_refused = async |reason: &str, commands: &[&[&str]]| {
            for command in commands {
                let (code, told) = outcome(&plan.variables, command).await;
                assert_eq!(code, Some(1), "{command:?}: {told}");
                assert!(told.contains(reason), "{command:?}: {told}");
            }
        };

        // What was taken away is needed by older versions only.
        execute(&users, &note(LATER, "contract after 0001 old names")).await;
        let (code, told) = outcome(&plan.variables, &["migrate", "--check"]).await;
        assert_eq!(code, Some(0), "{told}");
        execute(&users, &note(LATER + 1, "contract after 9001 old names")).await;
        let reason = "the users database cannot be used: migration 9002 of a later version took \
            away what this version needs: use one that knows migration 9001";
        is_refused(reason, &[&["migrate", "--check"], &["users"]]).await;
        let reason = "migration 9002 of a later version took away what this version needs";
        is_refused(reason, &[&["migrate"], &["doctor", "users"]]).await;

        let forgotten = "DELETE FROM _sqlx_migrations WHERE version > 1";
        execute(&users, forgotten).await;
        let reason = "the users database lacks";
        is_refused(reason, &[&["migrate", "--check"], &["users"]]).await;
    }
}
