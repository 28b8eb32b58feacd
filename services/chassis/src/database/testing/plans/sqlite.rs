//! SQLite's plans: a step a line, such as `SEARCH users USING INDEX users_name
//! (name_key>?)`.

use sqlx::{AssertSqlSafe, Row as _};

use super::is_after_a_row;
use crate::database::SqliteDatabase;

/// How what is scanned is named that stands in the statement itself.
const NO_TABLES: [&str; 3] = ["CONSTANT ROW", "CONSTANT ROWS", "VALUES CLAUSE"];

/// The steps of a statement that go through all rows of a table, and those
/// that sort what a page is taken of.
pub(super) async fn faults(database: &SqliteDatabase, sql: &str) -> Vec<String> {
    // There may be several that go to the database together.
    let each = sql.replace("; ", "; EXPLAIN QUERY PLAN ");
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {each}"));
    let rows = sqlx::raw_sql(explain).fetch_all(&database.readers).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error}\nin {sql}"));
    let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    // What a part of the statement yields has a name like a table.
    let parts: Vec<&str> = steps
        .iter()
        .filter_map(|step| {
            step.split_once("CO-ROUTINE ")
                .or(step.split_once("MATERIALIZE "))
        })
        .map(|(_, name)| name)
        .collect();
    let has_limit = sql.contains(" LIMIT ");
    let is_page = has_limit && !is_after_a_row(sql);
    let is_found = steps.iter().any(|step| is_match(step));
    let is_fault = |step: &&String| match step.split_once("SCAN ") {
        Some((_, scanned)) if NO_TABLES.iter().any(|end| scanned.ends_with(end)) => false,
        Some(_) if is_match(step) => false,
        // Goes through rows in the order of the page, until the page is full.
        Some((_, scanned)) if scanned.contains(" USING ") => !is_page,
        // So does this, by the key itself; if it is not, the rows are sorted too.
        Some(_) if is_page && sql.contains(" ORDER BY ") => false,
        Some((_, scanned)) => !parts.contains(&scanned),
        // What a search has found may be sorted.
        None => has_limit && !is_found && step.contains("USE TEMP B-TREE"),
    };
    steps.iter().filter(is_fault).cloned().collect()
}

/// Whether it is what FTS5 finds by words.
fn is_match(step: &str) -> bool {
    step.contains(" VIRTUAL TABLE INDEX ") && step.contains(":M")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, DatabaseUrl};

    #[tokio::test]
    async fn what_goes_through_a_table_or_sorts_it_is_a_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
        let database = Database::open(&url, 1).await.expect("it opens");
        let Database::Sqlite(sqlite) = &database else {
            panic!("it is SQLite");
        };
        let mut transaction = sqlite.begin().await.expect("begun");
        let tables = "CREATE TABLE things (id integer PRIMARY KEY, name text, size integer); \
            CREATE INDEX things_name ON things (name); \
            CREATE VIRTUAL TABLE words USING fts5 (word)";
        let made = sqlx::raw_sql(tables).execute(&mut transaction).await;
        made.expect("made");
        transaction.commit().await.expect("committed");
        for (sql, number) in [
            ("SELECT size FROM things WHERE id = $1", 0),
            (
                "SELECT size FROM things WHERE name = $1 ORDER BY id LIMIT 5",
                0,
            ),
            ("SELECT size FROM things ORDER BY name LIMIT 5", 0),
            ("SELECT size FROM things WHERE id IN (VALUES ($1), ($2))", 0),
            (
                "SELECT count(*) FROM (SELECT 1 FROM things ORDER BY name LIMIT 5)",
                0,
            ),
            (
                "SELECT size FROM things WHERE (name, id) > ($1, $2) ORDER BY name, id LIMIT 5",
                0,
            ),
            (
                "SELECT size FROM things WHERE (+name, id) > ($1, $2) ORDER BY name, id LIMIT 5",
                1,
            ),
            ("SELECT size FROM things ORDER BY name", 1),
            ("SELECT count(*) FROM things", 1),
            (
                "SELECT size FROM things WHERE name = $1 ORDER BY size LIMIT 5",
                1,
            ),
            ("SELECT name FROM things ORDER BY size LIMIT 5", 1),
            ("DELETE FROM things WHERE size < $1", 1),
            ("SELECT rowid FROM words WHERE words MATCH $1", 0),
            ("SELECT rowid FROM words WHERE word LIKE $1", 1),
        ] {
            let faults = faults(sqlite, sql).await;
            assert_eq!(faults.len(), number, "{sql}: {faults:?}");
        }
        database.close().await;
    }
}
