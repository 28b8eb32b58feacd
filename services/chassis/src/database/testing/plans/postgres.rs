//! PostgreSQL's plans: a tree of nodes. Tables of tests are all but empty, so
//! the ways that are right for small ones are switched off: what is left is
//! what it would do for want of an index.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Postgres, Row as _};

use super::is_after_a_row;
use crate::database::{PostgresDatabase, Write};

/// The plan is that for any value, as it is for statements that run often.
const SETTINGS: &str = "SET LOCAL plan_cache_mode = force_generic_plan; \
    SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Where a page is taken: what is read for it has to be in its order, unless it
/// is what a search has found.
const PAGE_SETTINGS: &str = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off";

/// Nodes that give out rows as they take them in.
const PASSING: [&str; 8] = [
    "Append",
    "Incremental Sort",
    "LockRows",
    "Merge Append",
    "Nested Loop",
    "ProjectSet",
    "Result",
    "Subquery Scan",
];

/// The nodes of a statement that go through all rows of a table, and those
/// that sort what a page is taken of.
pub(super) async fn faults(database: &PostgresDatabase, sql: &str) -> Vec<String> {
    let mut transaction = database.begin().await.expect("begun");
    let plan = explain(&mut transaction, sql).await;
    let plan = plan.unwrap_or_else(|error| panic!("{error}\nin {sql}"));
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let mut faults = Vec::new();
    look_at(&plan[0]["Plan"], sql, false, &mut faults);
    faults
}

async fn explain(transaction: &mut Write<Postgres>, sql: &str) -> Result<String, sqlx::Error> {
    sqlx::raw_sql(SETTINGS).execute(&mut *transaction).await?;
    if is_page(sql) {
        sqlx::raw_sql(PAGE_SETTINGS)
            .execute(&mut *transaction)
            .await?;
    }
    let prepare = AssertSqlSafe(format!("PREPARE explained AS {sql}"));
    sqlx::raw_sql(prepare).execute(&mut *transaction).await?;
    let values = vec!["NULL"; parameters(sql)].join(", ");
    let values = if values.is_empty() {
        values
    } else {
        format!("({values})")
    };
    let explain = AssertSqlSafe(format!(
        "EXPLAIN (FORMAT JSON) EXECUTE explained {values}; DEALLOCATE explained"
    ));
    let row = sqlx::raw_sql(explain).fetch_one(&mut *transaction).await?;
    row.try_get_unchecked(0)
}

/// Whether rows are to be read in the order of the page that is taken of them.
fn is_page(sql: &str) -> bool {
    sql.contains(" LIMIT ") && !sql.contains(" LIKE ")
}

/// How many values are bound to a statement.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok())
    });
    numbers.max().unwrap_or(0)
}

/// `is_ended`: it ends with the limit above it, as no node between them waits for
/// all rows.
fn look_at(node: &Value, sql: &str, is_ended: bool, faults: &mut Vec<String>) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let kind = text("Node Type");
    let is_inner = text("Parent Relationship") == "Inner";
    let is_by_index = node.get("Index Cond").is_some();
    let is_whole = match kind {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" => {
            !is_by_index && (!is_ended || is_inner || is_after_a_row(sql))
        }
        "Bitmap Index Scan" => !is_by_index,
        "Sort" => is_page(sql),
        _ => false,
    };
    if is_whole {
        let (index, table) = (text("Index Name"), text("Relation Name"));
        faults.push(format!("{kind} {index} {table} {}", node["Sort Key"]));
    }
    let is_ended = kind == "Limit" || (is_ended && PASSING.contains(&kind));
    for child in node["Plans"].as_array().into_iter().flatten() {
        look_at(child, sql, is_ended, faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, DatabaseUrl, testing::postgres_url};

    #[tokio::test]
    async fn what_goes_through_a_table_or_sorts_it_is_a_fault() {
        let url: DatabaseUrl = postgres_url().parse().expect("a URL");
        let database = Database::open(&url, 1).await.expect("it opens");
        let Database::Postgres(postgres) = &database else {
            panic!("it is PostgreSQL");
        };
        // Only this one connection sees them.
        let tables = "CREATE TEMP TABLE things (id bigint PRIMARY KEY, name text, size bigint); \
            CREATE INDEX things_name ON things (name)";
        let made = sqlx::raw_sql(tables).execute(&postgres.pool).await;
        made.expect("made");
        for (sql, number) in [
            ("SELECT size FROM things WHERE id = $1", 0),
            ("SELECT size FROM things ORDER BY name LIMIT 5", 0),
            ("SELECT size FROM things WHERE id = ANY($1)", 0),
            (
                "SELECT count(*) FROM (SELECT 1 FROM things ORDER BY name LIMIT 5) AS t",
                0,
            ),
            (
                "SELECT size FROM things WHERE (name, id) > ($1, $2) ORDER BY name, id LIMIT 5",
                0,
            ),
            (
                "SELECT size FROM things WHERE (name || '', id) > ($1, $2) ORDER BY name, id LIMIT 5",
                1,
            ),
            ("SELECT size FROM things ORDER BY name", 1),
            ("SELECT count(*) FROM things", 1),
            (
                "SELECT size FROM things WHERE name = $1 ORDER BY size LIMIT 5",
                1,
            ),
            ("SELECT name FROM things ORDER BY size LIMIT 5", 2),
            ("DELETE FROM things WHERE size < $1", 1),
        ] {
            let faults = faults(postgres, sql).await;
            assert_eq!(faults.len(), number, "{sql}: {faults:?}");
        }
        database.close().await;
    }
}
