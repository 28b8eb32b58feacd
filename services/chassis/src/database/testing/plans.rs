//! Whether the databases find what a statement needs by an index. No statement
//! can be forgotten: whatever runs while the cases of a service run is noted,
//! and explained at the end of the next case.

mod postgres;
mod sqlite;

use std::{
    collections::HashSet,
    fmt,
    sync::{LazyLock, Mutex, Once, PoisonError},
    thread,
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer, filter::Targets, layer::Context, layer::SubscriberExt as _, registry,
};

use crate::database::Database;

/// Where the statements that ran are told of.
const TARGET: &str = "sqlx::query";

/// How the threads are named on which statements of SQLite run.
const SQLITE_THREAD: &str = "sqlx-sqlite-worker-";

/// With what the statements begin that read or change rows.
const BEGINNINGS: [&str; 5] = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"];

/// What the tests themselves look at, and the migrations.
const OURS: [&str; 3] = [
    "_sqlx_migrations",
    "SELECT kind, payload FROM outbox ORDER BY seq",
    "SELECT kind, subject_type, details, changes FROM outbox ORDER BY seq",
];

/// Whether a statement takes the page after a row: then it has to begin there,
/// so that the 50,000th page costs what the first one costs.
fn is_after_a_row(sql: &str) -> bool {
    sql.contains(") > ($") || sql.contains(") < ($")
}

/// A part of a statement, or of a step of its plan, that goes through all rows
/// of a table or sorts them, and why it may.
pub type Excuse = (&'static str, &'static str);

/// The statements of one engine that have run in this process.
#[derive(Default)]
struct Statements {
    all: HashSet<String>,
    unexplained: Vec<String>,
}

static ON_SQLITE: LazyLock<Mutex<Statements>> = LazyLock::new(Mutex::default);
static ON_POSTGRES: LazyLock<Mutex<Statements>> = LazyLock::new(Mutex::default);

/// From now on, notes the statements of all databases of this process.
pub(super) fn note_statements() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let statements = Targets::new().with_target(TARGET, LevelFilter::DEBUG);
        let subscriber = registry().with(statements).with(Notes);
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    });
}

/// Fails if one of the statements that ran on this engine since the last time
/// goes through a whole table, or sorts one to take a page of it.
///
/// # Panics
///
/// If one does and there is no excuse, or if the database cannot explain it.
pub(super) async fn assert_plans(database: &Database, excuses: &[Excuse]) {
    let noted = match database {
        Database::Postgres(_) => &ON_POSTGRES,
        Database::Sqlite(_) => &ON_SQLITE,
    };
    let statements = {
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut noted.unexplained)
    };
    for sql in statements {
        let faults = match database {
            Database::Postgres(database) => postgres::faults(database, &sql).await,
            Database::Sqlite(database) => sqlite::faults(database, &sql).await,
        };
        for fault in faults {
            let is_excused = |(part, _): &Excuse| sql.contains(part) || fault.contains(part);
            assert!(excuses.iter().any(is_excused), "{fault}\nin {sql}");
        }
    }
}

/// Notes the statements that `sqlx` tells of.
struct Notes;

impl<S: Subscriber> Layer<S> for Notes {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        // One of a few words stands in its own summary.
        let sql = match told.statement.trim() {
            "" => told.summary,
            sql => sql.to_owned(),
        };
        let is_ours = OURS.iter().any(|part| sql.contains(part));
        if is_ours || !BEGINNINGS.iter().any(|word| sql.starts_with(word)) {
            return;
        }
        let is_on_sqlite = thread::current()
            .name()
            .is_some_and(|name| name.starts_with(SQLITE_THREAD));
        let noted = if is_on_sqlite {
            &ON_SQLITE
        } else {
            &ON_POSTGRES
        };
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.all.insert(sql.clone()) {
            noted.unexplained.push(sql);
        }
    }
}

#[derive(Default)]
struct Told {
    summary: String,
    statement: String,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
