//! What each change does, for both databases: lock, check, write, leave an
//! event. No SQL.

mod accounts;
pub(super) mod api_keys;
mod deletions;
mod events;
mod factors;
pub(super) mod impersonations;
mod links;
mod passkeys;
mod privacy;
mod sessions;
mod sign_ins;
mod throttle;
mod tickets;
mod tokens;

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    caller::User,
    clock::Timestamp,
    outbox::{Event, Origin},
    status::Error,
    token::Revoked,
};
use serde::Serialize;
use uuid::Uuid;

use self::{
    api_keys::ApiKeyStatements,
    events::{Ended, Opened},
    impersonations::{ImpersonationStatements, end_impersonations},
};
pub(super) use self::{
    events::AboutAccount, factors::FactorStatements, links::LinkStatements,
    privacy::PrivacyStatements, throttle::ThrottleStatements,
};
use super::{
    Deletion, FactorQueries, LinkQueries, PrivacyQueries, Queries, RegistrationKey, Verified,
};
use crate::{
    device::Device,
    history::Method,
    impersonation::Ending,
    key::SealedKey,
    session::{EndReason, Session},
    ticket::{Ticket, TicketHash},
};

/// A revocation is kept this much longer than the tokens that it covers live,
/// for clocks that differ.
const REVOCATION_MARGIN: Duration = Duration::from_secs(60);

/// A device that was seen less long ago is not noted anew.
const DEVICE_SEEN: Duration = Duration::from_secs(24 * 3600);

/// A database, as far as changes need it.
#[async_trait]
pub(super) trait Engine: Queries + FactorQueries + LinkQueries + PrivacyQueries {
    /// What telemetry calls it.
    const NAME: &'static str;

    type Transaction: Transaction;

    async fn begin(&self) -> Result<Self::Transaction, Error>;

    /// How long the tokens live that a revocation covers.
    fn access_token_ttl(&self) -> Duration;
}

/// What is kept under a registration key.
#[derive(sqlx::FromRow)]
pub(super) struct Claim {
    pub(super) fingerprint: Vec<u8>,
    pub(super) user_id: Uuid,
    pub(super) answer: Option<Vec<u8>>,
}

/// What is known of a person who signs in on a device.
#[derive(sqlx::FromRow)]
pub(super) struct Known {
    /// Whether the password was used before.
    pub(super) is_confirmed: bool,
    /// Whether nothing was noted of a later version of the person.
    is_current: bool,
    has_second_factor: bool,
    has_devices: bool,
    /// When this device was last noted.
    seen_at: Option<Timestamp>,
}

