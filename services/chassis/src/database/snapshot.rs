//! Databases as they all were at one instant, for a backup beside what runs.
//!
//! A backup is taken in three steps. Writers of every database are held up by a
//! [`Pause`]; while nobody writes, a view of each is taken, which stays as it is
//! whatever is written later; then the pauses end, after milliseconds, and what
//! the views show is copied for as long as it takes. So the copies are what a
//! power cut at that instant would have left of all services together: no place
//! of one in the events of another is ahead of them, and what spans services can
//! be resumed.

use std::{path::Path, str::FromStr as _, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres, Sqlite, SqliteConnection,
    Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use super::{ACQUIRE_TIMEOUT, Database, PostgresDatabase};

/// While it lasts, whoever wants to write waits. What was begun has ended.
pub struct Pause(Held);

enum Held {
    Nothing,
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// A PostgreSQL database as it was, for as long as this is kept.
pub struct PostgresView {
    /// By which others can see the same.
    pub id: String,
    /// The schema that the service's tables are in.
    pub schema: String,
    /// The extensions that they need.
    pub extensions: Vec<String>,
    transaction: Transaction<'static, Postgres>,
}

/// An SQLite database as it was, and the file that it is copied to.
pub struct SqliteView {
    connection: SqliteConnection,
}

impl Database {
    /// Holds up those who write. On PostgreSQL that is who writes an event, which
    /// is everybody who does what others hear of.
    ///
    /// # Errors
    ///
    /// If somebody writes for so long that those who wait should not wait longer.
    pub async fn pause(&self) -> Result<Pause, sqlx::Error> {
        Ok(Pause(match self {
            Self::Postgres(PostgresDatabase { pool, .. }) => {
                let mut transaction = pool.pool().begin().await?;
                let sql = "SELECT to_regclass('outbox') IS NOT NULL";
                if !sqlx::query_scalar(sql).fetch_one(&mut *transaction).await? {
                    return Ok(Pause(Held::Nothing));
                }
                let patience = ACQUIRE_TIMEOUT.as_millis();
                let sql =
                    format!("SET LOCAL lock_timeout = {patience}; LOCK TABLE outbox IN SHARE MODE");
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut *transaction)
                    .await?;
                Held::Postgres(transaction)
            }
            Self::Sqlite(database) => {
                Held::Sqlite(database.writer.pool().begin_with("BEGIN IMMEDIATE").await?)
            }
        }))
    }
}

/// Whether a database can be restored into.
pub struct Emptiness {
    /// The schema that a service would use, if there is one.
    pub schema: Option<String>,
    /// Whether there are no tables in it.
    pub is_empty: bool,
    /// Connections of Portico, but for this one.
    pub users: i64,
}

impl Database {
    /// Whether it can be restored into; a file cannot.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn examine_emptiness(&self) -> Result<Emptiness, sqlx::Error> {
        let Self::Postgres(PostgresDatabase { pool, .. }) = self else {
            return Ok(Emptiness {
                schema: None,
                is_empty: false,
                users: 0,
            });
        };
        let sql = "SELECT current_schema()::text, NOT EXISTS (SELECT 1 FROM pg_class \
                WHERE relnamespace = current_schema()::regnamespace \
                AND relkind IN ('r', 'p', 'v', 'm', 'S')), \
            (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = 'portico' AND pid <> pg_backend_pid())";
        let (schema, is_empty, users) = sqlx::query_as(sql).fetch_one(pool).await?;
        Ok(Emptiness {
            schema,
            is_empty,
            users,
        })
    }
}

impl Pause {
    /// Lets those go on who wait.
    ///
    /// # Errors
    ///
    /// If the database does not answer any more; then they go on as well.
    pub async fn end(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Held::Nothing => Ok(()),
            Held::Postgres(transaction) => transaction.rollback().await,
            Held::Sqlite(transaction) => transaction.rollback().await,
        }
    }
}

impl PostgresView {
    /// The database as it is now.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn take(database: &PostgresDatabase) -> Result<Self, sqlx::Error> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        // The extensions to which something belongs that the service's tables and
        // indexes are made with.
        const LOOK: &str = "SELECT pg_export_snapshot(), current_schema()::text, \
            array(SELECT DISTINCT extname::text FROM pg_depend used \
                JOIN pg_class ON used.classid = 'pg_class'::regclass AND pg_class.oid = used.objid \
                JOIN pg_depend part ON part.classid = used.refclassid \
                    AND part.objid = used.refobjid AND part.deptype = 'e' \
                JOIN pg_extension ON pg_extension.oid = part.refobjid \
                WHERE relnamespace = current_schema()::regnamespace)";
        let mut transaction = database.pool.pool().begin_with(BEGIN).await?;
        sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0")
            .execute(&mut *transaction)
            .await?;
        let (id, schema, extensions) = sqlx::query_as(LOOK).fetch_one(&mut *transaction).await?;
        Ok(Self {
            id,
            schema,
            extensions,
            transaction,
        })
    }

    /// Lets go of it.
    ///
    /// # Errors
    ///
    /// If the database does not answer any more, and what others saw by it may
    /// not be whole.
    pub async fn end(self) -> Result<(), sqlx::Error> {
        self.transaction.rollback().await
    }
}

