//! The SQL that both databases share: texts, rows and what is bound to them.

pub(super) mod invitations;
pub(super) mod lists;
pub(super) mod privacy;

use portico_chassis::{
    clock::Timestamp,
    page::{Paging, Sort},
};
use uuid::Uuid;

use super::MemberColumn;
use crate::{
    member::{Member, Role},
    policy::Standing,
    project::{Description, Name, Project, Slug, View, Visibility},
};

/// The columns of a [`ProjectRow`].
macro_rules! project_columns {
    () => {
        "p.id, p.name, p.slug, p.description, p.visibility, p.archived_at, p.member_count, \
         p.version, p.created_at, p.updated_at"
    };
}

/// The columns of a [`MemberRow`].
macro_rules! member_columns {
    () => {
        "m.project_id, m.user_id, m.role, m.version, m.name_key, m.joined_at"
    };
}

/// A project by its id, with what follows.
macro_rules! project_by_id {
    ($suffix:literal) => {
        concat!(
            "SELECT ",
            project_columns!(),
            " FROM projects p WHERE p.id = $1",
            $suffix
        )
    };
}

/// The projects of a person in the order of their ids, with what follows.
macro_rules! projects_of {
    ($suffix:literal) => {
        concat!(
            "SELECT ",
            project_columns!(),
            " FROM projects p WHERE p.id IN (SELECT project_id FROM members WHERE user_id = $1) \
             ORDER BY p.id",
            $suffix
        )
    };
}

/// Inserts a project, or nothing where its slug is taken. In PostgreSQL it is
/// part of a statement.
macro_rules! insert_project {
    () => {
        "INSERT INTO projects (id, name, name_key, slug, description, visibility, archived_at, \
         member_count, version, search, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (slug) DO NOTHING"
    };
}

/// Inserts the project's owner, from what follows. The project is bound first,
/// then the owner.
macro_rules! insert_owner {
    ($source:literal) => {
        concat!(
            "INSERT INTO members (project_id, user_id, role, version, name_key, joined_at) \
             SELECT $13, $14, $15, $16, $17, $18 ",
            $source
        )
    };
}

pub(super) use {insert_owner, insert_project, project_by_id, project_columns, projects_of};

pub(super) const FIND_BY_ID: &str = concat!(
    "SELECT ",
    project_columns!(),
    ", m.role FROM projects p LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $2 \
     WHERE p.id = $1"
);

pub(super) const FIND_BY_SLUG: &str = concat!(
    "SELECT ",
    project_columns!(),
    ", m.role FROM projects p LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $2 \
     WHERE p.slug = $1"
);

pub(super) const UPDATE_PROJECT: &str = "UPDATE projects SET name = $2, name_key = $3, slug = $4, \
    description = $5, visibility = $6, archived_at = $7, member_count = $8, version = $9, \
    search = $10, created_at = $11, updated_at = $12 WHERE id = $1";

pub(super) const DELETE_PROJECT: &str = "DELETE FROM projects WHERE id = $1";

pub(super) const MEMBER: &str = concat!(
    "SELECT ",
    member_columns!(),
    " FROM members m WHERE m.project_id = $1 AND m.user_id = $2"
);

pub(super) const MEMBERSHIPS: &str = "SELECT project_id, role FROM members WHERE user_id = $1";

pub(super) const MEMBER_IDS: &str =
    "SELECT user_id FROM members WHERE project_id = $1 ORDER BY joined_at, user_id LIMIT $2";

pub(super) const OWNERS: &str =
    "SELECT count(*) FROM members WHERE project_id = $1 AND role = 'OWNER'";

pub(super) const INSERT_MEMBER: &str = "INSERT INTO members \
    (project_id, user_id, role, version, name_key, joined_at) VALUES ($1, $2, $3, $4, $5, $6)";

pub(super) const UPDATE_MEMBER: &str = "UPDATE members \
    SET role = $3, version = $4, name_key = $5, joined_at = $6 \
    WHERE project_id = $1 AND user_id = $2";

pub(super) const DELETE_MEMBER: &str = "DELETE FROM members WHERE project_id = $1 AND user_id = $2";

pub(super) const MARK_ARCHIVED: &str = "UPDATE members SET is_archived = $2 WHERE project_id = $1";

pub(super) const RENAME: &str =
    "UPDATE members SET name_key = $2 WHERE user_id = $1 AND name_key <> $2";

pub(super) const FORGET_EXPIRED: &str = "DELETE FROM idempotency_keys WHERE expires_at <= $1";

