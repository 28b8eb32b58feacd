//! The statements, for each database. They are the same but for what each
//! database's own file says: where it reads, and what it locks.

mod privacy;

use std::collections::HashMap;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::unique_violation,
    email_address::EmailAddress,
    idempotency::{self, IdempotencyKey},
    outbox::{self, Event, Origin},
    page::{Page, Paging, Sort, Total, bind_bookmark},
    status::Error,
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Column, Filter, InvitationFilter, MemberColumn, Queries, Shown, Whose,
    changes::{Engine, Transaction},
    postgres::{PostgresStore, PostgresTransaction},
    sql::{
        self, DELETE_MEMBER, DELETE_PROJECT, FIND_BY_ID, FIND_BY_SLUG, FORGET_EXPIRED,
        INSERT_MEMBER, ListedRow, MARK_ARCHIVED, MEMBER, MEMBER_IDS, MEMBERSHIPS, MemberRow,
        OWNERS, ProjectRow, RENAME, UPDATE_MEMBER, UPDATE_PROJECT, ViewRow, all, bind_member,
        bind_project,
        invitations::{
            self, INSERT_INVITATION, INVITATION, InvitationRow, PENDING_IN, PENDING_TO,
            UPDATE_INVITATION,
        },
        lists::{self, Told, Way},
    },
    sqlite::{SqliteStore, SqliteTransaction},
};
use crate::{
    error,
    invitation::Invitation,
    member::{Member, Role, Seat},
    policy::{self, Standing},
    project::{Project, Reference, View},
};

