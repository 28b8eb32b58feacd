//! Projects and their members in SQLite, whose one writer keeps changes apart
//! without further locks.

use async_trait::async_trait;
use portico_chassis::{
    database::{SqliteDatabase, Write},
    status::Error,
};
use sqlx::{Sqlite, SqlitePool};

use super::{
    changes::Engine,
    sql::{insert_owner, insert_project, project_by_id, project_columns, projects_of},
};

/// Keeps projects and their members in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
}

impl SqliteStore {
    pub(crate) fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &SqlitePool {
        &self.database.readers
    }
}

#[async_trait]
impl Engine for SqliteStore {
    const NAME: &'static str = "sqlite";

    type Transaction = SqliteTransaction;

    async fn begin(&self) -> Result<SqliteTransaction, Error> {
        Ok(SqliteTransaction(self.database.begin().await?))
    }
}

/// A transaction in SQLite.
pub(super) struct SqliteTransaction(pub(super) Write<Sqlite>);

impl SqliteTransaction {
    /// Two statements, which go to the writer together.
    pub(super) const INSERT_PROJECT: &'static str = concat!(
        insert_project!(),
        "; ",
        insert_owner!("WHERE changes() = 1")
    );
    pub(super) const LOCK: &'static str = project_by_id!("");
    pub(super) const LOCK_ALL_OF: &'static str = projects_of!("");
    pub(super) const UNIQUE_SLUG: &'static str = "projects.slug";
}
