//! Keeps projects, their members and the invitations into them. Each method is
//! one atomic use case: a transaction never leaves it, each change is authorised
//! and made under the same lock, and leaves its events in the outbox. Every
//! sentence of the methods' docs has a case in the conformance suite.
//!
//! What a change does stands once, in [`changes`], and so do the statements
//! that it is made of, in [`statements`]; what only one database needs stands
//! in that database's file.

mod changes;
mod postgres;
mod privacy;
mod sql;
mod sqlite;
mod statements;

#[cfg(test)]
mod conformance;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::Database,
    email_address::EmailAddress,
    etag::IfMatch,
    idempotency::{Created, IdempotencyKey},
    outbox::Origin,
    page::{Page, Paging, Search, Sort},
    status::Error,
};
use uuid::Uuid;

pub(crate) use self::privacy::{Participation, PrivacyQueries, PrivacyStore};
use self::{postgres::PostgresStore, sqlite::SqliteStore};
use crate::{
    invitation::{Invitation, Offer, Status},
    member::{Member, Person, Role, Seat},
    policy::Standing,
    project::{Change, Project, Reference, Slug, View},
};

/// The store on an open database.
pub(crate) fn open(database: &Database) -> Arc<dyn Store> {
    match database {
        Database::Postgres(database) => Arc::new(PostgresStore::new(database.clone())),
        Database::Sqlite(database) => Arc::new(SqliteStore::new(database.clone())),
    }
}

/// Reads projects, their members and the invitations into them.
#[async_trait]
pub(crate) trait Queries: Send + Sync {
    /// The project, by id or slug, as a person sees it. One that is not there
    /// is `PROJECT_NOT_FOUND`, and so is a private one for a stranger.
    async fn find(&self, reference: &Reference, by: Uuid) -> Result<View, Error>;

    /// A page of the projects that match, as a person sees them. Ties are
    /// broken by id. A walk by cursor meets every project that is there
    /// throughout exactly once.
    async fn list(
        &self,
        by: Uuid,
        filter: &Filter,
        sort: Sort<Column>,
        paging: &Paging,
    ) -> Result<Page<View>, Error>;

    /// A page of a project's members. Ties are broken by the person's id.
    async fn members(
        &self,
        project: &Project,
        sort: Sort<MemberColumn>,
        paging: &Paging,
    ) -> Result<Page<Member>, Error>;

    /// The projects in which a person is a member, with its role in each; none
    /// for somebody unknown.
    async fn memberships(&self, person: Uuid) -> Result<Vec<(Uuid, Role)>, Error>;

    /// How people stand to projects, by project and person; projects that are
    /// not there are left out.
    async fn standings(
        &self,
        pairs: &[(Uuid, Uuid)],
    ) -> Result<HashMap<(Uuid, Uuid), Standing>, Error>;

    /// The invitation with an id.
    async fn invitation(&self, id: Uuid) -> Result<Option<Invitation>, Error>;

    /// A page of the invitations that match, by the time when they were made.
    /// Ties are broken by id. A walk by cursor meets every invitation once.
    async fn invitations(
        &self,
        filter: &InvitationFilter<'_>,
        sort: Sort<()>,
        paging: &Paging,
    ) -> Result<Page<Invitation>, Error>;
}