impl SqliteView {
    /// Makes ready to copy the database in one file to another, which is empty.
    ///
    /// # Errors
    ///
    /// If one of them cannot be opened.
    pub async fn prepare(source: &Path, copy: &Path) -> Result<Self, sqlx::Error> {
        let name = source.to_str().ok_or_else(|| {
            sqlx::Error::Configuration("the name of the file is no text in UTF-8".into())
        })?;
        let options = SqliteConnectOptions::from_str("sqlite:")?
            .filename(copy)
            .foreign_keys(false)
            .journal_mode(SqliteJournalMode::Delete)
            .busy_timeout(Duration::from_secs(30));
        let mut connection = options.connect().await?;
        sqlx::query("ATTACH DATABASE $1 AS source")
            .bind(name)
            .execute(&mut connection)
            .await?;
        Ok(Self { connection })
    }

    /// From here on, sees the source as it is now.
    ///
    /// # Errors
    ///
    /// If the source is no database.
    pub async fn take(&mut self) -> Result<(), sqlx::Error> {
        self.run("BEGIN").await?;
        self.run("SELECT count(*) FROM source.sqlite_schema").await
    }

    /// Copies what it sees, checks the copy, and closes it.
    ///
    /// # Errors
    ///
    /// If the copy cannot be written, or is damaged because the source is.
    pub async fn copy(mut self) -> Result<(), sqlx::Error> {
        // A virtual table makes the tables that keep its rows, with their first ones.
        let kinds = "SELECT type FROM pragma_table_list WHERE schema = 'source' AND name = $1";
        for (name, sql) in self.objects("type = 'table'").await? {
            let kind: String = sqlx::query_scalar(kinds)
                .bind(&name)
                .fetch_one(&mut self.connection)
                .await?;
            let name = name.replace('"', "\"\"");
            match kind.as_str() {
                "virtual" => {
                    self.run(sql).await?;
                    continue;
                }
                "shadow" => self.run(format!("DELETE FROM main.\"{name}\"")).await?,
                _ => self.run(sql).await?,
            }
            self.run(format!(
                "INSERT INTO main.\"{name}\" SELECT * FROM source.\"{name}\""
            ))
            .await?;
        }
        // How far events are numbered, also where the last of them is gone.
        let numbers = "SELECT count(*) FROM source.sqlite_schema WHERE name = 'sqlite_sequence'";
        let has_numbers: i64 = sqlx::query_scalar(numbers)
            .fetch_one(&mut self.connection)
            .await?;
        if has_numbers > 0 {
            self.run("DELETE FROM main.sqlite_sequence").await?;
            self.run("INSERT INTO main.sqlite_sequence SELECT * FROM source.sqlite_sequence")
                .await?;
        }
        // Indexes are faster made of all rows than row by row.
        for (_, sql) in self.objects("type <> 'table'").await? {
            self.run(sql).await?;
        }
        self.run("COMMIT").await?;
        self.run("DETACH DATABASE source").await?;
        check_integrity(&mut self.connection).await?;
        self.connection.close().await
    }

    /// What the source consists of: names, and the statements that make it.
    async fn objects(
        &mut self,
        condition: &'static str,
    ) -> Result<Vec<(String, String)>, sqlx::Error> {
        let sql = format!(
            "SELECT name, sql FROM source.sqlite_schema WHERE {condition} \
             AND sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid"
        );
        sqlx::query_as(AssertSqlSafe(sql))
            .fetch_all(&mut self.connection)
            .await
    }

    async fn run(&mut self, sql: impl Into<String>) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql.into()))
            .execute(&mut self.connection)
            .await
            .map(drop)
    }
}

/// Nothing, if a file is an SQLite database that is whole.
///
/// # Errors
///
/// What is wrong with it.
pub async fn check_file(path: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await?;
    check_integrity(&mut connection).await?;
    connection.close().await
}

async fn check_integrity(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let told: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(3)")
        .fetch_all(connection)
        .await?;
    if told == ["ok"] {
        Ok(())
    } else {
        let told = format!("the database is damaged: {}", told.join("; "));
        Err(sqlx::Error::Protocol(told))
    }
}

