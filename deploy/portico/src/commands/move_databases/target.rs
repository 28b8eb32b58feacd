//! A database of PostgreSQL that a service moves to. What is in it says how far
//! the move is: rows come in the order of their keys, many in a transaction, so
//! that it can end at any time and go on after the last one.

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use portico_chassis::database::{Database, Migrations, PostgresDatabase};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, Row as _, postgres::PgRow, sqlite::SqliteRow,
};

use super::{
    row,
    source::KeyValue,
    table::{Kind, PostgresColumn, SqliteTables, Table, list, matched, quoted},
};

/// The rows of a transaction.
const BATCH: u64 = 10_000;

/// How much is sent at once.
const CHUNK: usize = 64 * 1024;

/// What a move that was killed holds ends soon; another one that is at work
/// does not.
const LOCK: [&str; 3] = [
    "SET lock_timeout = '5s'",
    "SELECT pg_advisory_lock(hashtext('portico_move'), hashtext(current_schema()))",
    "RESET lock_timeout",
];

/// The row of this table says of which database it is a copy, and whether all
/// of it is there.
const MARK: &str = "CREATE TABLE portico_move (source text NOT NULL, \
    begun_at timestamptz NOT NULL, ended_at timestamptz)";

const IS_MARKED: &str = "SELECT EXISTS (SELECT FROM pg_class \
    WHERE relname = 'portico_move' AND relnamespace = current_schema()::regnamespace)";

/// The columns of all tables, without those of a move and of the migrations, and
/// without columns that are computed from others.
const COLUMNS: &str = "SELECT pg_class.relname::text AS \"table\", attname::text AS name, \
    format_type(atttypid, NULL) AS kind, attidentity <> '' AS is_numbered, \
    array_position(indkey::int2[], attnum) AS place_in_key \
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
    LEFT JOIN pg_index ON indrelid = pg_class.oid AND indisprimary \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') \
    AND relname NOT IN ('portico_move', '_sqlx_migrations') \
    AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY 1, attnum";

const REFERENCES: &str = "SELECT own.relname::text, other.relname::text FROM pg_constraint \
    JOIN pg_class AS own ON own.oid = conrelid JOIN pg_class AS other ON other.oid = confrelid \
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace";

/// Rows that migrations make, by their table, and how to know them. They are
/// moved like all others.
const MADE_BY_MIGRATIONS: [(&str, &str); 1] = [("outbox_trimmed", "seq = 0")];

pub(super) struct Target {
    connection: PgConnection,
    database: Database,
}

/// What a database holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Empty,
    /// A part of the same source.
    HalfMoved,
    /// All of the same source, since this moment.
    Moved(String),
}

impl Target {
    /// Connects, and keeps other moves out.
    ///
    /// # Errors
    ///
    /// If the database does not answer, or another move is at work.
    pub(super) async fn open(database: &PostgresDatabase) -> anyhow::Result<Self> {
        let connection = database.pool.pool().acquire().await;
        let connection = connection.context("the PostgreSQL database does not answer")?;
        let mut connection = connection.detach();
        for sql in LOCK {
            sqlx::query(sql).execute(&mut connection).await.context(
                "the PostgreSQL database is being moved to by somebody else, or for another \
                 service, which needs a database or schema of its own",
            )?;
        }
        Ok(Self {
            connection,
            database: Database::Postgres(database.clone()),
        })
    }

    /// What it holds, before anything is done to it.
    ///
    /// # Errors
    ///
    /// If it holds something else.
    pub(super) async fn state(&mut self, source: &str) -> anyhow::Result<State> {
        if is_marked(&mut self.connection).await? {
            let sql = "SELECT source, to_char(ended_at AT TIME ZONE 'UTC', \
                'YYYY-MM-DD HH24:MI:SS UTC') FROM portico_move";
            let (known, ended): (String, Option<String>) =
                sqlx::query_as(sql).fetch_one(&mut self.connection).await?;
            if known != source {
                bail!("it holds what was moved from another installation");
            }
            return Ok(ended.map_or(State::HalfMoved, State::Moved));
        }
        let columns = self.columns().await?;
        let mut tables: Vec<&str> = columns.iter().map(|column| &*column.table).collect();
        tables.dedup();
        for table in tables {
            let made = MADE_BY_MIGRATIONS.iter().find(|(made, _)| *made == table);
            let others = made.map_or(String::new(), |(_, known)| format!("WHERE NOT ({known})"));
            let name = quoted(table);
            let sql = format!("SELECT EXISTS (SELECT FROM {name} {others})");
            let query = sqlx::query_scalar(AssertSqlSafe(sql));
            if query.fetch_one(&mut self.connection).await? {
                bail!("it is not empty: the table {table} has rows already");
            }
        }
        Ok(State::Empty)
    }

