//! Opens databases: PostgreSQL by a pool, SQLite in WAL mode by one writer and
//! several readers. Maps their failures: what the caller can do nothing about
//! is a fault of ours or an unavailable service.

mod connections;
mod examine;
mod failure;
mod libpq;
mod log;
mod patience;
mod schema;
pub mod searches;
mod snapshot;
#[cfg(feature = "testing")]
pub mod testing;
mod write;

use std::{
    num::NonZero,
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    Postgres, Sqlite, SqlitePool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

pub use self::{
    connections::Connections,
    examine::{examine_file, reach, room},
    failure::unique_violation,
    libpq::Libpq,
    patience::{in_time, upkeep},
    schema::{Fit, SchemaError, TakenAway},
    snapshot::{Pause, PostgresView, SqliteView, be_alone, check_file},
    write::{Engine, Write},
};
use self::{
    connections::KEPT,
    failure::is_busy,
    log::Log,
    patience::{WORK_TIMEOUT, stands},
    write::Written,
};
use crate::{status::Error, telemetry::Metrics};

/// How long a call waits for a connection before it gives up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// For how long a connection counts as one that stands after its last use.
const FRESH: Duration = Duration::from_secs(1);

/// How long a transaction may stand still. It holds locks, and holds back all
/// events, also where its process does not move any more.
const STANDSTILL: &str = "15s";

/// How long connections may take to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How soon a new file of SQLite is opened again that another process begins.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How long a reader of SQLite is kept, in use or not: it takes 0.3 MB, and a
/// fraction of a millisecond to open. (The pool's own limit for those that
/// nobody uses begins anew each time that it is looked at, and so never ends.)
const READER_LIFETIME: Duration = Duration::from_secs(10);

/// Where a service keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://user:password@host/database`
    Postgres(String),
    /// `sqlite://path`
    Sqlite(PathBuf),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return Ok(Self::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return match PgConnectOptions::from_str(text) {
                Ok(_) => Ok(Self::Postgres(text.to_owned())),
                Err(_) => Err("a valid postgres:// URL".to_owned()),
            };
        }
        Err("a URL that begins with postgres:// or sqlite://".to_owned())
    }
}

/// The schema of a service, on each engine.
pub struct Migrations {
    /// On PostgreSQL.
    pub postgres: Migrator,
    /// On SQLite.
    pub sqlite: Migrator,
}

impl Migrations {
    /// The versions of all of them, for the engine of a database.
    #[must_use]
    pub fn versions(&self, url: &DatabaseUrl) -> Vec<i64> {
        let known = match url {
            DatabaseUrl::Postgres(_) => &self.postgres,
            DatabaseUrl::Sqlite(_) => &self.sqlite,
        };
        known.iter().map(|migration| migration.version).collect()
    }
}

/// An open database.
#[derive(Debug, Clone)]
pub enum Database {
    /// PostgreSQL.
    Postgres(PostgresDatabase),
    /// SQLite.
    Sqlite(SqliteDatabase),
}

/// PostgreSQL with its pool of connections.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    /// Connections that read and write.
    pub pool: Connections<Postgres>,
    written: Written,
}

impl PostgresDatabase {
    /// Begins a transaction that may write.
    ///
    /// # Errors
    ///
    /// `SERVICE_UNAVAILABLE` if no connection is to be had.
    pub async fn begin(&self) -> Result<Write<Postgres>, Error> {
        let lease = self.pool.lease().await?;
        Write::begin(lease, &self.written, None).await
    }

    /// The number of the last event that this process has written.
    pub(crate) fn written(&self) -> watch::Receiver<i64> {
        self.written.subscribe()
    }
}

/// SQLite with its one writer and its readers.
#[derive(Debug, Clone)]
pub struct SqliteDatabase {
    /// Several connections that only read.
    pub readers: Connections<Sqlite>,
    writer: Connections<Sqlite>,
    log: Arc<Log>,
    written: Written,
}

impl SqliteDatabase {
    /// A transaction that may write, which begins with its first statement. Waits
    /// for its turn.
    ///
    /// # Errors
    ///
    /// `SERVICE_UNAVAILABLE` if its turn does not come.
    pub async fn begin(&self) -> Result<Write<Sqlite>, Error> {
        let lease = self.writer.lease().await?;
        Write::begin(lease, &self.written, Some(&self.log)).await
    }

    /// The connection for short looks that are taken again and again although
    /// nobody calls: the one that is always open, so that readers can be given
    /// back while nothing else is to be read.
    #[must_use]
    pub fn watcher(&self) -> &Connections<Sqlite> {
        &self.writer
    }

    /// Waits until everything that was committed before is on disk.
    ///
    /// # Errors
    ///
    /// A failure of the disk.
    pub(crate) async fn sync(&self) -> Result<(), Error> {
        self.log.sync().await
    }

    /// The number of the last event that this process has written.
    pub(crate) fn written(&self) -> watch::Receiver<i64> {
        self.written.subscribe()
    }
}

