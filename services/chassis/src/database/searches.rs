//! Searches in SQLite. PostgreSQL has an index of its own for them.
//!
//! FTS5 finds the rows that have all of what is looked for three letters by three
//! letters. Few of them do not have it as a whole, so that whoever asks compares
//! the texts of these rows once more.
//!
//! It takes longer to index a row than to change it. A change therefore only
//! notes the row, by a trigger, and a moment later the row is indexed together
//! with others. Until then every search looks at it, so that no change is missed,
//! and what the index still says of it does no harm. Deleted rows leave the index
//! in the same way; FTS5 drops what it had of them when it next merges the part of
//! the index that they were in.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Database, SqliteDatabase, in_time};
use crate::status::Error;

/// How often is looked for what was changed.
const INTERVAL: Duration = Duration::from_secs(2);

/// How many rows are indexed at once: writers wait for as long as that takes.
const BATCH: u64 = 100;

/// For how much longer than a batch took they have their turn before the next.
const REST: u32 = 9;

/// Common is what more than so many have of the first rows.
const COMMON: u32 = 200;

/// How many rows the first ones are.
const FIRST: u32 = 10_000;

/// The SQL of the ids of the rows that may have what is looked for, the trigrams
/// of which are bound to this place.
#[must_use]
pub fn found(place: usize) -> String {
    format!(
        "SELECT n.id FROM search_index CROSS JOIN search_numbers n \
         ON n.number = search_index.rowid WHERE search_index MATCH ${place} \
         UNION ALL SELECT id FROM search_pending"
    )
}

/// The SQL of whether what is looked for is common: then rows that have it are met
/// soon in whatever order, and to get them all by the index would take longer. So
/// many rows that have it are counted off, and then all rows up to the last one.
#[must_use]
pub fn is_common(place: usize) -> String {
    format!(
        "(SELECT count(*) FROM (SELECT 1 FROM search_numbers WHERE number <= \
         (SELECT rowid FROM search_index WHERE search_index MATCH ${place} \
         ORDER BY rowid LIMIT 1 OFFSET {COMMON}) LIMIT {FIRST} + 1)) BETWEEN 1 AND {FIRST}"
    )
}

/// Keeps the index of a table up to date until `stop`. On PostgreSQL there is
/// nothing to do.
pub async fn keep_index(database: Database, table: &'static str, stop: CancellationToken) {
    let Database::Sqlite(database) = database else {
        return;
    };
    loop {
        let begun = Instant::now();
        let pause = match in_time(index_some(&database, table)).await {
            Ok(BATCH..) => begun.elapsed() * REST,
            Ok(_) => INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "the index of searches is put off");
                INTERVAL
            }
        };
        let pause = tokio::time::sleep(pause);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

/// Indexes rows of a table that were changed, one batch, and returns how many.
///
/// # Errors
///
/// A failure of the database.
pub async fn index_some(database: &SqliteDatabase, table: &str) -> Result<u64, Error> {
    let pending = "SELECT EXISTS (SELECT 1 FROM search_pending)";
    let is_pending: bool = sqlx::query_scalar(pending)
        .fetch_one(database.watcher())
        .await?;
    if !is_pending {
        return Ok(0);
    }
    let batch = format!("IN (SELECT id FROM search_pending ORDER BY id LIMIT {BATCH})");
    let mut transaction = database.begin().await?;
    let mut done = 0;
    for sql in [
        format!(
            "DELETE FROM search_index WHERE rowid IN \
             (SELECT number FROM search_numbers WHERE id {batch})"
        ),
        format!("DELETE FROM search_numbers WHERE id {batch}"),
        format!("INSERT INTO search_numbers (id) SELECT id FROM {table} WHERE id {batch}"),
        format!(
            "INSERT INTO search_index (rowid, search) SELECT n.number, t.search \
             FROM search_numbers n CROSS JOIN {table} t ON t.id = n.id WHERE n.id {batch}"
        ),
        format!("DELETE FROM search_pending WHERE id {batch}"),
    ] {
        let run = sqlx::query(AssertSqlSafe(sql));
        done = run.execute(&mut transaction).await?.rows_affected();
    }
    transaction.commit().await?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::DatabaseUrl;

    const SCHEMA: &str = "CREATE TABLE things (id blob PRIMARY KEY, search text) WITHOUT ROWID; \
        CREATE VIRTUAL TABLE search_index USING fts5 (search, content = '', \
            contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'); \
        CREATE TABLE search_numbers (number integer PRIMARY KEY, id blob NOT NULL UNIQUE); \
        CREATE TABLE search_pending (id blob PRIMARY KEY) WITHOUT ROWID; \
        WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12500) \
        INSERT INTO things SELECT CAST(printf('%05d', n) AS blob), 'common' || \
            iif(n % 60, '', ' uncommon') || iif(n = 7777, ' rare', '') FROM numbers;";

    async fn run(database: &SqliteDatabase, sql: &'static str) {
        let mut transaction = database.begin().await.expect("begun");
        let run = sqlx::raw_sql(sql).execute(&mut transaction).await;
        run.expect("it runs");
        transaction.commit().await.expect("committed");
    }

    async fn number(database: &SqliteDatabase, sql: String, trigrams: &str) -> i64 {
        let number = sqlx::query_scalar(AssertSqlSafe(sql)).bind(trigrams);
        number.fetch_one(&database.readers).await.expect("a number")
    }

    #[tokio::test]
    async fn rows_are_indexed_in_batches_and_common_words_are_told_from_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
        let opened = Database::open(&url, 2).await.expect("it opens");
        let Database::Sqlite(database) = &opened else {
            panic!("it is SQLite");
        };
        run(database, SCHEMA).await;
        assert_eq!(index_some(database, "things").await.expect("indexed"), 0);
        run(database, "INSERT INTO search_pending SELECT id FROM things").await;

        // At least a batch is done, and no more once it is to stop.
        let stop = CancellationToken::new();
        stop.cancel();
        keep_index(opened.clone(), "things", stop).await;
        let pending = || async {
            let sql = "SELECT count(*) FROM search_pending WHERE $1 = $1";
            number(database, sql.to_owned(), "").await
        };
        assert_eq!(pending().await, 12_400);
        while index_some(database, "things").await.expect("indexed") > 0 {}
        assert_eq!(pending().await, 0);

        for (trigrams, expected, is_expected_common) in [
            ("\"com\" \"omm\"", 12_500, 1),
            ("\"unc\"", 208, 0),
            ("\"rar\" \"are\"", 1, 0),
            ("\"not\"", 0, 0),
        ] {
            let sql = format!("SELECT count(*) FROM things WHERE id IN ({})", found(1));
            assert_eq!(number(database, sql, trigrams).await, expected);
            let sql = format!("SELECT {}", is_common(1));
            let is_common = number(database, sql, trigrams).await;
            assert_eq!(is_common, is_expected_common, "{trigrams}");
        }
        run(
            database,
            "DELETE FROM things; INSERT INTO search_pending VALUES (CAST('07777' AS blob))",
        )
        .await;
        assert_eq!(index_some(database, "things").await.expect("indexed"), 1);
        let left = format!("SELECT count(*) FROM ({})", found(1));
        assert_eq!(number(database, left, "\"rar\"").await, 0);
        opened.close().await;
    }
}
