//! For tests: how a database goes about reading the record of who did what.

use uuid::Uuid;

use super::audit::{Filter, bind_filter};
use crate::database::Database;

/// Enough that an index is worth its while.
const FILL: [&str; 2] = [
    "INSERT INTO outbox (id, kind, subject, payload, actor, request_id, created_at) \
     SELECT gen_random_uuid(), 'thing.' || n % 5, md5((n % 50)::text)::uuid, repeat('x', 300), \
     'user:' || n % 50, 'request', now() FROM generate_series(1, 5000) AS n",
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000) \
     INSERT INTO outbox (id, kind, subject, payload, actor, request_id, created_at) \
     SELECT randomblob(16), 'thing.' || n % 5, zeroblob(n % 50), '', \
     'user:' || n % 50, 'request', 0 FROM numbers",
];

/// Fails unless each way to read the record, and to count it, walks an index in
/// the order of the list. Fills the outbox.
///
/// # Panics
///
/// If one does not, or if the database fails.
pub async fn assert_indexes_serve(database: &Database) {
    fill(database).await;
    let (actor, subject, kind) = (true, true, true);
    for (names, indexes) in [
        ([!actor, !subject, !kind], &["outbox_id"][..]),
        ([actor, !subject, !kind], &["outbox_actor"]),
        ([!actor, subject, !kind], &["outbox_subject"]),
        ([!actor, !subject, kind], &["outbox_kind"]),
        ([actor, !subject, kind], &["outbox_actor", "outbox_kind"]),
        ([!actor, subject, kind], &["outbox_subject", "outbox_kind"]),
        ([actor, subject, !kind], &["outbox_actor", "outbox_subject"]),
        (
            [actor, subject, kind],
            &["outbox_actor", "outbox_subject", "outbox_kind"],
        ),
    ] {
        for to in [None, Some(Uuid::from_u128(u128::MAX / 2))] {
            let filter = filter(names, to);
            let is_by_index = |plan: &str| indexes.iter().any(|index| plan.contains(index));
            for filter in filter.in_order() {
                for sql in [filter.newest_sql(database), filter.count_sql(database)] {
                    let plan = explain(database, sql, &filter).await;
                    let is_sorted = plan.contains("Sort") || plan.contains("TEMP B-TREE");
                    assert!(is_by_index(&plan) && !is_sorted, "{filter:?}: {plan}");
                }
            }
        }
    }
}

/// A filter that names an actor, a subject, kinds.
fn filter([actor, subject, kinds]: [bool; 3], to: Option<Uuid>) -> Filter {
    let named = ["thing.1", "thing.2"].map(str::to_owned);
    Filter {
        from: None,
        to,
        actor: actor.then(|| "user:1".to_owned()),
        subject: subject.then(Uuid::nil),
        kinds: named.into_iter().filter(|_| kinds).collect(),
    }
}

async fn fill(database: &Database) {
    macro_rules! fill {
        ($database:expr, $sql:expr) => {{
            let mut transaction = $database.begin().await.expect("begun");
            for sql in [$sql, "ANALYZE outbox"] {
                let filled = sqlx::query(sql).execute(&mut transaction).await;
                filled.expect("filled");
            }
            transaction.commit().await.expect("committed");
        }};
    }
    match database {
        Database::Postgres(database) => fill!(database, FILL[0]),
        // Nothing is known of SQLite's data either in ordinary life.
        Database::Sqlite(database) => fill!(database, FILL[1]),
    }
}

async fn explain(database: &Database, sql: String, filter: &Filter) -> String {
    // Few beside all that there are.
    let limit = 20_i64;
    match database {
        Database::Postgres(database) => {
            let mut transaction = database.begin().await.expect("begun");
            // It may well sort as few rows as these.
            for setting in [
                "SET LOCAL enable_sort = off",
                "SET LOCAL enable_bitmapscan = off",
            ] {
                let set = sqlx::query(setting).execute(&mut transaction);
                set.await.expect("set");
            }
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN {sql}"));
            let query = bind_filter!(sqlx::query_scalar::<_, String>(sql), filter, limit);
            let lines = query.fetch_all(&mut transaction).await.expect("a plan");
            lines.join("\n")
        }
        Database::Sqlite(database) => {
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let query = sqlx::query_as::<_, (i64, i64, i64, String)>(sql);
            let steps = bind_filter!(query, filter, limit).fetch_all(&database.readers);
            let steps = steps.await.expect("a plan").into_iter();
            steps.map(|(.., step)| step).collect::<Vec<_>>().join("\n")
        }
    }
}
