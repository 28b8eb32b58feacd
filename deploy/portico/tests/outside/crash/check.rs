//! What must hold in the databases, whatever died when.

use portico_chassis::database::{Database, DatabaseUrl};
use sqlx::AssertSqlSafe;

use crate::Plan;

/// What no row may be, by service.
const BROKEN: [(&str, &str, &str); 7] = [
    (
        "PROJECTS",
        "projects without an owner",
        "SELECT count(*) FROM projects WHERE id NOT IN \
            (SELECT project_id FROM members WHERE role = 'OWNER')",
    ),
    (
        "PROJECTS",
        "projects with a wrong count of members",
        "SELECT count(*) FROM projects WHERE member_count <> \
            (SELECT count(*) FROM members WHERE project_id = projects.id)",
    ),
    (
        "PROJECTS",
        "projects without exactly one event of their creation",
        "SELECT count(*) FROM projects WHERE 1 <> (SELECT count(*) FROM outbox \
            WHERE kind = 'project.created' AND subject = projects.id)",
    ),
    (
        "PROJECTS",
        "events of projects that were not made",
        "SELECT count(*) FROM outbox WHERE subject NOT IN (SELECT id FROM projects)",
    ),
    (
        "PROJECTS",
        "projects without an event for each member",
        "SELECT count(*) FROM projects WHERE member_count <> (SELECT count(*) FROM outbox \
            WHERE kind = 'member.added' AND subject = projects.id)",
    ),
    (
        "USERS",
        "people without exactly one event of their creation",
        "SELECT count(*) FROM users WHERE 1 <> (SELECT count(*) FROM outbox \
            WHERE kind = 'user.created' AND subject = users.id)",
    ),
    (
        "USERS",
        "events of people who were not made",
        "SELECT count(*) FROM outbox WHERE subject NOT IN (SELECT id FROM users)",
    ),
];

pub(crate) async fn nothing_is_half_made(plan: &Plan) {
    for (service, what, sql) in BROKEN {
        let url = plan.database(service);
        assert_eq!(count(&url, sql).await, 0, "{what}");
    }
    // Each person has a password that is in force, and nobody else has one.
    let people = count(&plan.database("USERS"), "SELECT count(*) FROM users").await;
    let sql = "SELECT count(*) FROM credentials WHERE is_confirmed = true";
    let credentials = count(&plan.database("AUTH"), sql).await;
    assert_eq!(people, credentials);
}

async fn count(url: &DatabaseUrl, sql: &str) -> i64 {
    let database = Database::open(url, 1).await.expect("it opens");
    let query = AssertSqlSafe(sql.to_owned());
    let counted = match &database {
        Database::Postgres(database) => sqlx::query_scalar(query).fetch_one(&database.pool).await,
        Database::Sqlite(sqlite) => sqlx::query_scalar(query).fetch_one(&sqlite.readers).await,
    };
    database.close().await;
    counted.unwrap_or_else(|error| panic!("{sql}: {error}"))
}
