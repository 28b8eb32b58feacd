//! Transactions that may write.

use std::{fmt, mem, sync::Arc};

use futures::{
    future::{BoxFuture, FutureExt as _, TryFutureExt as _, ready},
    stream::{self, BoxStream, StreamExt as _, TryStreamExt as _},
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Database, Either, Execute, Executor, Postgres, SqlSafeStr as _,
    SqlStr, Sqlite,
};
use tokio::{runtime::Handle, sync::watch, time::timeout};

use super::{connections::Lease, log::Log, patience::PING_TIMEOUT};
use crate::{
    outbox::{MOST_TOGETHER, Unwritten, bind_event, insert_postgres, insert_sqlite},
    status::Error,
};

const COMMIT: &str = "COMMIT";

/// Tells the number of the last event that this process has written.
pub(super) type Written = Arc<watch::Sender<i64>>;

/// A database in which changes are made.
pub trait Engine: Database {
    /// How a transaction begins that may write.
    const BEGIN: &'static str;

    /// Whether statements with values may be joined, so that the first one of a
    /// transaction begins it, and the last one commits it.
    const JOINS: bool;

    /// Runs a statement without values.
    fn run<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
    ) -> BoxFuture<'c, Result<(), sqlx::Error>>;

    /// Runs a statement, writes events, and ends with another statement: as far
    /// as there is each. The number of the last event.
    fn finish<'t>(
        transaction: &'t mut Write<Self>,
        first: Option<Statement<Self>>,
        events: Vec<Unwritten>,
        end: Option<&'static str>,
    ) -> BoxFuture<'t, Result<Option<i64>, sqlx::Error>>;
}

macro_rules! engine {
    ($engine:ty, begin: $begin:literal, joins: $joins:literal, insert: $insert:ident) => {
        impl Engine for $engine {
            const BEGIN: &'static str = $begin;
            const JOINS: bool = $joins;

            fn run<'c>(
                connection: &'c mut Self::Connection,
                statement: &'static str,
            ) -> BoxFuture<'c, Result<(), sqlx::Error>> {
                connection.execute(statement).map_ok(drop).boxed()
            }

            fn finish<'t>(
                transaction: &'t mut Write<Self>,
                first: Option<Statement<Self>>,
                events: Vec<Unwritten>,
                end: Option<&'static str>,
            ) -> BoxFuture<'t, Result<Option<i64>, sqlx::Error>> {
                let (first, values) = first.unzip();
                let values_of_first = values
                    .as_ref()
                    .map(|values| values.as_ref().map_or(0, |it| it.len()));
                let values = values.flatten().unwrap_or_default();
                let insert = $insert(events.len(), values_of_first);
                let first = first.map(|first| first.as_str().to_owned());
                let parts = match (first, insert) {
                    (Some(first), Some(insert)) if !Self::JOINS => [
                        Some(format!("WITH first AS ({first} RETURNING 1) {insert}")),
                        None,
                    ],
                    both => both.into(),
                };
                let parts = parts.into_iter().chain([end.map(str::to_owned)]);
                let parts: Vec<String> = parts.flatten().collect();
                if parts.is_empty() {
                    return ready(Ok(None)).boxed();
                }
                let sql = AssertSqlSafe(parts.join("; "));
                let mut query = sqlx::query_scalar_with(sql, values);
                for event in events {
                    query = bind_event!(query, event);
                }
                let numbers = query.fetch_all(transaction);
                async move { Ok(numbers.await?.into_iter().max()) }.boxed()
            }
        }
    };
}
engine!(Postgres, begin: "BEGIN", joins: false, insert: insert_postgres);
engine!(Sqlite, begin: "BEGIN IMMEDIATE", joins: true, insert: insert_sqlite);

/// A transaction that may write. Dropped, it changes nothing.
pub struct Write<D: Engine> {
    /// There until it has ended.
    lease: Option<Lease<D>>,
    progress: Progress,
    /// Its last statement, which is to go along with its events.
    last: Option<Statement<D>>,
    /// Its events that are to be written with the commit.
    events: Vec<Unwritten>,
    /// The number of the last one that is written.
    told: Option<i64>,
    written: Written,
    /// What is synced when it has committed, where that is for us to do.
    log: Option<Arc<Log>>,
}

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Its first statement is to begin it.
    Waiting,
    /// It may have begun.
    Beginning,
    Begun,
}

impl<D: Engine> Write<D> {
    pub(super) async fn begin(
        lease: Lease<D>,
        written: &Written,
        log: Option<&Arc<Log>>,
    ) -> Result<Self, Error> {
        let mut write = Self {
            lease: Some(lease),
            progress: Progress::Waiting,
            last: None,
            events: Vec::new(),
            told: None,
            written: written.clone(),
            log: log.cloned(),
        };
        if !D::JOINS {
            write.progress = Progress::Beginning;
            D::run(write.connection(), D::BEGIN).await?;
            write.progress = Progress::Begun;
        }
        Ok(write)
    }

