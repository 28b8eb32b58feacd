//! What each change does, for both databases: lock, authorise, check, write,
//! leave events. No SQL.
//!
//! Whatever touches members locks their project first: that is what keeps an
//! owner in every project when several people leave at once. A key is claimed
//! before a project is locked, and several projects in the order of their ids,
//! so that no two changes wait for each other. An invitation is kept apart by
//! the lock of its project, too.
//!
//! A change that finds nothing to do commits like any other: it may have found
//! the work of one that is not on disk yet.

mod invitations;
mod members;
mod privacy;
mod release;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    email_address::EmailAddress,
    etag::IfMatch,
    idempotency::{Created, IdempotencyKey},
    outbox::{Event, Origin},
    status::Error,
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub(super) use self::privacy::PrivacyStatements;
use self::{
    members::{is_last_owner, join, member, record_member, remove},
    release::{releasable, release},
};
use super::{PrivacyQueries, Queries, Store};
use crate::{
    error,
    invitation::Invitation,
    member::{Member, Person, Role, Seat},
    policy,
    project::{Change, Deleted, Project, Slug, View},
};

/// The members of a deleted project whom its event names at most, so that the
/// event stays of a size that can be streamed.
const NAMED_MEMBERS: i64 = 10_000;

/// A database, as far as changes need it.
#[async_trait]
pub(super) trait Engine: Queries + PrivacyQueries {
    /// What telemetry calls it.
    const NAME: &'static str;

    type Transaction: Transaction;

    async fn begin(&self) -> Result<Self::Transaction, Error>;
}

/// The statements that changes are made of. Dropped, it changes nothing.
#[async_trait]
pub(super) trait Transaction: PrivacyStatements + Send {
    /// The project; nobody else changes it or its members from now on.
    async fn lock(&mut self, id: Uuid) -> Result<Option<Project>, Error>;

    /// The same with a person's role, which is read under the lock: it may have
    /// changed while the lock was waited for.
    async fn lock_as_seen(&mut self, id: Uuid, by: Uuid) -> Result<Option<View>, Error>;

    /// The projects of a person, each locked.
    async fn lock_all_of(&mut self, person: Uuid) -> Result<Vec<Project>, Error>;

    /// Whether it was inserted, with its owner: its slug may be taken.
    async fn insert_project(&mut self, project: &Project, owner: &Member) -> Result<bool, Error>;

    /// Fails with `SLUG_EXISTS` if its slug is taken.
    async fn update_project(&mut self, project: &Project) -> Result<(), Error>;

    /// The same as the last statement, where the slug stays.
    async fn update_project_last(&mut self, project: &Project) -> Result<(), Error>;

    async fn delete_project(&mut self, id: Uuid) -> Result<(), Error>;

    async fn member(&mut self, at: Seat) -> Result<Option<Member>, Error>;

    /// At most so many of a project's members, the eldest.
    async fn member_ids(&mut self, project_id: Uuid, most: i64) -> Result<Vec<Uuid>, Error>;

    async fn owners(&mut self, project_id: Uuid) -> Result<i64, Error>;

    async fn insert_member(&mut self, member: &Member) -> Result<(), Error>;

    async fn update_member(&mut self, member: &Member) -> Result<(), Error>;

    async fn delete_member(&mut self, at: Seat) -> Result<(), Error>;

    async fn invitation(&mut self, id: Uuid) -> Result<Option<Invitation>, Error>;

    /// The invitation to an address that nobody has answered, whether its time
    /// is over or not.
    async fn pending_to(
        &mut self,
        project_id: Uuid,
        email: &EmailAddress,
    ) -> Result<Option<Invitation>, Error>;

    /// The invitations into a project that can be accepted.
    async fn pending_in(
        &mut self,
        project_id: Uuid,
        now: Timestamp,
    ) -> Result<Vec<Invitation>, Error>;

    async fn insert_invitation(&mut self, invitation: &Invitation) -> Result<(), Error>;

    async fn update_invitation(&mut self, invitation: &Invitation) -> Result<(), Error>;

