//! What the tests of stores share. Each case gets a fresh database, so that
//! cases never meet.

mod plans;

use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

pub use self::plans::Excuse;
use super::{Database, DatabaseUrl, Migrations, searches::index_some};
pub use crate::__cases as cases;
use crate::{
    clock::Timestamp,
    outbox::{Actor, Origin},
    page::Paging,
    status::{Error, Violations},
};

/// Runs each case on each database. A case is a function of a `&Fixture`, which
/// stands beside it, as do the `MIGRATIONS`.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            use super::{Fixture, MIGRATIONS};

            $(#[tokio::test] async fn $case() {
                let database = $crate::database::testing::sqlite(&MIGRATIONS).await;
                let fixture = Fixture::new(database);
                super::$case(&fixture).await;
                fixture.close().await;
            })+
        }
        mod on_postgres {
            use super::{Fixture, MIGRATIONS};

            $(#[tokio::test] async fn $case() {
                let database = $crate::database::testing::postgres(&MIGRATIONS).await;
                let fixture = Fixture::new(database);
                super::$case(&fixture).await;
                fixture.close().await;
            })+
        }
    };
}

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
        plans::note_statements();
        let database = Database::open(&url, 8).await.expect("the database opens");
        database.migrate(migrations).await.expect("it migrates");
        Self {
            database,
            url,
            place,
        }
    }

    /// Kind and payload of the events in the outbox, in order.
    pub async fn events(&self) -> Vec<(String, String)> {
        let sql = "SELECT kind, payload FROM outbox ORDER BY seq";
        match &self.database {
            Database::Postgres(database) => sqlx::query_as(sql).fetch_all(&database.pool).await,
            Database::Sqlite(database) => sqlx::query_as(sql).fetch_all(&database.readers).await,
        }
        .expect("events")
    }

    /// What the outbox says as the record of who did what, in order: what was
    /// done, to what kind of thing if the kind of the event does not say it, the
    /// details and the changes.
    pub async fn record(&self) -> Vec<(String, Option<String>, Option<String>, Option<String>)> {
        let sql = "SELECT kind, subject_type, details, changes FROM outbox ORDER BY seq";
        match &self.database {
            Database::Postgres(database) => sqlx::query_as(sql).fetch_all(&database.pool).await,
            Database::Sqlite(database) => sqlx::query_as(sql).fetch_all(&database.readers).await,
        }
        .expect("a record")
    }

    /// The kinds of the events in the outbox, in order.
    pub async fn event_kinds(&self) -> Vec<String> {
        let events = self.events().await;
        events.into_iter().map(|(kind, _)| kind).collect()
    }

    /// Indexes the rows of a table that were changed, as it is done a moment after
    /// each change.
    pub async fn index_for_searches(&self, table: &str) {
        if let Database::Sqlite(database) = &self.database {
            while index_some(database, table).await.expect("indexed") > 0 {}
        }
    }

    /// Removes the database, once the plans are seen of all statements that ran
    /// on such a database so far. `excuses` names those that may go through a
    /// whole table, or sort it.
    ///
    /// # Panics
    ///
    /// If another one does.
    pub async fn explain_and_close(mut self, excuses: &[Excuse]) {
        // Closed, it has told of all its statements.
        self.database.close().await;
        self.database = Database::open(&self.url, 2).await.expect("it opens again");
        plans::assert_plans(&self.database, excuses).await;
        self.close().await;
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

/// A change that Portico makes by itself at this second.
#[must_use]
pub fn origin(seconds: i64) -> Origin {
    Origin {
        actor: Actor::System,
        impersonated: None,
        at: Timestamp::from_seconds(seconds),
        request_id: "test".to_owned(),
        traceparent: None,
        client_ip: None,
    }
}

/// A page that somebody asks for.
#[must_use]
pub fn paging(page: Option<i32>, limit: i32, cursor: Option<&str>) -> Paging {
    let mut violations = Violations::default();
    let paging = Paging::parse(&mut violations, page, Some(limit), cursor, &"test");
    violations.finish().expect("valid paging");
    paging
}

/// Why something is refused.
pub fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.expect_err("refused").reason.into_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the program"
)]
pub(crate) fn postgres_url() -> String {
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