    fn connection(&mut self) -> &mut D::Connection {
        connection_of(&mut self.lease)
    }

    /// What the next statement is, which may have to begin the transaction.
    fn next<'q>(&mut self, query: impl Execute<'q, D>) -> Result<Statement<D>, sqlx::Error> {
        let (sql, values) = self.statement(query)?;
        if self.progress == Progress::Begun {
            return Ok((sql, values));
        }
        self.progress = Progress::Beginning;
        let sql = AssertSqlSafe(format!("{}; {}", D::BEGIN, sql.as_str()));
        Ok((sql.into_sql_str(), values))
    }

    /// The statement of a query, unless the last one was given.
    fn statement<'q>(&self, mut query: impl Execute<'q, D>) -> Result<Statement<D>, sqlx::Error> {
        if self.last.is_some() {
            return Err(sqlx::Error::Protocol("it had its last statement".into()));
        }
        let values = query.take_arguments().map_err(sqlx::Error::Encode)?;
        Ok((query.sql(), values))
    }

    /// Gives it its last statement, which is run along with its events when it
    /// commits: one that fails for no reason that a caller could be told. If it
    /// changes nothing, the events are not told.
    ///
    /// # Errors
    ///
    /// If it had one, or if a value cannot be encoded.
    pub fn last<'q>(&mut self, query: impl Execute<'q, D>) -> Result<(), Error> {
        self.last = Some(self.statement(query)?);
        Ok(())
    }

    /// Adds an event.
    pub(crate) async fn tell(&mut self, event: Unwritten) -> Result<(), Error> {
        self.events.push(event);
        // The last statement decides on all of them.
        if self.events.len() == MOST_TOGETHER && self.last.is_none() {
            self.write_events().await?;
        }
        Ok(())
    }

    /// Writes the events so far, which otherwise go along with the commit.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn write_events(&mut self) -> Result<(), Error> {
        self.finish(None).await
    }

    async fn finish(&mut self, end: Option<&'static str>) -> Result<(), Error> {
        let (last, events) = (self.last.take(), mem::take(&mut self.events));
        let told = D::finish(self, last, events, end).await?;
        self.told = told.or(self.told);
        Ok(())
    }

    fn has_something_to_do(&self) -> bool {
        self.progress != Progress::Waiting || self.last.is_some() || !self.events.is_empty()
    }

    /// Waits until the changes that it found are on disk: those who made them
    /// may still wait for it. Whoever answers with a change that another one
    /// made, and makes none, waits for it before.
    ///
    /// # Errors
    ///
    /// A failure of the disk.
    pub async fn found_is_kept(&self) -> Result<(), Error> {
        match &self.log {
            Some(log) => log.sync().await,
            // PostgreSQL shows no change before it is on disk.
            None => Ok(()),
        }
    }

    /// Makes the changes last, and tells those who wait for events.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn commit(self) -> Result<(), Error> {
        self.commit_told().await.map(drop)
    }

    /// The same. Whether there are events that were told.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn commit_told(mut self) -> Result<bool, Error> {
        if !D::JOINS {
            self.finish(None).await?;
            D::run(self.connection(), COMMIT).await?;
        } else if self.has_something_to_do() {
            self.finish(Some(COMMIT)).await?;
        }
        if let Some(lease) = self.lease.take() {
            lease.put_back();
        }
        self.found_is_kept().await?;
        if let Some(event) = self.told {
            self.written.send_if_modified(|last| {
                let is_new = *last < event;
                *last = event.max(*last);
                is_new
            });
        }
        Ok(self.told.is_some())
    }
}

#[expect(clippy::expect_used, reason = "only `commit` and `drop` take it away")]
fn connection_of<D: Engine>(lease: &mut Option<Lease<D>>) -> &mut D::Connection {
    lease.as_mut().expect("a transaction in progress")
}

/// A statement with its values.
type Statement<D> = (SqlStr, Option<<D as Database>::Arguments>);

