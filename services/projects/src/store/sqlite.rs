//! Projects and their members in SQLite, whose one writer keeps changes apart
//! without further locks.

use async_trait::async_trait;
use portico_chassis::{
    database::{Connections, SqliteDatabase, Write},
    page::Search,
    status::Error,
};
use sqlx::{AssertSqlSafe, Sqlite};
use uuid::Uuid;

use super::{
    Filter,
    changes::Engine,
    sql::{
        FIND_BY_ID, StandingRow, insert_owner, insert_project,
        lists::{self, Lookups, Told, Way},
        project_by_id, project_columns, projects_of, standings,
    },
};

/// Keeps projects and their members in SQLite.
pub(crate) struct SqliteStore {
    database: SqliteDatabase,
}

impl SqliteStore {
    /// It goes about a cross join in the order that is written.
    pub(super) const LOOKUPS: Lookups = Lookups {
        of_members: "CROSS JOIN members m ON m.project_id = p.id AND m.user_id = $1",
        of_anybody: "LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $1",
    };

    pub(crate) fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    pub(super) fn reader(&self) -> &Connections<Sqlite> {
        &self.database.readers
    }

    /// How many projects a search finds, up to the cap, among very many of this
    /// person or all public ones. It begins with the words if these are rare, and
    /// with the memberships if not.
    pub(super) async fn tell_among_many(
        &self,
        by: Uuid,
        filter: &Filter,
        search: &Search,
    ) -> Result<Told, Error> {
        let Some(trigrams) = search.trigrams() else {
            let count = sqlx::query_scalar(AssertSqlSafe(lists::count(filter)))
                .bind(by)
                .bind(search.pattern());
            let count = count.fetch_one(self.reader()).await?;
            return Ok(Told::of(count, Way::Gathered));
        };
        let sql = lists::count_by_trigrams(filter, Self::LOOKUPS);
        let counted = sqlx::query_as(AssertSqlSafe(sql))
            .bind(by)
            .bind(search.pattern())
            .bind(trigrams);
        let (is_common, count): (bool, i64) = counted.fetch_one(self.reader()).await?;
        let few = if is_common { Way::Gathered } else { Way::Found };
        Ok(Told::of(count, few))
    }

    pub(super) async fn standing_rows(
        &self,
        pairs: &[(Uuid, Uuid)],
    ) -> Result<Vec<StandingRow>, Error> {
        let asked: Vec<String> = (0..pairs.len())
            .map(|index| format!("(${}, ${})", 2 * index + 1, 2 * index + 2))
            .collect();
        let sql = format!(
            "WITH asked (project_id, user_id) AS (VALUES {}){}",
            asked.join(", "),
            standings!()
        );
        let mut rows = sqlx::query_as(AssertSqlSafe(sql));
        for (project_id, user_id) in pairs {
            rows = rows.bind(project_id).bind(user_id);
        }
        Ok(rows.fetch_all(self.reader()).await?)
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
    /// Everything is locked, so that one look is enough.
    pub(super) const LOCK_AS_SEEN: Option<&'static str> = Some(FIND_BY_ID);
    pub(super) const LOCK_ALL_OF: &'static str = projects_of!("");
    pub(super) const UNIQUE_SLUG: &'static str = "projects.slug";
}