/// Nothing, if nobody has the database in a file open; then what its log has is
/// in the file.
///
/// # Errors
///
/// If somebody has, or it is no database.
pub async fn be_alone(path: &Path) -> Result<(), sqlx::Error> {
    // Only who is alone may give the log up.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::ZERO);
    let mut connection = options.connect().await?;
    let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE")
        .fetch_one(&mut connection)
        .await;
    // A connection that is only dropped goes on for a moment, and would be in
    // the way of the next look.
    connection.close().await?;
    if mode? == "delete" {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol("the database is in use".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::database::{DatabaseUrl, SqliteDatabase};

    const SCHEMA: &str = "CREATE TABLE things (id blob PRIMARY KEY, value integer) STRICT, \
            WITHOUT ROWID; \
        CREATE TABLE outbox (seq integer PRIMARY KEY AUTOINCREMENT, word text NOT NULL) STRICT; \
        CREATE UNIQUE INDEX outbox_word ON outbox (word); \
        CREATE TABLE \"odd \"\"name\" (x); \
        CREATE VIRTUAL TABLE found USING fts5 (word, content = '', contentless_delete = 1); \
        INSERT INTO found (rowid, word) VALUES (7, 'seven'), (8, 'eight'); \
        CREATE VIEW words AS SELECT word FROM outbox; \
        CREATE TRIGGER copied AFTER INSERT ON outbox BEGIN INSERT INTO \"odd \"\"name\" \
            VALUES (new.seq); END; \
        INSERT INTO outbox (word) VALUES ('one'), ('two'), ('three'); \
        DELETE FROM outbox WHERE word = 'three'; \
        INSERT INTO things VALUES (x'01', 1);";

    async fn open(path: &Path) -> SqliteDatabase {
        let url = DatabaseUrl::Sqlite(path.to_owned());
        match Database::open(&url, 2).await.expect("it opens") {
            Database::Sqlite(database) => database,
            Database::Postgres(_) => panic!("it is a file"),
        }
    }

    async fn write(database: &SqliteDatabase, sql: &'static str) {
        let mut transaction = database.begin().await.expect("it is writable");
        sqlx::raw_sql(sql)
            .execute(&mut transaction)
            .await
            .expect("written");
        transaction.commit().await.expect("committed");
    }

    #[tokio::test]
    async fn a_copy_has_all_that_was_there_and_nothing_that_came_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let database = open(&source).await;
        write(&database, SCHEMA).await;
        std::fs::write(&copy, "").expect("made");
        let mut view = SqliteView::prepare(&source, &copy).await.expect("ready");
        let pause = Database::Sqlite(database.clone()).pause().await;
        view.take().await.expect("taken");
        pause.expect("a pause").end().await.expect("it ends");
        // Afterwards, and not in the copy.
        write(&database, "INSERT INTO outbox (word) VALUES ('four')").await;
        write(&database, "DELETE FROM things; CREATE TABLE late (x)").await;
        view.copy().await.expect("copied");

        let copied = open(&copy).await;
        let words: Vec<String> = sqlx::query_scalar("SELECT word FROM words ORDER BY word")
            .fetch_all(&copied.readers)
            .await
            .expect("a view");
        assert_eq!(words, ["one", "two"]);
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM things), (SELECT count(*) FROM \"odd \"\"name\"), \
             (SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'found%'), \
             (SELECT seq FROM sqlite_sequence WHERE name = 'outbox')",
        )
        .fetch_one(&copied.readers)
        .await
        .expect("a row");
        let counts: Vec<i64> = (0..4).map(|column| row.get(column)).collect();
        // Of the objects, two are SQLite's own: the numbers, and no index of the
        // table without row ids.
        assert_eq!(counts, [1, 3, 7, 3]);
        let found = "SELECT group_concat(rowid) FROM found WHERE found MATCH 'seven OR eight'";
        let found: String = sqlx::query_scalar(found)
            .fetch_one(&copied.readers)
            .await
            .expect("an index");
        assert_eq!(found, "7,8");
        write(&copied, "DELETE FROM found WHERE rowid = 7").await;
        // The trigger did not fire again, and does from here on.
        write(&copied, "INSERT INTO outbox (word) VALUES ('five')").await;
        let last: i64 = sqlx::query_scalar("SELECT max(x) FROM \"odd \"\"name\"")
            .fetch_one(&copied.readers)
            .await
            .expect("a number");
        assert_eq!(last, 4);
    }

    #[tokio::test]
    async fn during_a_pause_nobody_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = open(&folder.path().join("a.db")).await;
        write(&database, SCHEMA).await;
        let other = Database::Sqlite(open(&folder.path().join("a.db")).await);
        let pause = other.pause().await.expect("a pause");
        let writer = tokio::spawn(async move {
            write(&database, "INSERT INTO outbox (word) VALUES ('later')").await;
        });
        let Database::Sqlite(reader) = &other else {
            panic!("it is a file")
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
        let count = "SELECT count(*) FROM outbox WHERE word = 'later'";
        let during: i64 = sqlx::query_scalar(count)
            .fetch_one(&reader.readers)
            .await
            .expect("a number");
        pause.end().await.expect("it ends");
        writer.await.expect("it is written");
        let after: i64 = sqlx::query_scalar(count)
            .fetch_one(&reader.readers)
            .await
            .expect("a number");
        assert_eq!((during, after), (0, 1));
    }

    #[tokio::test]
    async fn a_database_in_use_is_not_ones_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let database = open(&path).await;
        write(&database, SCHEMA).await;
        assert!(be_alone(&path).await.is_err());
        Database::Sqlite(database).close().await;
        be_alone(&path).await.expect("alone");
        check_file(&path).await.expect("whole");
    }

    #[tokio::test]
    async fn a_damaged_file_is_found_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let database = open(&path).await;
        write(&database, SCHEMA).await;
        Database::Sqlite(database).close().await;
        let mut bytes = std::fs::read(&path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0x55);
        std::fs::write(&path, bytes).expect("written");
        check_file(&path).await.expect_err("damaged");
    }
}