/// The first statement begins the transaction, unless it has begun.
impl<'t, D: Engine> Executor<'t> for &'t mut Write<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    type Database = D;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<D::QueryResult, D::Row>, sqlx::Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, D>,
    {
        let statement = match self.next(query) {
            Ok(statement) => statement,
            Err(error) => return stream::once(ready(Err(error))).boxed(),
        };
        if self.progress == Progress::Begun {
            return self.connection().fetch_many(statement);
        }
        let Write {
            lease, progress, ..
        } = self;
        let answers = connection_of(lease).fetch_many(statement);
        // What begins it has an answer of its own, which counts the rows of an
        // earlier change.
        let asked_for = answers.try_filter_map(|answer| {
            let has_begun = mem::replace(progress, Progress::Begun) == Progress::Begun;
            ready(Ok(has_begun.then_some(answer)))
        });
        asked_for.boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<D::Row>, sqlx::Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, D>,
    {
        Box::pin(async move {
            let statement = self.next(query)?;
            let row = self.connection().fetch_optional(statement).await?;
            self.progress = Progress::Begun;
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [D::TypeInfo],
    ) -> BoxFuture<'e, Result<D::Statement, sqlx::Error>>
    where
        't: 'e,
    {
        self.connection().prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<D>, sqlx::Error>>
    where
        't: 'e,
    {
        self.connection().describe(sql)
    }
}

impl<D: Engine> fmt::Debug for Write<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut write = formatter.debug_struct("Write");
        write
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

/// Takes back what was not committed, after what is in progress.
impl<D: Engine> Drop for Write<D> {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else {
            return;
        };
        if self.progress == Progress::Waiting {
            lease.put_back();
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            lease.end();
            return;
        };
        runtime.spawn(async move {
            match timeout(PING_TIMEOUT, D::run(&mut lease, "ROLLBACK")).await {
                Ok(Ok(())) => lease.put_back(),
                _ => lease.end(),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{query, query_scalar};
    use tempfile::TempDir;

    use crate::database::{Database, DatabaseUrl, SqliteDatabase};

    /// A database with a table of three words.
    async fn words() -> (TempDir, SqliteDatabase) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
        let opened = Database::open(&url, 2).await.expect("it opens");
        let Database::Sqlite(database) = opened else {
            panic!("it is SQLite");
        };
        let mut write = database.begin().await.expect("a turn");
        let table = query("CREATE TABLE words (word TEXT PRIMARY KEY)");
        table.execute(&mut write).await.expect("made");
        let insert = query("INSERT INTO words VALUES ('one'), ('two'), ('three')");
        insert.execute(&mut write).await.expect("written");
        write.commit().await.expect("committed");
        (folder, database)
    }

    async fn count(database: &SqliteDatabase) -> i64 {
        let count = query_scalar("SELECT count(*) FROM words");
        count.fetch_one(&database.readers).await.expect("counted")
    }

    #[tokio::test]
    async fn the_first_statement_counts_its_own_rows_only() {
        let (_folder, database) = words().await;
        for first in [true, false] {
            let mut write = database.begin().await.expect("a turn");
            if !first {
                let read = query("SELECT 1").execute(&mut write).await;
                read.expect("read");
            }
            let delete = query("DELETE FROM words WHERE word = $1").bind("four");
            let deleted = delete.execute(&mut write).await.expect("deleted");
            assert_eq!(deleted.rows_affected(), 0);
            write.commit().await.expect("committed");
        }
    }

    #[tokio::test]
    async fn what_is_dropped_changes_nothing() {
        let (_folder, database) = words().await;
        for statements in 0..3 {
            let mut write = database.begin().await.expect("a turn");
            for word in ["two", "one"].into_iter().take(statements) {
                let delete = query("DELETE FROM words WHERE word = $1").bind(word);
                let deleted = delete.execute(&mut write).await.expect("deleted");
                assert_eq!(deleted.rows_affected(), 1);
            }
            drop(write);
            let write = database.begin().await.expect("the next turn");
            write.commit().await.expect("nothing to do");
            assert_eq!(count(&database).await, 3);
        }
    }

    #[tokio::test]
    async fn what_follows_a_first_statement_that_failed_is_not_by_itself() {
        let (_folder, database) = words().await;
        let mut write = database.begin().await.expect("a turn");
        let insert = || query("INSERT INTO words VALUES ($1)");
        let failed = insert().bind("one").execute(&mut write).await;
        failed.expect_err("it is there already");
        let next = insert().bind("four").execute(&mut write).await;
        next.expect("written in the transaction");
        drop(write);
        assert_eq!(count(&database).await, 3);
        let mut write = database.begin().await.expect("the next turn");
        let written = insert().bind("four").execute(&mut write).await;
        written.expect("written");
        write.commit().await.expect("committed");
        assert_eq!(count(&database).await, 4);
    }

    #[tokio::test]
    async fn the_last_statement_is_committed_with_the_transaction() {
        let (_folder, database) = words().await;
        let insert = || query("INSERT INTO words VALUES ($1)");
        for statements_before in 0..2 {
            let mut write = database.begin().await.expect("a turn");
            for _ in 0..statements_before {
                let read = query("SELECT 1").execute(&mut write).await;
                read.expect("read");
            }
            let word = format!("after {statements_before}");
            write.last(insert().bind(&word)).expect("taken");
            let after = insert().bind("four").execute(&mut write).await;
            after.expect_err("it had its last statement");
            let another = write.last(insert().bind("four"));
            another.expect_err("it has one");
            assert_eq!(count(&database).await, 3 + statements_before);
            write.commit().await.expect("committed");
            assert_eq!(count(&database).await, 4 + statements_before);
        }
        let mut write = database.begin().await.expect("a turn");
        write.last(insert().bind("four")).expect("taken");
        drop(write);
        assert_eq!(count(&database).await, 5);
    }
}
