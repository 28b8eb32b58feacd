//! What the program's role may do on PostgreSQL. It is asked for, not tried out:
//! nothing is written.

use std::time::Duration;

use sqlx::postgres::PgListener;
use uuid::Uuid;

use super::super::PostgresDatabase;
use crate::{
    clock::{Clock, new_id},
    finding::Finding,
};

/// So long may a notification take on its way to its sender.
const PATIENCE: Duration = Duration::from_secs(2);

/// The place of the tables, whether one may use it and make tables in it, and
/// whether anything can be written at all.
const SCHEMA: &str = "SELECT current_user::text, current_schema()::text, \
    coalesce(has_schema_privilege(current_schema()::text, 'USAGE'), false), \
    coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false), \
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean";

/// How many tables there are; those that one may not read and write, among them
/// the sequences of their numbers and, only to be read, the note of migrations;
/// and whether one may alter all of them.
const TABLES: &str = "SELECT count(*) FILTER (WHERE relkind IN ('r', 'p')), \
    coalesce(array_agg(relname::text ORDER BY relname) FILTER (WHERE NOT CASE \
        WHEN relkind = 'S' THEN has_sequence_privilege(oid, 'USAGE') \
        WHEN relname = '_sqlx_migrations' THEN has_table_privilege(oid, 'SELECT') \
        ELSE has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') \
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE') \
        END), '{}'), \
    coalesce(bool_and(pg_has_role(relowner, 'USAGE')), true) \
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
    AND relkind IN ('r', 'p', 'S')";

pub(super) async fn examine(database: &PostgresDatabase) -> Result<Vec<Finding>, sqlx::Error> {
    let (user, schema, may_use, may_create, is_read_only): (
        String,
        Option<String>,
        bool,
        bool,
        bool,
    ) = sqlx::query_as(SCHEMA).fetch_one(&database.pool).await?;
    let Some(schema) = schema.filter(|_| may_use) else {
        return Ok(vec![Finding::failure(format!(
            "the role {user} may use no schema of its search_path: GRANT USAGE, CREATE ON SCHEMA \
             … TO {user}"
        ))]);
    };
    if is_read_only {
        return Ok(vec![Finding::failure(
            "nothing can be written: it is a standby, or default_transaction_read_only is on; \
             name the primary",
        )]);
    }
    let (tables, forbidden, may_alter): (i64, Vec<String>, bool) =
        sqlx::query_as(TABLES).fetch_one(&database.pool).await?;
    let mut findings = vec![if !forbidden.is_empty() {
        Finding::failure(format!(
            "the role {user} may not read and write {}: GRANT SELECT, INSERT, UPDATE, DELETE ON \
             ALL TABLES IN SCHEMA {schema} TO {user}, and USAGE ON ALL SEQUENCES",
            forbidden.join(", ")
        ))
    } else if tables == 0 && !may_create {
        Finding::failure(format!(
            "the role {user} may make no tables: GRANT CREATE ON SCHEMA {schema} TO {user}, or run \
             `portico migrate` as another role"
        ))
    } else if may_create && may_alter {
        Finding::fine(format!(
            "the role {user} may read, write and migrate the schema {schema}"
        ))
    } else {
        Finding::fine(format!(
            "the role {user} may read and write the schema {schema}, but not migrate it: run \
             `portico migrate` as its owner"
        ))
    }];
    findings.push(hears_notifications(database).await?);
    Ok(findings)
}

/// A pooler that lends connections for one transaction takes LISTEN, and never
/// passes a notification on.
async fn hears_notifications(database: &PostgresDatabase) -> Result<Finding, sqlx::Error> {
    let channel = format!("portico_doctor_{}", name());
    let mut listener = PgListener::connect_with(database.pool.pool()).await?;
    listener.listen(&channel).await?;
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(&channel)
        .execute(&database.pool)
        .await?;
    let heard = tokio::time::timeout(PATIENCE, listener.recv()).await;
    Ok(match heard {
        Ok(notification) => notification.map(|_| Finding::fine("LISTEN hears what is notified"))?,
        Err(_elapsed) => Finding::failure(
            "LISTEN hears nothing: a pooler in between must lend connections for whole sessions",
        ),
    })
}

/// A name that nobody else uses.
fn name() -> String {
    let id: Uuid = new_id(Clock::system().now());
    id.simple().to_string()
}
