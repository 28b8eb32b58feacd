//! Projects and their members in PostgreSQL.

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, PostgresDatabase, Write},
    status::Error,
};
use sqlx::Postgres;

use super::{
    changes::Engine,
    sql::{insert_owner, insert_project, project_by_id, project_columns, projects_of},
};

/// Keeps projects and their members in PostgreSQL.
pub(crate) struct PostgresStore {
    database: PostgresDatabase,
}

impl PostgresStore {
    pub(crate) fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Postgres> {
        &self.database.pool
    }
}

#[async_trait]
impl Engine for PostgresStore {
    const NAME: &'static str = "postgresql";

    type Transaction = PostgresTransaction;

    async fn begin(&self) -> Result<PostgresTransaction, Error> {
        Ok(PostgresTransaction(self.database.begin().await?))
    }
}

/// A transaction in PostgreSQL.
pub(super) struct PostgresTransaction(pub(super) Write<Postgres>);

impl PostgresTransaction {
    pub(super) const INSERT_PROJECT: &'static str = concat!(
        "WITH project AS (",
        insert_project!(),
        " RETURNING id) ",
        insert_owner!("FROM project")
    );
    pub(super) const LOCK: &'static str = project_by_id!(" FOR UPDATE");
    pub(super) const LOCK_ALL_OF: &'static str = projects_of!(" FOR UPDATE");
    pub(super) const UNIQUE_SLUG: &'static str = "projects_slug";
}
