//! A file of SQLite that is moved. It is locked for as long as that takes, so
//! that no program works on it, and nothing in it is changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use anyhow::bail;
use futures::stream::BoxStream;
use portico_chassis::database::Migrations;
use sha2::{Digest as _, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode, SqliteRow},
};

use super::{
    row::hex,
    table::{SqliteTables, Table, list},
};

/// How long a program that has the file open may take to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// The tables, without those of SQLite, of the migrations and of its index of
/// searches, and their columns.
const TABLES: &str = "SELECT tables.name, columns.name, columns.type \
    FROM pragma_table_list AS tables, pragma_table_info(tables.name) AS columns \
    WHERE tables.schema = 'main' AND tables.type = 'table' \
    AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    AND tables.name NOT IN ('_sqlx_migrations', 'search_numbers', 'search_pending')";

pub(super) struct Source {
    connection: SqliteConnection,
}

/// How far a table is moved: the values of the last row's key, in the form of
/// SQLite.
pub(super) enum KeyValue {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Source {
    /// Opens a file for nobody else.
    ///
    /// # Errors
    ///
    /// If it is not there, somebody uses it, or it is not of this version.
    pub(super) async fn open(path: &Path, migrations: &Migrations) -> anyhow::Result<Self> {
        let shown = path.display();
        if !path.exists() {
            bail!("there is no database {shown}");
        }
        // By the first look on, which waits for all others to have closed it.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .locking_mode(SqliteLockingMode::Exclusive)
            .busy_timeout(PATIENCE)
            .pragma("query_only", "ON");
        let (connection, applied) = match look(&options).await {
            Ok(looked) => looked,
            Err(error) if is_busy(&error) => {
                bail!("somebody uses the database {shown}: stop Portico before moving it")
            }
            Err(error) => {
                let what = format!("cannot read {shown} as a database of Portico");
                return Err(anyhow::Error::from(error).context(what));
            }
        };
        let known = migrations.sqlite.iter().map(|migration| migration.version);
        let known: BTreeSet<i64> = known.collect();
        let pending = known.difference(&applied).count();
        if pending > 0 {
            bail!("the database {shown} lacks {pending} migrations: run `portico migrate`");
        }
        if applied != known {
            bail!("the database {shown} is of a newer version than this program");
        }
        Ok(Self { connection })
    }

    /// What tells this database from all others: when it got its schema.
    pub(super) async fn identity(&mut self) -> anyhow::Result<String> {
        let sql = "SELECT version || ' ' || installed_on || ' ' || execution_time \
            FROM _sqlx_migrations ORDER BY version";
        let lines: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(hex(&Sha256::digest(lines.join("\n"))))
    }

    /// Its tables.
    pub(super) async fn tables(&mut self) -> anyhow::Result<SqliteTables> {
        let columns: Vec<(String, String, String)> = sqlx::query_as(TABLES)
            .fetch_all(&mut self.connection)
            .await?;
        let mut tables: SqliteTables = BTreeMap::new();
        for (table, name, kind) in columns {
            tables.entry(table).or_default().insert(name, kind);
        }
        Ok(tables)
    }

    /// The rows of a table in the order of its key, after one of them.
    pub(super) fn rows(
        &mut self,
        table: &Table,
        after: Vec<KeyValue>,
    ) -> BoxStream<'_, Result<SqliteRow, sqlx::Error>> {
        let (columns, name) = (list(table.columns.iter()), table.quoted());
        let key = list(table.key_columns());
        let after_key = if after.is_empty() {
            String::new()
        } else {
            let places = vec!["?"; after.len()].join(", ");
            format!("WHERE ({key}) > ({places})")
        };
        let sql = format!("SELECT {columns} FROM {name} {after_key} ORDER BY {key}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in after {
            query = match value {
                KeyValue::Integer(number) => query.bind(number),
                KeyValue::Text(text) => query.bind(text),
                KeyValue::Bytes(bytes) => query.bind(bytes),
            };
        }
        query.fetch(&mut self.connection)
    }

    /// The greatest number that a table has ever given to a row, if any. The row
    /// may be gone.
    pub(super) async fn last_number(&mut self, table: &Table) -> anyhow::Result<Option<i64>> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?";
        let query = sqlx::query_scalar(sql).bind(&table.name);
        Ok(query.fetch_optional(&mut self.connection).await?)
    }
}

/// Opens a file, and reads which migrations it has seen.
async fn look(
    options: &SqliteConnectOptions,
) -> Result<(SqliteConnection, BTreeSet<i64>), sqlx::Error> {
    let mut connection = options.connect().await?;
    let sql = "SELECT version FROM _sqlx_migrations WHERE success";
    let versions: Vec<i64> = sqlx::query_scalar(sql).fetch_all(&mut connection).await?;
    Ok((connection, versions.into_iter().collect()))
}

/// SQLITE_BUSY, with or without a reason in the higher bits.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
