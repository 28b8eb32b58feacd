//! Fresh databases for tests: one for each case, so that cases never meet.

use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::{Database, DatabaseUrl, Migrations};

/// Names the PostgreSQL server of the tests, as a role that may make schemas
/// and extensions. `make test` starts one.
const POSTGRES_URL: &str = "PORTICO_TEST_POSTGRES_URL";

/// A database that nobody else uses.
pub struct TestDatabase {
    /// The open database, migrated.
    pub database: Database,
    /// Where it is.
    pub url: DatabaseUrl,
    place: Place,
}

enum Place {
    Folder(tempfile::TempDir),
    Schema(String),
}

/// A fresh SQLite database.
pub async fn sqlite(migrations: &Migrations) -> TestDatabase {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
    TestDatabase::open(url, Place::Folder(folder), migrations).await
}

/// A fresh schema on the PostgreSQL server of the tests.
pub async fn postgres(migrations: &Migrations) -> TestDatabase {
    let schema = format!("test_{}", Uuid::new_v4().simple());
    run_on_server(format!("CREATE SCHEMA {schema}")).await;
    let server = postgres_url();
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema},public");
    TestDatabase::open(
        DatabaseUrl::Postgres(url),
        Place::Schema(schema),
        migrations,
    )
    .await
}

impl TestDatabase {
    async fn open(url: DatabaseUrl, place: Place, migrations: &Migrations) -> Self {
        let database = Database::open(&url, 8).await.expect("the database opens");
        database.migrate(migrations).await.expect("it migrates");
        Self {
            database,
            url,
            place,
        }
    }

    /// Removes the database.
    pub async fn close(self) {
        self.database.close().await;
        match self.place {
            Place::Folder(folder) => folder.close().expect("the folder is removed"),
            Place::Schema(schema) => {
                run_on_server(format!("DROP SCHEMA {schema} CASCADE")).await;
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the program"
)]
fn postgres_url() -> String {
    std::env::var(POSTGRES_URL).unwrap_or_else(|_| {
        panic!("{POSTGRES_URL} is not set: run `make test`, or name a PostgreSQL server")
    })
}

async fn run_on_server(sql: String) {
    let pool = PgPool::connect(&postgres_url())
        .await
        .expect("the PostgreSQL server of the tests answers");
    sqlx::query(AssertSqlSafe(sql))
        .execute(&pool)
        .await
        .expect("the statement succeeds");
    pool.close().await;
}