    async fn append<P: Serialize + Sync>(
        &mut self,
        origin: &Origin,
        event: Event<'_, P>,
    ) -> Result<(), Error>;

    async fn claim<T: DeserializeOwned>(
        &mut self,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Option<T>, Error>;

    async fn keep<T: Serialize + Sync>(
        &mut self,
        key: Option<&IdempotencyKey>,
        answer: &T,
    ) -> Result<(), Error>;

    /// Notes with the members that their project is archived or not.
    async fn mark_archived(&mut self, id: Uuid, is_archived: bool) -> Result<(), Error>;

    async fn rename(&mut self, person: Uuid, name_key: &str) -> Result<(), Error>;

    async fn forget_expired(&mut self, now: Timestamp) -> Result<(), Error>;

    async fn commit(self) -> Result<(), Error>;
}

#[async_trait]
impl<E: Engine> Store for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn create(
        &self,
        project: &Project,
        slugs: &[Slug],
        owner: &Person,
        key: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<View>, Error> {
        let mut transaction = self.begin().await?;
        if let Some(answer) = transaction.claim(key, origin.at).await? {
            return Ok(Created::Replayed(answer));
        }
        let mut project = project.clone();
        let owner = owner.joining(project.id, Role::Owner, origin.at);
        let mut is_inserted = false;
        for slug in slugs {
            project.slug = slug.clone();
            is_inserted = transaction.insert_project(&project, &owner).await?;
            if is_inserted {
                break;
            }
        }
        if !is_inserted {
            return Err(error::slug_exists());
        }
        record(&mut transaction, origin, "project.created", None, &project).await?;
        record_member(&mut transaction, origin, "member.added", None, &owner).await?;
        let view = View {
            project,
            role: Some(Role::Owner),
        };
        transaction.keep(key, &view).await?;
        transaction.commit().await?;
        Ok(Created::New(view))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn update(
        &self,
        id: Uuid,
        by: Uuid,
        change: &Change,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<View, Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, id, by).await?;
        policy::manage(&view)?;
        if_match.check(view.project.version)?;
        view.project.check_writable()?;
        let Some(project) = view.project.after(change, origin.at) else {
            transaction.commit().await?;
            return Ok(view);
        };
        if project.slug == view.project.slug {
            transaction.update_project_last(&project).await?;
        } else {
            transaction.update_project(&project).await?;
        }
        record(
            &mut transaction,
            origin,
            "project.updated",
            Some(&view.project),
            &project,
        )
        .await?;
        transaction.commit().await?;
        Ok(View { project, ..view })
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn archive(
        &self,
        id: Uuid,
        by: Uuid,
        is_archived: bool,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<View, Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, id, by).await?;
        policy::manage(&view)?;
        if_match.check(view.project.version)?;
        let Some(project) = view.project.archived(is_archived, origin.at) else {
            transaction.commit().await?;
            return Ok(view);
        };
        transaction.update_project(&project).await?;
        transaction.mark_archived(id, is_archived).await?;
        record(
            &mut transaction,
            origin,
            "project.updated",
            Some(&view.project),
            &project,
        )
        .await?;
        transaction.commit().await?;
        Ok(View { project, ..view })
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn delete(
        &self,
        id: Uuid,
        by: Uuid,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, id, by).await?;
        policy::own(&view)?;
        if_match.check(view.project.version)?;
        invitations::end_all(&mut transaction, origin, id).await?;
        let deleted = Deleted {
            members: transaction.member_ids(id, NAMED_MEMBERS).await?,
            project: view.project,
        };
        transaction.delete_project(id).await?;
        let event = Event::new("project.deleted", id, &deleted);
        transaction.append(origin, event).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn transfer(
        &self,
        id: Uuid,
        by: Uuid,
        to: Uuid,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<View, Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, id, by).await?;
        policy::own(&view)?;
        let heir = member(&mut transaction, Seat::new(id, to)).await?;
        let former = member(&mut transaction, Seat::new(id, by)).await?;
        if_match.check(view.project.version)?;
        view.project.check_writable()?;
        if to == by {
            transaction.commit().await?;
            return Ok(view);
        }
        for (member, role) in [(heir, Role::Owner), (former, Role::Admin)] {
            if let Some(changed) = member.with_role(role) {
                transaction.update_member(&changed).await?;
                record_member(
                    &mut transaction,
                    origin,
                    "member.updated",
                    Some(&member),
                    &changed,
                )
                .await?;
            }
        }
        transaction.commit().await?;
        Ok(View {
            role: Some(Role::Admin),
            ..view
        })
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_member(
        &self,
        project_id: Uuid,
        by: Uuid,
        person: Option<&Person>,
        role: Role,
        key: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<Member>, Error> {
        let mut transaction = self.begin().await?;
        if let Some(answer) = transaction.claim(key, origin.at).await? {
            return Ok(Created::Replayed(answer));
        }
        let view = lock_visible(&mut transaction, project_id, by).await?;
        policy::add_member(&view, role)?;
        let person = person.ok_or_else(error::user_not_found)?;
        view.project.check_writable()?;
        let added = person.joining(project_id, role, origin.at);
        if transaction.member(added.seat()).await?.is_some() {
            return Err(error::already_member());
        }
        invitations::withdraw(&mut transaction, origin, project_id, person).await?;
        join(&mut transaction, origin, view.project, &added).await?;
        transaction.keep(key, &added).await?;
        transaction.commit().await?;
        Ok(Created::New(added))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn update_member(
        &self,
        at: Seat,
        by: Uuid,
        role: Option<Role>,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<Member, Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, at.project_id, by).await?;
        policy::see_members(&view)?;
        let member = member(&mut transaction, at).await?;
        let role = role.unwrap_or(member.role);
        policy::change_member(&view, &member, role)?;
        if_match.check(member.version)?;
        view.project.check_writable()?;
        let Some(changed) = member.with_role(role) else {
            transaction.commit().await?;
            return Ok(member);
        };
        if is_last_owner(&mut transaction, &member).await? {
            return Err(error::last_owner());
        }
        transaction.update_member(&changed).await?;
        record_member(
            &mut transaction,
            origin,
            "member.updated",
            Some(&member),
            &changed,
        )
        .await?;
        transaction.commit().await?;
        Ok(changed)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn remove_member(
        &self,
        at: Seat,
        by: Uuid,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, at.project_id, by).await?;
        policy::see_members(&view)?;
        let member = member(&mut transaction, at).await?;
        policy::remove_member(&view, by, &member)?;
        if_match.check(member.version)?;
        if is_last_owner(&mut transaction, &member).await? {
            return Err(error::last_owner());
        }
        remove(&mut transaction, origin, view.project, &member).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn release(
        &self,
        person: Uuid,
        heir: Option<&Person>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        for leaving in releasable(&mut transaction, person, heir).await? {
            release(&mut transaction, origin, leaving, heir).await?;
        }
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn check_release(&self, person: Uuid, heir: Option<&Person>) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        releasable(&mut transaction, person, heir).await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn rename(&self, person: Uuid, name_key: &str) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.rename(person, name_key).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn forget_expired(&self, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.forget_expired(now).await?;
        transaction.commit().await
    }
}

/// The project, locked, as a person sees it.
async fn lock_visible(
    transaction: &mut impl Transaction,
    id: Uuid,
    by: Uuid,
) -> Result<View, Error> {
    let view = transaction.lock_as_seen(id, by).await?;
    let view = view.ok_or_else(error::project_not_found)?;
    policy::see(&view)?;
    Ok(view)
}

async fn record(
    transaction: &mut impl Transaction,
    origin: &Origin,
    kind: &'static str,
    before: Option<&Project>,
    project: &Project,
) -> Result<(), Error> {
    let changes = before.map(|before| project.changes_from(before));
    let event = Event::new(kind, project.id, project).with(changes.unwrap_or_default());
    transaction.append(origin, event).await
}
