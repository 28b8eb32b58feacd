//! Keeps credentials, sessions, signing keys and revocations. Each method is
//! one atomic use case: a transaction never leaves it, and each change leaves
//! its event in the outbox. Every sentence of the methods' docs has a case in
//! the conformance suite.
//!
//! What a change does stands once, in [`changes`], and so do the statements
//! that it is made of, in [`statements`]; what only one database needs stands
//! in that database's file.

mod api_keys;
mod changes;
mod factors;
mod impersonations;
mod links;
mod postgres;
mod privacy;
mod sign_ins;
mod sql;
mod sqlite;
mod statements;
mod throttle;

#[cfg(test)]
mod conformance;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use portico_chassis::{
    caller::User,
    clock::Timestamp,
    database::Database,
    outbox::Origin,
    page::{Page, Paging},
    status::Error,
    token::Revoked,
};
use uuid::Uuid;

pub(crate) use self::links::{LinkQueries, LinkStore};
pub(crate) use self::{
    api_keys::{ApiKeyQueries, ApiKeyStore},
    factors::{
        Added, Answered, ChallengeStore, FactorQueries, FactorStore, NewPasskey, PasskeyStore,
    },
    impersonations::ImpersonationStore,
    privacy::{PrivacyQueries, PrivacyStore},
};
use self::{postgres::PostgresStore, sqlite::SqliteStore};
pub(crate) use self::{
    sign_ins::{SignInQueries, SignInStore},
    throttle::{ThrottleStore, Turn},
};
use crate::{
    key::SealedKey,
    session::{EndReason, Refreshed, Session, Visit},
    ticket::{Ticket, TicketHash},
};

/// The store on an open database.
pub(crate) fn open(database: &Database, access_token_ttl: Duration) -> Arc<dyn Store> {
    match database {
        Database::Postgres(database) => {
            Arc::new(PostgresStore::new(database.clone(), access_token_ttl))
        }
        Database::Sqlite(database) => {
            Arc::new(SqliteStore::new(database.clone(), access_token_ttl))
        }
    }
}

/// Everything that the service keeps.
pub(crate) trait Store:
    Queries
    + ApiKeyQueries
    + PrivacyQueries
    + FactorQueries
    + LinkQueries
    + AccountStore
    + ApiKeyStore
    + DeletionStore
    + ImpersonationStore
    + LinkStore
    + PrivacyStore
    + FactorStore
    + ChallengeStore
    + PasskeyStore
    + SessionStore
    + SignInQueries
    + SignInStore
    + ThrottleStore
    + TicketStore
    + TokenStore
{
}

impl<T> Store for T where
    T: Queries
        + ApiKeyQueries
        + PrivacyQueries
        + FactorQueries
        + LinkQueries
        + AccountStore
        + ApiKeyStore
        + DeletionStore
        + ImpersonationStore
        + LinkStore
        + PrivacyStore
        + FactorStore
        + ChallengeStore
        + PasskeyStore
        + SessionStore
        + SignInQueries
        + SignInStore
        + ThrottleStore
        + TicketStore
        + TokenStore
{
}

/// Reads what the service keeps. A session that has expired is not there.
#[async_trait]
pub(crate) trait Queries: Send + Sync {
    /// The hash of a person's password.
    async fn password_hash(&self, user_id: Uuid) -> Result<Option<String>, Error>;

    /// People with a password kept before `before` and still not confirmed,
    /// at most 100.
    async fn unconfirmed(&self, before: Timestamp) -> Result<Vec<Uuid>, Error>;

    /// The accounts whose deletion has begun up to a moment and not ended.
    async fn deletions(&self, before: Timestamp) -> Result<Vec<Deletion>, Error>;

    /// The session with an id.
    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>, Error>;

    /// A page of a person's sessions, the one used last first; ties are broken
    /// by id. A walk by cursor meets each session exactly once.
    async fn sessions(
        &self,
        user_id: Uuid,
        paging: &Paging,
        now: Timestamp,
    ) -> Result<Page<Session>, Error>;

    /// The signing keys, in the order in which they become active.
    async fn signing_keys(&self) -> Result<Vec<SealedKey>, Error>;