macro_rules! statements {
    ($store:ty, $transaction:ty, $claim:path, $keep:path) => {
        impl $store {
            /// How many projects there are in a list, up to the cap, and how a page
            /// of it is found.
            async fn tell(&self, by: Uuid, filter: &Filter) -> Result<Told, Error> {
                let Some(search) = &filter.search else {
                    let sql = AssertSqlSafe(lists::count(filter));
                    let count = sqlx::query_scalar(sql).bind(by);
                    let count = count.fetch_one(self.reader()).await?;
                    return Ok(Told::of(count, Way::Gathered));
                };
                let count = if filter.shown == Shown::Public {
                    None
                } else {
                    let sql = AssertSqlSafe(lists::count_by_members(filter));
                    let count = sqlx::query_scalar(sql).bind(by).bind(search.pattern());
                    count.fetch_one(self.reader()).await?
                };
                match count {
                    Some(count) => Ok(Told::of(count, Way::Gathered)),
                    None => self.tell_among_many(by, filter, search).await,
                }
            }
        }

        #[async_trait]
        impl Queries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn find(&self, reference: &Reference, by: Uuid) -> Result<View, Error> {
                let query = match reference {
                    Reference::Id(id) => sqlx::query_as::<_, ViewRow>(FIND_BY_ID).bind(id),
                    Reference::Slug(slug) => sqlx::query_as(FIND_BY_SLUG).bind(slug.as_str()),
                };
                let row = query.bind(by).fetch_optional(self.reader()).await?;
                let view = row.map(View::from).ok_or_else(error::project_not_found)?;
                policy::see(&view)?;
                Ok(view)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn list(
                &self,
                by: Uuid,
                filter: &Filter,
                sort: Sort<Column>,
                paging: &Paging,
            ) -> Result<Page<View>, Error> {
                let told = if lists::is_told(filter, sort) {
                    Some(self.tell(by, filter).await?)
                } else {
                    None
                };
                let sql = AssertSqlSafe(lists::page(filter, sort, paging, told, Self::LOOKUPS));
                let keeps_plan = told.is_none_or(|told| told.way != Way::Planned);
                let mut rows = sqlx::query_as::<_, ListedRow>(sql)
                    .persistent(keeps_plan)
                    .bind(by);
                if let Some(search) = &filter.search {
                    rows = rows.bind(search.pattern());
                    if told.is_some_and(|told| told.way == Way::Found) {
                        rows = rows.bind(search.trigrams());
                    }
                }
                let rows = bind_bookmark!(rows, paging).fetch_all(self.reader()).await?;
                let total = match (told, rows.first()) {
                    (Some(told), _) => told.count,
                    (None, Some(row)) => row.total,
                    (None, None) => self.tell(by, filter).await?.count,
                };
                let views = rows.into_iter().map(|row| row.view.into()).collect();
                Ok(Page::of(views, Total::counted(total, true), paging))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn members(
                &self,
                project: &Project,
                sort: Sort<MemberColumn>,
                paging: &Paging,
            ) -> Result<Page<Member>, Error> {
                let sql = AssertSqlSafe(sql::members(sort, paging));
                let rows = sqlx::query_as::<_, MemberRow>(sql).bind(project.id);
                let rows = bind_bookmark!(rows, paging).fetch_all(self.reader()).await?;
                let total = Total::counted(project.member_count.into(), false);
                Ok(Page::of(all(rows), total, paging))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn memberships(&self, person: Uuid) -> Result<Vec<(Uuid, Role)>, Error> {
                let rows: Vec<(Uuid, String)> = sqlx::query_as(MEMBERSHIPS)
                    .bind(person)
                    .fetch_all(self.reader())
                    .await?;
                let stored = |(project_id, role): (Uuid, String)| (project_id, Role::stored(&role));
                Ok(rows.into_iter().map(stored).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn standings(
                &self,
                pairs: &[(Uuid, Uuid)],
            ) -> Result<HashMap<(Uuid, Uuid), Standing>, Error> {
                if pairs.is_empty() {
                    return Ok(HashMap::new());
                }
                let rows = self.standing_rows(pairs).await?;
                Ok(rows.into_iter().map(Into::into).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn invitation(&self, id: Uuid) -> Result<Option<Invitation>, Error> {
                let row: Option<InvitationRow> = sqlx::query_as(INVITATION)
                    .bind(id)
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(Invitation::from))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn invitations(
                &self,
                filter: &InvitationFilter<'_>,
                sort: Sort<()>,
                paging: &Paging,
            ) -> Result<Page<Invitation>, Error> {
                let sql = invitations::ListSql::new(filter, sort, paging);
                let mut rows = sqlx::query_as::<_, InvitationRow>(AssertSqlSafe(sql.rows));
                let mut count = sqlx::query_scalar(AssertSqlSafe(sql.count));
                match filter.whose {
                    Whose::Project(id) => {
                        rows = rows.bind(id);
                        count = count.bind(id);
                    }
                    Whose::Address(email) => {
                        rows = rows.bind(email.key());
                        count = count.bind(email.key());
                    }
                }
                if sql.depends_on_time {
                    rows = rows.bind(filter.now);
                    count = count.bind(filter.now);
                }
                let rows = bind_bookmark!(rows, paging).fetch_all(self.reader()).await?;
                let count = count.fetch_one(self.reader()).await?;
                let total = Total::counted(count, filter.status.is_some());
                Ok(Page::of(all(rows), total, paging))
            }
        }

        #[async_trait]
        impl Transaction for $transaction {
            async fn lock(&mut self, id: Uuid) -> Result<Option<Project>, Error> {
                let row: Option<ProjectRow> = sqlx::query_as(Self::LOCK)
                    .bind(id)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(Project::from))
            }

            async fn lock_as_seen(&mut self, id: Uuid, by: Uuid) -> Result<Option<View>, Error> {
                if let Some(lock) = Self::LOCK_AS_SEEN {
                    let row: Option<ViewRow> = sqlx::query_as(lock)
                        .bind(id)
                        .bind(by)
                        .fetch_optional(&mut self.0)
                        .await?;
                    return Ok(row.map(View::from));
                }
                let Some(project) = self.lock(id).await? else {
                    return Ok(None);
                };
                let member = self.member(Seat::new(id, by)).await?;
                let role = member.map(|member| member.role);
                Ok(Some(View { project, role }))
            }

            async fn lock_all_of(&mut self, person: Uuid) -> Result<Vec<Project>, Error> {
                let rows: Vec<ProjectRow> = sqlx::query_as(Self::LOCK_ALL_OF)
                    .bind(person)
                    .fetch_all(&mut self.0)
                    .await?;
                Ok(all(rows))
            }

            async fn insert_project(
                &mut self,
                project: &Project,
                owner: &Member,
            ) -> Result<bool, Error> {
                let query = bind_project!(sqlx::query(Self::INSERT_PROJECT), project);
                let inserted = bind_member!(query, owner).execute(&mut self.0).await?;
                Ok(inserted.rows_affected() > 0)
            }

            async fn update_project(&mut self, project: &Project) -> Result<(), Error> {
                let updated = bind_project!(sqlx::query(UPDATE_PROJECT), project)
                    .execute(&mut self.0)
                    .await;
                match updated {
                    Err(failure) if unique_violation(&failure) == Some(Self::UNIQUE_SLUG) => {
                        Err(error::slug_exists())
                    }
                    Err(failure) => Err(failure.into()),
                    Ok(_) => Ok(()),
                }
            }

            async fn update_project_last(&mut self, project: &Project) -> Result<(), Error> {
                let update = bind_project!(sqlx::query(UPDATE_PROJECT), project);
                self.0.last(update)
            }

            async fn delete_project(&mut self, id: Uuid) -> Result<(), Error> {
                sqlx::query(DELETE_PROJECT)
                    .bind(id)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn member(&mut self, at: Seat) -> Result<Option<Member>, Error> {
                let row: Option<MemberRow> = sqlx::query_as(MEMBER)
                    .bind(at.project_id)
                    .bind(at.user_id)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(Member::from))
            }

            async fn member_ids(&mut self, project_id: Uuid, most: i64) -> Result<Vec<Uuid>, Error> {
                Ok(sqlx::query_scalar(MEMBER_IDS)
                    .bind(project_id)
                    .bind(most)
                    .fetch_all(&mut self.0)
                    .await?)
            }

            async fn owners(&mut self, project_id: Uuid) -> Result<i64, Error> {
                let owners = sqlx::query_scalar(OWNERS)
                    .bind(project_id)
                    .fetch_one(&mut self.0)
                    .await?;
                Ok(owners)
            }

            async fn insert_member(&mut self, member: &Member) -> Result<(), Error> {
                bind_member!(sqlx::query(INSERT_MEMBER), member)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn update_member(&mut self, member: &Member) -> Result<(), Error> {
                bind_member!(sqlx::query(UPDATE_MEMBER), member)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn delete_member(&mut self, at: Seat) -> Result<(), Error> {
                sqlx::query(DELETE_MEMBER)
                    .bind(at.project_id)
                    .bind(at.user_id)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn invitation(&mut self, id: Uuid) -> Result<Option<Invitation>, Error> {
                let row: Option<InvitationRow> = sqlx::query_as(INVITATION)
                    .bind(id)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(Invitation::from))
            }

            async fn pending_to(
                &mut self,
                project_id: Uuid,
                email: &EmailAddress,
            ) -> Result<Option<Invitation>, Error> {
                let row: Option<InvitationRow> = sqlx::query_as(PENDING_TO)
                    .bind(project_id)
                    .bind(email.key())
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(Invitation::from))
            }

            async fn pending_in(
                &mut self,
                project_id: Uuid,
                now: Timestamp,
            ) -> Result<Vec<Invitation>, Error> {
                let rows: Vec<InvitationRow> = sqlx::query_as(PENDING_IN)
                    .bind(project_id)
                    .bind(now)
                    .fetch_all(&mut self.0)
                    .await?;
                Ok(all(rows))
            }

            async fn insert_invitation(&mut self, invitation: &Invitation) -> Result<(), Error> {
                sqlx::query(INSERT_INVITATION)
                    .bind(invitation.id)
                    .bind(invitation.project_id)
                    .bind(invitation.email.as_str())
                    .bind(invitation.email.key())
                    .bind(invitation.role.as_str())
                    .bind(invitation.status.as_str())
                    .bind(invitation.invited_by)
                    .bind(invitation.account_id)
                    .bind(invitation.created_at)
                    .bind(invitation.expires_at)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn update_invitation(&mut self, invitation: &Invitation) -> Result<(), Error> {
                sqlx::query(UPDATE_INVITATION)
                    .bind(invitation.id)
                    .bind(invitation.status.as_str())
                    .bind(invitation.account_id)
                    .bind(invitation.expires_at)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn append<P: Serialize + Sync>(
                &mut self,
                origin: &Origin,
                event: Event<'_, P>,
            ) -> Result<(), Error> {
                outbox::append(&mut self.0, origin, event).await
            }

            async fn claim<T: DeserializeOwned>(
                &mut self,
                key: Option<&IdempotencyKey>,
                now: Timestamp,
            ) -> Result<Option<T>, Error> {
                $claim(&mut self.0, key, now).await
            }

            async fn keep<T: Serialize + Sync>(
                &mut self,
                key: Option<&IdempotencyKey>,
                answer: &T,
            ) -> Result<(), Error> {
                $keep(&mut self.0, key, answer).await
            }

            async fn mark_archived(&mut self, id: Uuid, is_archived: bool) -> Result<(), Error> {
                sqlx::query(MARK_ARCHIVED)
                    .bind(id)
                    .bind(is_archived)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn rename(&mut self, person: Uuid, name_key: &str) -> Result<(), Error> {
                sqlx::query(RENAME)
                    .bind(person)
                    .bind(name_key)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn forget_expired(&mut self, now: Timestamp) -> Result<(), Error> {
                sqlx::query(FORGET_EXPIRED)
                    .bind(now)
                    .execute(&mut self.0)
                    .await?;
                Ok(())
            }

            async fn commit(self) -> Result<(), Error> {
                self.0.commit().await
            }
        }
    };
}
statements!(
    PostgresStore,
    PostgresTransaction,
    idempotency::claim_postgres,
    idempotency::store_postgres
);
statements!(
    SqliteStore,
    SqliteTransaction,
    idempotency::claim_sqlite,
    idempotency::store_sqlite
);