impl Database {
    /// Opens a database; SQLite's file is made where it does not exist.
    ///
    /// # Errors
    ///
    /// If it cannot be opened; with the reason, and without the password.
    pub async fn open(url: &DatabaseUrl, connections: u32) -> Result<Self, sqlx::Error> {
        match url {
            DatabaseUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?
                    .application_name("portico")
                    .options([("idle_in_transaction_session_timeout", STANDSTILL)]);
                let pool = PgPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    // The pool's own tests have no limit of time.
                    .test_before_acquire(false)
                    .before_acquire(|connection, metadata| {
                        let is_fresh = metadata.idle_for < FRESH;
                        Box::pin(
                            async move { Ok(is_fresh || stands::<Postgres>(connection).await?) },
                        )
                    })
                    .after_release(|connection, _| Box::pin(stands::<Postgres>(connection)))
                    .connect_lazy_with(options);
                Ok(Self::Postgres(PostgresDatabase {
                    // One is for listening.
                    pool: Connections::new(pool, connections.saturating_sub(1).max(1), KEPT),
                    written: Written::default(),
                }))
            }
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // At a commit, the log is ours to sync: see [`Log`].
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(ACQUIRE_TIMEOUT);
                let pool = |connections, lifetime: Option<Duration>| {
                    SqlitePoolOptions::new()
                        .max_connections(connections)
                        .acquire_timeout(ACQUIRE_TIMEOUT)
                        .idle_timeout(None)
                        .max_lifetime(lifetime)
                        // A file does not hang up.
                        .test_before_acquire(false)
                };
                let writer = opened(|| pool(1, None).connect_with(options.clone())).await?;
                // More than there are cores would only take memory: a reader
                // computes, it does not wait.
                let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
                let most = u32::try_from(cores).unwrap_or(u32::MAX).clamp(2, 8);
                let most = connections.min(most);
                let readers =
                    pool(most, Some(READER_LIFETIME)).connect_lazy_with(options.read_only(true));
                Ok(Self::Sqlite(SqliteDatabase {
                    readers: Connections::new(readers, most, READER_LIFETIME),
                    writer: Connections::new(writer, 1, KEPT),
                    log: Arc::new(Log::of(path)),
                    written: Written::default(),
                }))
            }
        }
    }

    /// The migrations for this engine.
    fn known<'a>(&self, migrations: &'a Migrations) -> &'a Migrator {
        match self {
            Self::Postgres(_) => &migrations.postgres,
            Self::Sqlite(_) => &migrations.sqlite,
        }
    }

    /// The migrations that the database has seen, by their versions.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn applied(&self) -> Result<Vec<i64>, sqlx::Error> {
        let sql = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let applied = match self {
            Self::Postgres(database) => sqlx::query_scalar(sql).fetch_all(&database.pool).await,
            Self::Sqlite(database) => sqlx::query_scalar(sql).fetch_all(&database.writer).await,
        };
        match applied {
            Ok(versions) => Ok(versions),
            // The table itself is not there yet.
            Err(sqlx::Error::Database(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Has the connections counted whenever the metrics are read.
    pub fn count_connections(&self, metrics: &Metrics, name: &'static str) {
        let database = self.clone();
        metrics.look(move |metrics| {
            let (size, idle) = match &database {
                Self::Postgres(database) => database.pool.count(),
                Self::Sqlite(database) => {
                    let (size, idle) = database.writer.count();
                    let (readers, resting) = database.readers.count();
                    (size + readers, idle + resting)
                }
            };
            metrics.set_connections(name, size, idle);
        });
    }

    /// Nothing, if the database answers.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        let answered = timeout(WORK_TIMEOUT, self.select_one()).await;
        answered.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn select_one(&self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(database) => sqlx::query("SELECT 1")
                .execute(&database.pool)
                .await
                .map(drop),
            // Somebody is at work on it, so it answers.
            Self::Sqlite(database) if database.writer.are_taken() => Ok(()),
            Self::Sqlite(database) => sqlx::query("SELECT 1")
                .execute(&database.writer)
                .await
                .map(drop),
        }
    }

    /// Closes all connections, after what is in progress. PostgreSQL is not
    /// waited for if it does not answer.
    pub async fn close(&self) {
        match self {
            Self::Postgres(database) => {
                if timeout(CLOSE_TIMEOUT, database.pool.close()).await.is_err() {
                    tracing::warn!("some connections to the database do not end");
                }
            }
            Self::Sqlite(database) => {
                database.readers.close().await;
                database.writer.close().await;
            }
        }
    }
}

/// Opens a file of SQLite again until nobody else is about to write its first
/// page: a new file gets its log by a change from reading to writing, which is
/// the one thing for which SQLite itself does not wait.
async fn opened<O>(open: impl Fn() -> O) -> Result<SqlitePool, sqlx::Error>
where
    O: Future<Output = Result<SqlitePool, sqlx::Error>>,
{
    let give_up = Instant::now() + ACQUIRE_TIMEOUT;
    loop {
        match open().await {
            Err(error) if is_busy(&error) && Instant::now() < give_up => sleep(LOOK_AGAIN).await,
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions as _, raw_sql};

    use super::*;

    /// A new file, on which somebody is about to write the first page.
    async fn new_file() -> (tempfile::TempDir, DatabaseUrl, sqlx::SqliteConnection) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("new.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut other = options.connect().await.expect("opened");
        let begun = raw_sql("BEGIN IMMEDIATE; CREATE TABLE first (id integer)");
        begun.execute(&mut other).await.expect("begun");
        (directory, DatabaseUrl::Sqlite(path), other)
    }

    #[tokio::test]
    async fn a_new_file_is_opened_once_another_has_begun_it() {
        let (_directory, url, mut other) = new_file().await;
        let open = Database::open(&url, 2);
        let commit = async {
            sleep(LOOK_AGAIN * 5).await;
            raw_sql("COMMIT").execute(&mut other).await
        };
        let (database, committed) = tokio::join!(open, commit);
        committed.expect("committed");
        database.expect("opened").close().await;
    }

    #[tokio::test]
    async fn a_file_that_stays_in_use_is_given_up() {
        let (_directory, url, _other) = new_file().await;
        let refused = Database::open(&url, 2).await.expect_err("in use");
        assert!(is_busy(&refused), "{refused}");
    }
}