    /// The revocations after a cursor that still matter, in the order of
    /// their cursors. Once one is settled, none will appear before it.
    async fn revocations(&self, after: Cursor, now: Timestamp) -> Result<Vec<Revocation>, Error>;
}

/// Keeps what people prove themselves by.
#[async_trait]
pub(crate) trait AccountStore: Send + Sync {
    /// Begins to make the account `user_id`: keeps its password hash, if it
    /// has one, as not confirmed. Under a key that is known, it is the account
    /// that the key was first used for: `Begun::Done` with the answer if it
    /// was made, else `Begun::Open`. A key with another fingerprint is
    /// `IDEMPOTENCY_KEY_REUSED`. A confirmed password stays as it is. A key is
    /// forgotten after 24 hours.
    async fn begin_registration(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<Begun, Error>;

    /// Ends the making of an account that the users service has made: its
    /// password is confirmed, also if it was swept away in the meantime; the
    /// answer is kept under the key. Whether it was the first to end it under
    /// this key. A confirmed password stays as it is.
    async fn finish_registration(
        &self,
        registration: Registration<'_>,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// Gives up an account that was not made: forgets its password and key,
    /// unless they are confirmed.
    async fn abandon_registration(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
    ) -> Result<(), Error>;

    /// Confirms the passwords of people who exist, and forgets those of people
    /// who do not, if they are still not confirmed and as old.
    async fn settle(
        &self,
        existing: &[Uuid],
        missing: &[Uuid],
        before: Timestamp,
    ) -> Result<(), Error>;

    /// Replaces a hash by a stronger one of the same password. A password that
    /// changed in the meantime stays.
    async fn upgrade_password(&self, user_id: Uuid, from: &str, to: &str) -> Result<(), Error>;

    /// Changes a password and ends the person's other sessions and the links by
    /// which it could be set. Whether it was
    /// done: not if the password is no longer `from`.
    async fn change_password(
        &self,
        user_id: Uuid,
        from: &str,
        to: &str,
        keep: Uuid,
        origin: &Origin,
    ) -> Result<bool, Error>;
}

/// Keeps which accounts are being deleted, a sequence that spans services.
#[async_trait]
pub(crate) trait DeletionStore: Send + Sync {
    /// Notes that an account is being deleted; it opens no session from then
    /// on. Noting it again changes nothing but the heir, if one is named. An heir
    /// who is being deleted is refused as `newOwnerId`, and the deletion of one
    /// who is an heir is `INHERITS_PROJECTS`, also when both begin at once.
    async fn begin_deletion(&self, deletion: Deletion, now: Timestamp) -> Result<(), Error>;

    /// Notes that an account is not deleted after all.
    async fn cancel_deletion(&self, user_id: Uuid) -> Result<(), Error>;

    /// Ends the deletion of an account: its sessions end, all its tokens are
    /// revoked, and the note is gone. Ending it again changes nothing.
    async fn finish_deletion(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error>;
}

/// Keeps the sessions. One that has expired is not there.
#[async_trait]
pub(crate) trait SessionStore: Send + Sync {
    /// Opens a session for a person whose password was just verified, and
    /// confirms the password. `None` if it was not opened: if the password has
    /// changed since, while the account is deleted, or if the person has a second
    /// factor. A device that the person never signed in from before is told of,
    /// unless it is the first.
    async fn open_session(
        &self,
        session: &Session,
        verified: Verified<'_>,
        origin: &Origin,
    ) -> Result<Option<Knowledge>, Error>;

    /// Notes that from now on what is known of a person from before this version
    /// is outdated, and waits for the sessions that are being opened by it.
    async fn note_person(&self, user_id: Uuid, version: i64) -> Result<(), Error>;

    /// Refreshes a session by its token with the number `generation`, as
    /// [`Session::refreshed`] says; one whose token was reused ends. Nobody
    /// there is `None`. Of many at once with the same token, all get the same
    /// session.
    async fn refresh_session(
        &self,
        id: Uuid,
        generation: u32,
        visit: &Visit,
        ttl: Duration,
        origin: &Origin,
    ) -> Result<Option<Refreshed>, Error>;

    /// Notes that the person of a session proved again who it is. Whether the
    /// session is there.
    async fn reauthenticate(&self, id: Uuid, origin: &Origin) -> Result<bool, Error>;

    /// Ends one session of a person and revokes its tokens. Whether it was
    /// there.
    async fn end_session(
        &self,
        user_id: Uuid,
        id: Uuid,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<bool, Error>;

    /// Ends all sessions of a person, and what an ADMIN does as that person, and
    /// revokes their tokens.
    async fn end_sessions(
        &self,
        user_id: Uuid,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Revokes the tokens of a person that were issued until now, and ends what
    /// it does as somebody else or an ADMIN as that person; its sessions go on.
    async fn revoke_tokens(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error>;

    /// Forgets sessions, revocations, tickets, registration and idempotency keys,
    /// links, challenges, ceremonies, impersonations, throttles and familiar
    /// places that have expired, devices not seen for a year, API keys that were
    /// revoked 30 days ago, changes of addresses that can no longer be undone, and
    /// requests that found no answer within a day.
    async fn forget_expired(&self, now: Timestamp) -> Result<(), Error>;
}

/// Keeps the tickets.
#[async_trait]
pub(crate) trait TicketStore: Send + Sync {
    /// Keeps a ticket.
    async fn add_ticket(&self, ticket: &Ticket) -> Result<(), Error>;

    /// Takes a ticket away and returns whose it was. Of many at once, one gets
    /// it. One that has expired is not there, nor one whose access token was
    /// revoked, by itself or with all that the person had then.
    async fn take_ticket(&self, hash: TicketHash, now: Timestamp) -> Result<Option<User>, Error>;
}

/// Keeps the signing keys.
#[async_trait]
pub(crate) trait TokenStore: Send + Sync {
    /// Adds a signing key. Whether it was added: not if the newest key is no
    /// longer the one named `newest`, so that of many processes one adds it.
    async fn add_signing_key(&self, key: &SealedKey, newest: Option<&str>) -> Result<bool, Error>;

    /// Removes a signing key, and adds the one that signs in its place, if
    /// any. Whether it was there; else nothing is added.
    async fn remove_signing_key(
        &self,
        kid: &str,
        successor: Option<&SealedKey>,
    ) -> Result<bool, Error>;
}

/// The key under which an account is made once.
#[derive(Debug, Clone)]
pub(crate) struct RegistrationKey {
    /// Hash of caller, method and the caller's key.
    pub(crate) id: [u8; 32],
    /// Keyed hash of the request.
    pub(crate) fingerprint: [u8; 32],
    /// When it is forgotten.
    pub(crate) expires_at: Timestamp,
}

/// An account that is being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deletion {
    pub(crate) user_id: Uuid,
    /// Who gets the projects that would be left without an owner.
    pub(crate) heir_id: Option<Uuid>,
}

/// How far the making of an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is to be made under this id.
    Open(Uuid),
    /// It was made before.
    Done {
        /// What was answered then.
        answer: Vec<u8>,
    },
}

/// An account that the users service has made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registration<'a> {
    pub(crate) user_id: Uuid,
    pub(crate) key: Option<&'a RegistrationKey>,
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) answer: &'a [u8],
}

/// What a password was verified with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verified<'a> {
    /// Its hash.
    pub(crate) password_hash: &'a str,
    /// The version at which the person was read before.
    pub(crate) version: i64,
}

/// Whether a person is still as it was read, as far as word has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    Current,
    Outdated,
}

/// Access tokens that no longer count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) cursor: Cursor,
    pub(crate) tokens: Revoked,
    pub(crate) revoked_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Whether every revocation before it is known.
    pub(crate) is_settled: bool,
}

/// A place among the revocations: transaction, then number. On SQLite, whose
/// transactions follow each other, the number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Cursor {
    pub(crate) transaction: i64,
    pub(crate) number: i64,
}

impl Cursor {
    /// Reads a cursor. What is none stands at the beginning: to be told of a
    /// revocation twice does no harm.
    pub(crate) fn parse(text: &str) -> Self {
        let parts = text.split_once('.');
        let numbers = parts.and_then(|(transaction, number)| {
            Some(Self {
                transaction: transaction.parse().ok()?,
                number: number.parse().ok()?,
            })
        });
        numbers.unwrap_or_default()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.transaction, self.number)
    }
}
