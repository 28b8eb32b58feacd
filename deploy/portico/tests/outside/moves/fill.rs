//! Many rows at once, straight into the files: as `deploy/bench/move` fills
//! them, but fewer.

use portico_chassis::database::DatabaseUrl;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{Plan, program::in_repository};

pub(super) const PEOPLE: i64 = 2_000;
const PROJECTS: i64 = 1_000;
pub(super) const MEMBERSHIPS: i64 = 50_000;

/// Fills the files of an installation that does not run.
pub(super) async fn fill(plan: &Plan) {
    for service in ["users", "auth", "projects"] {
        let DatabaseUrl::Sqlite(path) = plan.database(&service.to_uppercase()) else {
            panic!("it is on SQLite");
        };
        let options = SqliteConnectOptions::new().filename(path);
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .expect("it opens");
        let statements = in_repository(&format!("deploy/bench/move/{service}.sql"));
        let statements = std::fs::read_to_string(statements).expect("a file");
        let sql = format!(
            "BEGIN; CREATE TEMP TABLE size AS SELECT {PEOPLE} AS people, {PROJECTS} AS projects, \
             {MEMBERSHIPS} / {PROJECTS} AS each, NULL AS everywhere, true AS with_events; \
             {statements} COMMIT;"
        );
        let filled = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        filled.expect("it is filled");
        connection.close().await.expect("it closes");
    }
}