/// Keeps projects and their members. Where a method takes who does it (`by`),
/// a project that this person does not see is `PROJECT_NOT_FOUND`, one where
/// it may not do this `FORBIDDEN`, and only then `ETAG_MISMATCH` and the rest.
#[async_trait]
pub(crate) trait Store: Queries + PrivacyQueries + InvitationStore + PrivacyStore {
    /// Adds a project, whose id was made at the time of its creation, with a
    /// person as its owner, under the first of `slugs`
    /// that no other project has; `SLUG_EXISTS` if all are taken. The same key
    /// again adds nothing and returns the first answer, also while the first
    /// is in progress.
    async fn create(
        &self,
        project: &Project,
        slugs: &[Slug],
        owner: &Person,
        key: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<View>, Error>;

    /// Changes a project, and counts up its version unless nothing changes. An
    /// archived one is `PROJECT_ARCHIVED`, a slug that another project has
    /// `SLUG_EXISTS`. For OWNER and ADMIN.
    async fn update(
        &self,
        id: Uuid,
        by: Uuid,
        change: &Change,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<View, Error>;

    /// Archives a project or brings it back. One that is so already stays as
    /// it is. For OWNER and ADMIN.
    async fn archive(
        &self,
        id: Uuid,
        by: Uuid,
        is_archived: bool,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<View, Error>;

    /// Deletes a project, archived or not, with its invitations and its members,
    /// whom its event names. For an OWNER.
    async fn delete(
        &self,
        id: Uuid,
        by: Uuid,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Makes a member OWNER, and the former owner ADMIN. To oneself changes
    /// nothing. Somebody who is no member is `MEMBER_NOT_FOUND`, an archived
    /// project `PROJECT_ARCHIVED`. For an OWNER.
    async fn transfer(
        &self,
        id: Uuid,
        by: Uuid,
        to: Uuid,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<View, Error>;

    /// Adds a member, which changes the project's count and not its version.
    /// Nobody is `USER_NOT_FOUND`, a member `ALREADY_MEMBER`, an archived
    /// project `PROJECT_ARCHIVED`. The same key again adds nothing and returns
    /// the first answer. An invitation to the person's address is revoked. For
    /// OWNER and ADMIN; an OWNER is made by an OWNER.
    async fn add_member(
        &self,
        project_id: Uuid,
        by: Uuid,
        person: Option<&Person>,
        role: Role,
        key: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<Member>, Error>;

    /// Gives a member a role, and counts up the member's version unless it has
    /// that role, or none is given. Somebody who is no member is
    /// `MEMBER_NOT_FOUND`, an archived project `PROJECT_ARCHIVED`. The last
    /// owner stays one, also when two are demoted at once: `LAST_OWNER`. For
    /// OWNER and ADMIN; an OWNER is touched and made by an OWNER.
    async fn update_member(
        &self,
        at: Seat,
        by: Uuid,
        role: Option<Role>,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<Member, Error>;

    /// Removes a member, also of an archived project, which changes the
    /// project's count and not its version. Somebody who is no member is
    /// `MEMBER_NOT_FOUND`. The last owner stays, also when two leave at once:
    /// `LAST_OWNER`. For OWNER and ADMIN, an OWNER by an OWNER; and anyone
    /// leaves.
    async fn remove_member(
        &self,
        at: Seat,
        by: Uuid,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Takes a person out of all projects, or, if it is the only owner of any,
    /// out of none: `LAST_OWNER` with these projects in the details, also when
    /// two last owners are released at once. Where there is an heir, these
    /// projects go to it instead: it becomes OWNER, and a member where it is
    /// none, also of an archived project. Nothing is left to do the second time.
    async fn release(
        &self,
        person: Uuid,
        heir: Option<&Person>,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Fails like [`Store::release`] would now, and changes nothing.
    async fn check_release(&self, person: Uuid, heir: Option<&Person>) -> Result<(), Error>;

    /// Sorts a person by another name from now on, in all its projects.
    async fn rename(&self, person: Uuid, name_key: &str) -> Result<(), Error>;

    /// Forgets the answers of keys that have expired, and no others.
    async fn forget_expired(&self, now: Timestamp) -> Result<(), Error>;
}

/// Keeps invitations. Where a method takes who manages the project (`by`), a
/// project that this person does not see is `PROJECT_NOT_FOUND`, one where it
/// may not do this `FORBIDDEN`, and an invitation of another project
/// `INVITATION_NOT_FOUND`. For the project's OWNER and ADMIN, also where another
/// one invited, who may be gone. Events name the account of the `addressee`, who
/// has the address at that time, if it has verified it.
///
/// Where a method takes who answers (`person`), an invitation to another address
/// is `INVITATION_NOT_FOUND`, and one to an address that the person has not
/// verified `EMAIL_NOT_VERIFIED`.
#[async_trait]
pub(crate) trait InvitationStore: Send + Sync {
    /// Invites an address for 7 days. One of a member is `ALREADY_MEMBER`, one
    /// with a pending invitation `ALREADY_INVITED`, also when it is invited
    /// twice at once; an invitation that has expired is not in the way. An
    /// archived project is `PROJECT_ARCHIVED`. The same key again invites nobody
    /// and returns the first answer.
    async fn invite(
        &self,
        project_id: Uuid,
        by: Uuid,
        offer: &Offer,
        key: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<Invitation>, Error>;

    /// Takes an invitation back that nobody has answered, expired or not, also
    /// into an archived project. Any other is `INVITATION_NOT_PENDING`.
    async fn revoke(
        &self,
        project_id: Uuid,
        id: Uuid,
        by: Uuid,
        addressee: Option<&Person>,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Lets an invitation that nobody has answered, expired or not, stand for
    /// another 7 days. Any other is `INVITATION_NOT_PENDING`; where another one
    /// to the address is pending, it is `ALREADY_INVITED`, and where the address
    /// is a member's, `ALREADY_MEMBER`. An archived project is
    /// `PROJECT_ARCHIVED`.
    async fn resend(
        &self,
        project_id: Uuid,
        id: Uuid,
        by: Uuid,
        addressee: Option<&Person>,
        origin: &Origin,
    ) -> Result<Invitation, Error>;

    /// Makes a person a member in the role that it was offered. The same person
    /// again gets the same member as long as it is one. A member by another way
    /// is `ALREADY_MEMBER`, and nothing changes. Otherwise, an invitation that is
    /// not pending is `INVITATION_NOT_PENDING`, an archived project
    /// `PROJECT_ARCHIVED`. Of an acceptance and a revocation at once, one
    /// happens.
    async fn accept(&self, id: Uuid, person: &Person, origin: &Origin) -> Result<Member, Error>;

    /// Declines an invitation, also into an archived project. One that is
    /// declined stays so; any other that is not pending is
    /// `INVITATION_NOT_PENDING`.
    async fn decline(
        &self,
        id: Uuid,
        person: &Person,
        origin: &Origin,
    ) -> Result<Invitation, Error>;
}

/// Which invitations match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InvitationFilter<'a> {
    pub(crate) whose: Whose<'a>,
    pub(crate) status: Option<Status>,
    /// The moment at which they have that status.
    pub(crate) now: Timestamp,
}

/// Whose invitations a list shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// Those into a project.
    Project(Uuid),
    /// Those to an address.
    Address(&'a EmailAddress),
}

/// Which projects match.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) shown: Shown,
    pub(crate) search: Option<Search>,
    pub(crate) role: Option<Role>,
    /// Only archived ones, only others, or both.
    pub(crate) archived: Option<bool>,
}

/// Whose projects a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Those in which the person is a member.
    Mine,
    /// The private ones of these.
    MinePrivate,
    /// All public ones.
    Public,
}

/// What projects are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    CreatedAt,
    UpdatedAt,
}

impl Column {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "name" => Some(Self::Name),
            "createdAt" => Some(Self::CreatedAt),
            "updatedAt" => Some(Self::UpdatedAt),
            _ => None,
        }
    }
}

/// What members are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberColumn {
    Name,
    JoinedAt,
}

impl MemberColumn {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "name" => Some(Self::Name),
            "joinedAt" => Some(Self::JoinedAt),
            _ => None,
        }
    }
}
