//! What each change does, for both databases: lock, check, write, leave an
//! event. No SQL.
//!
//! A change that finds nothing to do commits like any other: it may have found
//! the work of one that is not on disk yet.

mod purges;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    etag::IfMatch,
    outbox::{Event, Origin},
    status::Error,
};
use uuid::Uuid;

use super::{Queries, RESERVED, Reservation, Store};
use crate::{
    error,
    user::{Address, Change, Status, User},
};

/// A database, as far as changes need it.
#[async_trait]
pub(super) trait Engine: Queries {
    /// What telemetry calls it.
    const NAME: &'static str;

    type Transaction: Transaction;

    async fn begin(&self) -> Result<Self::Transaction, Error>;
}

/// The statements that changes are made of. Dropped, it changes nothing.
#[async_trait]
pub(super) trait Transaction: Send {
    /// Whether the person was inserted: its id or address may be taken.
    async fn insert(&mut self, user: &User) -> Result<bool, Error>;

    /// The person, as it is.
    async fn get(&mut self, id: Uuid) -> Result<Option<User>, Error>;

    /// The person; nobody else changes it from now on.
    async fn lock(&mut self, id: Uuid) -> Result<Option<User>, Error>;

    /// Like [`Transaction::lock`], and nobody else makes or unmakes an active
    /// administrator from now on: two changes that would each leave one wait
    /// for each other.
    async fn lock_among_admins(&mut self, id: Uuid) -> Result<Option<User>, Error>;

    /// How many active administrators there are beside this person.
    async fn other_admins(&mut self, id: Uuid) -> Result<i64, Error>;

    /// Fails with `EMAIL_EXISTS` if another person has the address.
    async fn update(&mut self, user: &User) -> Result<(), Error>;

    /// Whether an address is reserved for somebody else.
    async fn is_reserved(&mut self, key: &str, id: Uuid, now: Timestamp) -> Result<bool, Error>;

    /// Reserves an address that the person had until now.
    async fn reserve(&mut self, reservation: &Reservation) -> Result<(), Error>;

    /// Forgets what was reserved for longer than until now.
    async fn forget_reservations(&mut self, now: Timestamp) -> Result<(), Error>;

    /// The people who were deleted up to a moment and whose purge was not
    /// announced, at most 100. Nobody else changes them from now on; who is
    /// being changed is left out.
    async fn lock_deleted(&mut self, before: Timestamp) -> Result<Vec<User>, Error>;