/// Binds a project to a statement that inserts or updates it.
macro_rules! bind_project {
    ($query:expr, $project:expr) => {{
        let project: &crate::project::Project = $project;
        $query
            .bind(project.id)
            .bind(project.name.as_str())
            .bind(project.name.sort_key())
            .bind(project.slug.as_str())
            .bind(project.description.as_ref().map(|text| text.as_str()))
            .bind(project.visibility.as_str())
            .bind(project.archived_at)
            .bind(project.member_count)
            .bind(i64::try_from(project.version).unwrap_or(i64::MAX))
            .bind(project.search())
            .bind(project.created_at)
            .bind(project.updated_at)
    }};
}

/// Binds a member to a statement that inserts or updates it.
macro_rules! bind_member {
    ($query:expr, $member:expr) => {{
        let member: &crate::member::Member = $member;
        $query
            .bind(member.project_id)
            .bind(member.user_id)
            .bind(member.role.as_str())
            .bind(i64::try_from(member.version).unwrap_or(i64::MAX))
            .bind(&member.name_key)
            .bind(member.joined_at)
    }};
}

pub(super) use {bind_member, bind_project};

/// The SQL of a list of members. The project is bound first, then a bookmark's
/// key and id.
pub(super) fn members(sort: Sort<MemberColumn>, paging: &Paging) -> String {
    let key = match sort.column {
        MemberColumn::Name => "m.name_key",
        MemberColumn::JoinedAt => "m.joined_at",
    };
    let order = sort.sql(key, "m.user_id", paging, 2);
    format!(
        "SELECT {} FROM members m WHERE m.project_id = $1{order}",
        member_columns!()
    )
}

/// The standings of the pairs in `asked`, which stands before it.
macro_rules! standings {
    () => {
        " SELECT asked.project_id, asked.user_id, p.visibility, p.archived_at, m.role \
         FROM asked JOIN projects p ON p.id = asked.project_id \
         LEFT JOIN members m ON m.project_id = asked.project_id AND m.user_id = asked.user_id"
    };
}
pub(super) use standings;

/// A project as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct ProjectRow {
    id: Uuid,
    name: String,
    slug: String,
    description: Option<String>,
    visibility: String,
    archived_at: Option<Timestamp>,
    member_count: i32,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ProjectRow> for Project {
    fn from(row: ProjectRow) -> Self {
        Self {
            id: row.id,
            name: Name::stored(row.name),
            slug: Slug::stored(row.slug),
            description: row.description.map(Description::stored),
            visibility: Visibility::stored(&row.visibility),
            archived_at: row.archived_at,
            member_count: row.member_count,
            version: u64::try_from(row.version).unwrap_or(0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A project with a person's role in it.
#[derive(sqlx::FromRow)]
pub(super) struct ViewRow {
    #[sqlx(flatten)]
    project: ProjectRow,
    role: Option<String>,
}

impl From<ViewRow> for View {
    fn from(row: ViewRow) -> Self {
        Self {
            project: row.project.into(),
            role: row.role.as_deref().map(Role::stored),
        }
    }
}

/// A row of a list of projects.
#[derive(sqlx::FromRow)]
pub(super) struct ListedRow {
    #[sqlx(flatten)]
    pub(super) view: ViewRow,
    /// How many there are on all pages.
    pub(super) total: i64,
}

/// A member as the database has it.
#[derive(sqlx::FromRow)]
pub(super) struct MemberRow {
    project_id: Uuid,
    user_id: Uuid,
    role: String,
    version: i64,
    name_key: String,
    joined_at: Timestamp,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            project_id: row.project_id,
            user_id: row.user_id,
            role: Role::stored(&row.role),
            version: u64::try_from(row.version).unwrap_or(0),
            name_key: row.name_key,
            joined_at: row.joined_at,
        }
    }
}

/// How a person stands to a project.
#[derive(sqlx::FromRow)]
pub(super) struct StandingRow {
    project_id: Uuid,
    user_id: Uuid,
    visibility: String,
    archived_at: Option<Timestamp>,
    role: Option<String>,
}

impl From<StandingRow> for ((Uuid, Uuid), Standing) {
    fn from(row: StandingRow) -> Self {
        let standing = Standing {
            visibility: Visibility::stored(&row.visibility),
            is_archived: row.archived_at.is_some(),
            role: row.role.as_deref().map(Role::stored),
        };
        ((row.project_id, row.user_id), standing)
    }
}

/// Rows as what they stand for.
pub(super) fn all<R, T: From<R>>(rows: Vec<R>) -> Vec<T> {
    rows.into_iter().map(T::from).collect()
}