/// The statements that changes are made of. Dropped, it changes nothing.
#[async_trait]
pub(super) trait Transaction:
    ApiKeyStatements
    + FactorStatements
    + ImpersonationStatements
    + LinkStatements
    + PrivacyStatements
    + ThrottleStatements
    + Send
{
    /// Claims a key for an account, unless somebody has, and reads the claim.
    async fn claim(
        &mut self,
        key: &RegistrationKey,
        user_id: Uuid,
        now: Timestamp,
    ) -> Result<Claim, Error>;

    /// Keeps the answer under a key. Whether it had none.
    async fn answer_claim(&mut self, key: &RegistrationKey, answer: &[u8]) -> Result<bool, Error>;

    /// Forgets a claim, unless it has an answer.
    async fn abandon_claim(&mut self, key: &RegistrationKey) -> Result<(), Error>;

    /// Keeps a password as not confirmed, unless there is a confirmed one.
    async fn keep_password(
        &mut self,
        user_id: Uuid,
        hash: &str,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Confirms the password that is kept, or else keeps this one, confirmed.
    async fn confirm_password(
        &mut self,
        user_id: Uuid,
        hash: &str,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Forgets a password, unless it is confirmed.
    async fn abandon_password(&mut self, user_id: Uuid) -> Result<(), Error>;

    /// Confirms the password that is kept, if any.
    async fn confirm(&mut self, user_id: Uuid) -> Result<(), Error>;

    /// Forgets a password kept before a moment, unless it is confirmed.
    async fn forget_unconfirmed(&mut self, user_id: Uuid, before: Timestamp) -> Result<(), Error>;

    async fn upgrade_password(&mut self, user_id: Uuid, from: &str, to: &str) -> Result<(), Error>;

    /// Whether the password was `from`.
    async fn change_password(
        &mut self,
        user_id: Uuid,
        from: &str,
        to: &str,
        at: Timestamp,
    ) -> Result<bool, Error>;

    /// Waits for sign-ins that have begun; none begins from now on.
    async fn lock_password(&mut self, user_id: Uuid) -> Result<(), Error>;

    /// Nobody else begins a deletion from now on.
    async fn lock_deletions(&mut self) -> Result<(), Error>;

    /// Whether a person's deletion has begun.
    async fn is_leaving(&mut self, user_id: Uuid) -> Result<bool, Error>;

    /// Whether a person is the heir of another one, whose deletion has begun.
    async fn is_heir(&mut self, user_id: Uuid) -> Result<bool, Error>;

    /// Begins a deletion, or gives the one that has begun the heir, if any.
    async fn begin_deletion(&mut self, deletion: Deletion, now: Timestamp) -> Result<(), Error>;

    /// Whether a deletion had begun.
    async fn end_deletion(&mut self, user_id: Uuid) -> Result<bool, Error>;

    /// Notes up to which version of a person word was acted on, unless it was
    /// a later one.
    async fn note_person(&mut self, user_id: Uuid, version: i64) -> Result<(), Error>;

    /// The last statement.
    async fn insert_session(&mut self, session: &Session) -> Result<(), Error>;

    /// The last statement, which does nothing unless the person signs in as
    /// always: with a confirmed password that has this hash and no second factor,
    /// on a device that was noted after a moment, not changed since it was read,
    /// and not being deleted.
    async fn insert_familiar_session(
        &mut self,
        session: &Session,
        verified: Verified<'_>,
        seen_after: Timestamp,
    ) -> Result<(), Error>;

    /// The session; nobody else changes it from now on.
    async fn lock_session(&mut self, id: Uuid, now: Timestamp) -> Result<Option<Session>, Error>;

    /// The last statement.
    async fn refresh_session(&mut self, session: &Session) -> Result<(), Error>;

    /// Whether the session is there.
    async fn reauthenticate(&mut self, id: Uuid, at: Timestamp) -> Result<bool, Error>;

    /// The session that is gone, if it was there.
    async fn delete_session(&mut self, user_id: Uuid, id: Uuid) -> Result<Vec<Uuid>, Error>;

    /// The sessions of a person that are gone: all but this one.
    async fn delete_other_sessions(
        &mut self,
        user_id: Uuid,
        keep: Uuid,
    ) -> Result<Vec<Uuid>, Error>;

    async fn revoke(
        &mut self,
        tokens: Revoked,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Error>;

    async fn insert_ticket(&mut self, ticket: &Ticket) -> Result<(), Error>;

    /// The holder of a ticket that is gone, if it was there and its token
    /// counts.
    async fn delete_ticket(
        &mut self,
        hash: TicketHash,
        now: Timestamp,
    ) -> Result<Option<User>, Error>;

    /// Forgets what has expired.
    async fn forget_expired(&mut self, now: Timestamp) -> Result<(), Error>;

    /// Nobody else adds a signing key from now on.
    async fn lock_keys(&mut self) -> Result<(), Error>;

    async fn newest_key(&mut self) -> Result<Option<String>, Error>;

    async fn add_key(&mut self, key: &SealedKey) -> Result<(), Error>;

    /// Whether it was there.
    async fn remove_key(&mut self, kid: &str) -> Result<bool, Error>;

    async fn append<P: Serialize + Sync>(
        &mut self,
        origin: &Origin,
        event: Event<'_, P>,
    ) -> Result<(), Error>;

    async fn commit(self) -> Result<(), Error>;

    /// Commits. Whether its events were told: they are not if its last statement
    /// has changed nothing.
    async fn commit_told(self) -> Result<bool, Error>;
}

/// Opens a session by a password alone or by something else, and tells of it and
/// of a device that is new.
async fn enter<T: Transaction>(
    transaction: &mut T,
    session: &Session,
    method: Method,
    origin: &Origin,
) -> Result<(), Error> {
    let known = transaction
        .known(session.user_id, Device::of(session))
        .await?;
    enter_known(transaction, session, &known, method, origin).await
}

/// The same by a password alone where there is no more to it than the session:
/// most sign-ins are such ones, and take one statement. Whether it is one.
async fn enter_familiar<T: Transaction>(
    mut transaction: T,
    session: &Session,
    verified: Verified<'_>,
    origin: &Origin,
) -> Result<bool, Error> {
    let seen_after = origin.at - DEVICE_SEEN;
    transaction
        .insert_familiar_session(session, verified, seen_after)
        .await?;
    let opened = Opened::of(session, Method::Password, false);
    transaction.append(origin, opened.event()).await?;
    transaction.commit_told().await
}

/// The same where it was read already what is known of the person.
async fn enter_known<T: Transaction>(
    transaction: &mut T,
    session: &Session,
    known: &Known,
    method: Method,
    origin: &Origin,
) -> Result<(), Error> {
    if known.seen_at.is_none_or(|at| at + DEVICE_SEEN <= origin.at) {
        transaction
            .note_device(session.user_id, Device::of(session), origin.at)
            .await?;
    }
    let is_unknown = known.has_devices && known.seen_at.is_none();
    transaction.insert_session(session).await?;
    let opened = Opened::of(session, method, is_unknown);
    transaction.append(origin, opened.event()).await?;
    if is_unknown {
        transaction.append(origin, opened.device_event()).await?;
    }
    Ok(())
}

/// Revokes the tokens of sessions that are gone, with what was begun in them, and
/// tells of it.
async fn end<E: Engine>(
    engine: &E,
    transaction: &mut E::Transaction,
    user_id: Uuid,
    ids: &[Uuid],
    reason: EndReason,
    origin: &Origin,
) -> Result<(), Error> {
    for &id in ids {
        revoke(engine, transaction, Revoked::Session(id), origin.at).await?;
        let ended = Ended {
            id,
            user_id,
            reason,
        };
        transaction.append(origin, ended.event()).await?;
        end_impersonations(transaction, Ending::Session(id), origin).await?;
    }
    Ok(())
}

/// Ends all sessions of a person, and what an ADMIN does as that person.
async fn end_all<E: Engine>(
    engine: &E,
    transaction: &mut E::Transaction,
    user_id: Uuid,
    reason: EndReason,
    origin: &Origin,
) -> Result<(), Error> {
    let ended = transaction
        .delete_other_sessions(user_id, Uuid::nil())
        .await?;
    end(engine, transaction, user_id, &ended, reason, origin).await?;
    end_impersonations(transaction, Ending::Person(user_id), origin).await
}

async fn revoke<E: Engine>(
    engine: &E,
    transaction: &mut E::Transaction,
    tokens: Revoked,
    at: Timestamp,
) -> Result<(), Error> {
    let expires_at = at + engine.access_token_ttl() + REVOCATION_MARGIN;
    transaction.revoke(tokens, at, expires_at).await
}