    async fn announce_purge(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error>;

    /// Like [`Transaction::lock_deleted`], those whose purge was announced up
    /// to a moment.
    async fn lock_announced(&mut self, before: Timestamp) -> Result<Vec<User>, Error>;

    /// Removes a person and what is reserved for it, and has its events tell of
    /// `nobody`.
    async fn remove(&mut self, nobody: &User) -> Result<(), Error>;

    async fn append(&mut self, origin: &Origin, event: Event<'_, User>) -> Result<(), Error>;

    async fn commit(self) -> Result<(), Error>;
}

#[async_trait]
impl<E: Engine> Store for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn create(&self, user: &User, origin: &Origin) -> Result<User, Error> {
        add(self, user, "user.created", origin).await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn import(&self, user: &User, origin: &Origin) -> Result<User, Error> {
        add(self, user, "user.imported", origin).await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn update(
        &self,
        id: Uuid,
        change: &Change,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<User, Error> {
        let mut transaction = self.begin().await?;
        let locked = if change.is_administrative() {
            transaction.lock_among_admins(id).await?
        } else {
            transaction.lock(id).await?
        };
        let user = locked.ok_or_else(error::not_found)?;
        if_match.check(user.version)?;
        let Some(changed) = user.after(change, origin.at)? else {
            transaction.commit().await?;
            return Ok(user);
        };
        if user.is_active_admin() && !changed.is_active_admin() {
            keep_an_admin(&mut transaction, id).await?;
        }
        write(&mut transaction, origin, "user.updated", &user, &changed).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn set_email(
        &self,
        id: Uuid,
        address: &Address,
        if_match: &IfMatch,
        origin: &Origin,
    ) -> Result<User, Error> {
        let mut transaction = self.begin().await?;
        let user = transaction.lock(id).await?.ok_or_else(error::not_found)?;
        if_match.check(user.version)?;
        let Some(changed) = user.reached_at(address, origin.at)? else {
            transaction.commit().await?;
            return Ok(user);
        };
        write(&mut transaction, origin, "user.updated", &user, &changed).await?;
        keep_reservations(&mut transaction, &changed, origin.at).await?;
        transaction.forget_reservations(origin.at).await?;
        if changed.email.key() != user.email.key() {
            let reservation = Reservation {
                key: user.email.key(),
                user_id: id,
                until: origin.at + RESERVED,
            };
            transaction.reserve(&reservation).await?;
        }
        transaction.commit().await?;
        Ok(changed)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn delete(&self, id: Uuid, if_match: &IfMatch, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let user = deletable(&mut transaction, id, if_match).await?;
        let deleted = user.deleted(origin.at);
        write(&mut transaction, origin, "user.deleted", &user, &deleted).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn check_delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        deletable(&mut transaction, id, if_match).await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn restore(&self, id: Uuid, origin: &Origin) -> Result<User, Error> {
        let mut transaction = self.begin().await?;
        let user = transaction.lock(id).await?.ok_or_else(error::not_found)?;
        if user.status != Status::Deleted {
            transaction.commit().await?;
            return Ok(user);
        }
        if user.is_lost(origin.at) {
            return Err(error::not_found());
        }
        let restored = user.restored(origin.at);
        write(&mut transaction, origin, "user.restored", &user, &restored).await?;
        transaction.commit().await?;
        Ok(restored)
    }
}

async fn add<E: Engine>(
    engine: &E,
    user: &User,
    kind: &'static str,
    origin: &Origin,
) -> Result<User, Error> {
    let mut transaction = engine.begin().await?;
    if !transaction.insert(user).await? {
        let known = transaction.get(user.id).await?;
        transaction.commit().await?;
        return known
            .filter(|known| known.email.key() == user.email.key())
            .ok_or_else(error::email_exists);
    }
    keep_reservations(&mut transaction, user, origin.at).await?;
    let event = Event::new(kind, user.id, user).word("role", user.role.as_str());
    transaction.append(origin, event).await?;
    transaction.commit().await?;
    Ok(user.clone())
}

/// The person, locked, if it may be deleted.
async fn deletable(
    transaction: &mut impl Transaction,
    id: Uuid,
    if_match: &IfMatch,
) -> Result<User, Error> {
    let user = transaction
        .lock_among_admins(id)
        .await?
        .filter(|user| user.status != Status::Deleted)
        .ok_or_else(error::not_found)?;
    if_match.check(user.version)?;
    if user.is_active_admin() {
        keep_an_admin(transaction, id).await?;
    }
    Ok(user)
}

/// Nothing, if there is an active administrator beside this one.
async fn keep_an_admin(transaction: &mut impl Transaction, id: Uuid) -> Result<(), Error> {
    match transaction.other_admins(id).await? {
        0 => Err(error::last_admin()),
        _ => Ok(()),
    }
}

/// Nothing, if the person's address is not reserved for somebody else. It is
/// asked when the person has the address: from then on nobody gives it up.
async fn keep_reservations(
    transaction: &mut impl Transaction,
    user: &User,
    now: Timestamp,
) -> Result<(), Error> {
    match transaction
        .is_reserved(&user.email.key(), user.id, now)
        .await?
    {
        true => Err(error::email_exists()),
        false => Ok(()),
    }
}

async fn write(
    transaction: &mut impl Transaction,
    origin: &Origin,
    kind: &'static str,
    before: &User,
    user: &User,
) -> Result<(), Error> {
    transaction.update(user).await?;
    let event = Event::new(kind, user.id, user).with(user.changes_from(before));
    transaction.append(origin, event).await
}
