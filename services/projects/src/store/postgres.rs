//! Projects and their members in PostgreSQL.

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, PostgresDatabase, Write},
    page::Search,
    status::Error,
};
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use super::{
    Filter,
    changes::Engine,
    sql::{
        StandingRow, insert_owner, insert_project,
        lists::{self, Lookups, Told, Way},
        project_by_id, project_columns, projects_of, standings,
    },
};

/// The bound keeps it from being planned as anything but a lookup.
macro_rules! lookup {
    () => {
        "LATERAL (SELECT role, is_archived FROM members \
         WHERE project_id = p.id AND user_id = $1 OFFSET 0) m ON true"
    };
}

/// Keeps projects and their members in PostgreSQL.
pub(crate) struct PostgresStore {
    database: PostgresDatabase,
}

impl PostgresStore {
    pub(super) const LOOKUPS: Lookups = Lookups {
        of_members: concat!("JOIN ", lookup!()),
        of_anybody: concat!("LEFT JOIN ", lookup!()),
    };

    pub(crate) fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Postgres> {
        &self.database.pool
    }

    /// How many projects a search finds, up to the cap, among very many of this
    /// person or all public ones. It begins with the words if these are rare and with the memberships
    /// if not, as long as it plans for the values.
    pub(super) async fn tell_among_many(
        &self,
        by: Uuid,
        filter: &Filter,
        search: &Search,
    ) -> Result<Told, Error> {
        let count = sqlx::query_scalar(AssertSqlSafe(lists::count(filter)))
            .persistent(false)
            .bind(by)
            .bind(search.pattern());
        let count = count.fetch_one(self.reader()).await?;
        Ok(Told::of(count, Way::Planned))
    }

    /// One pair is looked up by itself: PostgreSQL plans for arrays anew each time,
    /// which takes longer than to look it up.
    pub(super) async fn standing_rows(
        &self,
        pairs: &[(Uuid, Uuid)],
    ) -> Result<Vec<StandingRow>, Error> {
        if let [(project_id, user_id)] = pairs {
            let sql = concat!(
                "WITH asked (project_id, user_id) AS (VALUES ($1::uuid, $2::uuid))",
                standings!()
            );
            let row = sqlx::query_as(sql).bind(project_id).bind(user_id);
            return Ok(row.fetch_all(self.reader()).await?);
        }
        let sql = concat!(
            "WITH asked (project_id, user_id) AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
            standings!()
        );
        let (projects, people): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
        let rows = sqlx::query_as(sql).bind(projects).bind(people);
        Ok(rows.fetch_all(self.reader()).await?)
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
    pub(super) const LOCK_AS_SEEN: Option<&'static str> = None;
    pub(super) const LOCK_ALL_OF: &'static str = projects_of!(" FOR UPDATE");
    pub(super) const UNIQUE_SLUG: &'static str = "projects_slug";
}