    /// Brings the schema up to date and notes of which source it will be a copy.
    ///
    /// # Errors
    ///
    /// If a migration fails.
    pub(super) async fn begin(
        &mut self,
        source: &str,
        migrations: &Migrations,
    ) -> anyhow::Result<()> {
        self.database.migrate(migrations).await?;
        if is_marked(&mut self.connection).await? {
            return Ok(());
        }
        let columns = self.columns().await?;
        let mut transaction = self.connection.begin().await?;
        sqlx::query(MARK).execute(&mut *transaction).await?;
        let sql = "INSERT INTO portico_move (source, begun_at) VALUES ($1, now())";
        let query = sqlx::query(sql).bind(source);
        query.execute(&mut *transaction).await?;
        for (table, known) in MADE_BY_MIGRATIONS {
            if columns.iter().any(|column| column.table == table) {
                let sql = format!("DELETE FROM {} WHERE {known}", quoted(table));
                let query = sqlx::query(AssertSqlSafe(sql));
                query.execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The tables that both sides have, in the order in which they are moved.
    ///
    /// # Errors
    ///
    /// What only one of them has.
    pub(super) async fn matched(&mut self, sqlite: &SqliteTables) -> anyhow::Result<Vec<Table>> {
        let columns = self.columns().await?;
        let references: Vec<(String, String)> = sqlx::query_as(REFERENCES)
            .fetch_all(&mut self.connection)
            .await?;
        matched(sqlite, &columns, &references)
    }

    /// The columns of all tables.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub(super) async fn columns(&mut self) -> anyhow::Result<Vec<PostgresColumn>> {
        let columns = sqlx::query_as(COLUMNS);
        Ok(columns.fetch_all(&mut self.connection).await?)
    }

    /// The key of the last row of a table; empty, if there is none.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub(super) async fn last_key(&mut self, table: &Table) -> anyhow::Result<Vec<KeyValue>> {
        let key: Vec<String> = table
            .key_columns()
            .map(|column| column.read_back())
            .collect();
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT 1",
            key.join(", "),
            table.quoted(),
            table.order_on_postgres("DESC")
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let Some(row) = query.fetch_optional(&mut self.connection).await? else {
            return Ok(Vec::new());
        };
        let values = table.key_columns().enumerate();
        let values = values.map(|(place, column)| {
            Ok(match column.kind {
                Kind::Text => KeyValue::Text(row.try_get(place)?),
                Kind::Uuid | Kind::Bytes => KeyValue::Bytes(row.try_get(place)?),
                Kind::Moment | Kind::Flag | Kind::Integer | Kind::Long => {
                    KeyValue::Integer(row.try_get(place)?)
                }
            })
        });
        values.collect()
    }

    /// Adds rows to a table, and answers how many they were.
    ///
    /// # Errors
    ///
    /// A row that PostgreSQL cannot keep, or a failure of a database.
    pub(super) async fn copy(
        &mut self,
        table: &Table,
        mut rows: BoxStream<'_, Result<SqliteRow, sqlx::Error>>,
    ) -> anyhow::Result<u64> {
        let (name, columns) = (table.quoted(), list(table.columns.iter()));
        let sql = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
        let mut copied = 0;
        let mut next = rows.try_next().await?;
        while next.is_some() {
            let mut transaction = self.connection.begin().await?;
            let mut copy = transaction.copy_in_raw(&sql).await?;
            let mut bytes = row::COPY_HEADER.to_vec();
            let mut count = 0;
            while let Some(row) = next {
                row::copy(table, &row, &mut bytes)?;
                if bytes.len() >= CHUNK {
                    copy.send(&*bytes).await?;
                    bytes.clear();
                }
                count += 1;
                next = rows.try_next().await?;
                if count == BATCH {
                    break;
                }
            }
            bytes.extend_from_slice(row::COPY_TRAILER);
            copy.send(bytes).await?;
            copied += copy.finish().await?;
            transaction.commit().await?;
        }
        if copied > 0 {
            let sql = format!("ANALYZE {name}");
            let query = sqlx::query(AssertSqlSafe(sql));
            query.execute(&mut self.connection).await?;
        }
        Ok(copied)
    }

    /// The rows of a table in the order of its key, to be read as SQLite keeps
    /// them.
    pub(super) fn rows(&mut self, table: &Table) -> BoxStream<'_, Result<PgRow, sqlx::Error>> {
        let columns = table.columns.iter().map(|column| column.read_back());
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {}",
            columns.collect::<Vec<_>>().join(", "),
            table.quoted(),
            table.order_on_postgres("ASC")
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        query.fetch(&mut self.connection).boxed()
    }

    /// Has a table number its next row after this one.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub(super) async fn number_after(
        &mut self,
        table: &Table,
        column: &str,
        last: i64,
    ) -> anyhow::Result<()> {
        // Where nothing was numbered yet, the first number is still to be given.
        let sql = "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, 1), \
            $3::bigint > 0)";
        let query = sqlx::query(sql)
            .bind(table.quoted())
            .bind(column)
            .bind(last);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// Notes that all is there.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        let sql = "UPDATE portico_move SET ended_at = now() WHERE ended_at IS NULL";
        sqlx::query(sql).execute(&mut self.connection).await?;
        Ok(())
    }
}

async fn is_marked(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(IS_MARKED).fetch_one(connection).await
}

/// Whether a database holds a part of what is to be moved there: nobody may work
/// on it.
///
/// # Errors
///
/// A failure of the database.
pub(super) async fn is_half_moved(database: &PostgresDatabase) -> Result<bool, sqlx::Error> {
    let mut connection = database.pool.pool().acquire().await?;
    if !is_marked(&mut connection).await? {
        return Ok(false);
    }
    let sql = "SELECT EXISTS (SELECT FROM portico_move WHERE ended_at IS NULL)";
    sqlx::query_scalar(sql).fetch_one(&mut *connection).await
}
