//! What becomes of the numbers of events when a database goes back to what it
//! was: those that are lost were numbered, and told to others.

use sqlx::query_scalar;

use crate::{database::Database, status::Error};

/// More events than happen between a backup and its restoring.
const GAP: i64 = 1 << 32;

/// Numbers events from here on so that none has a number under which another was
/// told before. Whoever stands at one that is lost then misses none of those
/// that follow. Without an outbox, does nothing.
///
/// # Errors
///
/// A failure of the database.
pub async fn leave_room_for_lost_events(database: &Database) -> Result<(), Error> {
    match database {
        Database::Postgres(database) => {
            let sql = "SELECT setval(sequence, nextval(sequence) + $1) FROM (SELECT \
                pg_get_serial_sequence('outbox', 'seq')::regclass AS sequence \
                WHERE to_regclass('outbox') IS NOT NULL) AS numbers";
            let _: Option<i64> = query_scalar(sql)
                .bind(GAP)
                .fetch_optional(&database.pool)
                .await?;
        }
        Database::Sqlite(database) => {
            let mut transaction = database.begin().await?;
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'outbox'";
            let has_outbox: i64 = query_scalar(sql).fetch_one(&mut transaction).await?;
            if has_outbox > 0 {
                let sql = "UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = 'outbox'";
                sqlx::query(sql).bind(GAP).execute(&mut transaction).await?;
                // There is no row before the first event.
                let sql = "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox', $1 \
                    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'outbox')";
                sqlx::query(sql).bind(GAP).execute(&mut transaction).await?;
            }
            transaction.commit().await?;
        }
    }
    Ok(())
}
