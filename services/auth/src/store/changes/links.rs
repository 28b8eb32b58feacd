//! Links in mails. What several links of an account have to do with each other
//! is locked in one order: the changes of its address, its links, its password.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    idempotency,
    outbox::{Event, Origin},
    status::Error,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Engine, FactorStatements as _, Transaction, api_keys::end_keys, end_all, events::AboutAccount,
};
use crate::{
    api_key::Owner,
    link::{ChangeState, EmailChange, Link, LinkHash, Purpose, Undo},
    link_request::{LinkRequest, Reply},
    session::EndReason,
    store::{LinkStore, RegistrationKey},
};

/// Who asks by links for something else than an undone change.
const ALL_BUT_UNDO: [Purpose; 4] = [
    Purpose::VerifyEmail,
    Purpose::ConfirmEmail,
    Purpose::ResetPassword,
    Purpose::SetPassword,
];

/// The statements about links.
#[async_trait]
pub(in crate::store) trait LinkStatements: Send {
    async fn insert_link_request(&mut self, request: &LinkRequest) -> Result<(), Error>;

    /// Whether it was there.
    async fn delete_link_request(&mut self, id: Uuid) -> Result<bool, Error>;

    /// Forgets what was asked for about another address of an account.
    async fn forget_new_emails(&mut self, user_id: Uuid) -> Result<(), Error>;

    async fn insert_email_change(&mut self, change: &EmailChange) -> Result<(), Error>;

    /// The change; nobody else changes it from now on.
    async fn lock_email_change(&mut self, id: Uuid) -> Result<Option<EmailChange>, Error>;

    /// Supersedes the changes of an account that are pending, but for one.
    async fn supersede_email_changes(&mut self, user_id: Uuid, but: Uuid) -> Result<(), Error>;

    /// Whether it was pending.
    async fn confirm_email_change(&mut self, id: Uuid) -> Result<bool, Error>;

    /// Notes that the changes that were asked for from a moment on are undone.
    async fn undo_email_changes(&mut self, user_id: Uuid, since: Timestamp) -> Result<(), Error>;

    /// Nobody else takes a link of this account from now on.
    async fn lock_links(&mut self, user_id: Uuid) -> Result<(), Error>;

    async fn insert_link(&mut self, link: &Link) -> Result<(), Error>;

    /// Whether it was there.
    async fn delete_link(&mut self, hash: LinkHash) -> Result<bool, Error>;

    /// Forgets the links of an account for a purpose.
    async fn forget_links(&mut self, user_id: Uuid, purpose: Purpose) -> Result<(), Error>;

    /// Forgets the links of an account that undo changes: those to an address,
    /// and those about changes that were asked for from a moment on.
    async fn forget_undoing_links(
        &mut self,
        user_id: Uuid,
        email_key: &str,
        since: Timestamp,
    ) -> Result<(), Error>;

    /// Sets a password, confirmed, whether there was one or not.
    async fn set_password(&mut self, user_id: Uuid, hash: &str, at: Timestamp)
    -> Result<(), Error>;

    /// Forgets a password that was set from a moment on. Whether there was one.
    async fn forget_password(&mut self, user_id: Uuid, since: Timestamp) -> Result<bool, Error>;

    /// Forgets the passkeys that were added from a moment on.
    async fn forget_passkeys(&mut self, user_id: Uuid, since: Timestamp) -> Result<(), Error>;

    /// Revokes the API keys that were made from a moment on; which they are.
    async fn revoke_recent_keys(
        &mut self,
        user_id: Uuid,
        since: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<Uuid>, Error>;

    /// Begins an undo, in the place of another one of the account.
    async fn put_undo(&mut self, undo: &Undo, at: Timestamp) -> Result<(), Error>;

    /// Whether it was there.
    async fn delete_undo(&mut self, undo: &Undo) -> Result<bool, Error>;

    /// Forgets links that have expired, changes that nobody can undo, and
    /// requests that nobody waits for.
    async fn forget_old_links(&mut self, now: Timestamp) -> Result<(), Error>;
}

/// What is told of a change of an address that was asked for.
#[derive(Serialize)]
struct Asked<'a> {
    user_id: Uuid,
    email_change: ChangedEmail<'a>,
}

/// A change of an address, as it is told.
#[derive(Serialize)]
struct ChangedEmail<'a> {
    id: Uuid,
    old_email: &'a str,
    new_email: &'a str,
}

#[async_trait]
impl<E: Engine> LinkStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_link_request(&self, request: &LinkRequest) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.insert_link_request(request).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_account_request(
        &self,
        request: &LinkRequest,
        key: Option<&RegistrationKey>,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        if let Some(key) = key {
            let claim = transaction
                .claim(key, request.id, request.origin.at)
                .await?;
            if claim.fingerprint != key.fingerprint {
                return Err(idempotency::reused());
            }
            // Whatever becomes of it, the answer says nothing.
            if !transaction.answer_claim(key, b"").await? {
                return Ok(true);
            }
        }
        transaction.insert_link_request(request).await?;
        transaction.commit().await?;
        Ok(false)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn answer_link_request(&self, request: &LinkRequest, reply: &Reply) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        if !transaction.delete_link_request(request.id).await? {
            return Ok(());
        }
        let mut told = Vec::new();
        match reply {
            Reply::Nothing => {}
            Reply::NewPassword { user_id } => told.push(("password.reset_requested", *user_id)),
            Reply::Verification { user_id } => {
                told.push(("email.verification_requested", *user_id));
            }
            Reply::EmailTaken { holder } => told.push(("email.taken", *holder)),
            Reply::NewEmail { change, holder } => {
                let user_id = change.user_id;
                transaction
                    .supersede_email_changes(user_id, change.id)
                    .await?;
                transaction
                    .forget_links(user_id, Purpose::ConfirmEmail)
                    .await?;
                transaction.insert_email_change(change).await?;
                let asked = Asked {
                    user_id,
                    email_change: ChangedEmail {
                        id: change.id,
                        old_email: change.old_email.as_str(),
                        new_email: change.new_email.as_str(),
                    },
                };
                let event = Event::new("email.change_requested", user_id, &asked).on("user");
                transaction.append(&request.origin, event).await?;
                told.extend(holder.map(|holder| ("email.taken", holder)));
            }
        }
        for (kind, user_id) in told {
            let about = AboutAccount::of(user_id);
            transaction
                .append(&request.origin, about.event(kind))
                .await?;
        }
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_link(&self, link: &Link, now: Timestamp) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        if let Some(id) = link.aim.change_id {
            let change = transaction.lock_email_change(id).await?;
            if !change.is_some_and(|change| change.allows(link.aim.purpose, now)) {
                return Ok(false);
            }
        }
        transaction.insert_link(link).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn take_verification(&self, link: &Link) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        transaction.lock_links(link.aim.user_id).await?;
        if !transaction.delete_link(link.hash).await? {
            return Ok(false);
        }
        transaction
            .forget_links(link.aim.user_id, Purpose::VerifyEmail)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn take_confirmation(&self, link: &Link) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let (user_id, change_id) = (link.aim.user_id, link.aim.change_id.unwrap_or_default());
        transaction
            .supersede_email_changes(user_id, change_id)
            .await?;
        let is_confirmed = transaction.confirm_email_change(change_id).await?;
        transaction.lock_links(user_id).await?;
        if !is_confirmed || !transaction.delete_link(link.hash).await? {
            return Ok(false);
        }
        for purpose in ALL_BUT_UNDO {
            transaction.forget_links(user_id, purpose).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn reset_password(
        &self,
        link: &Link,
        password_hash: &str,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let user_id = link.aim.user_id;
        let mut transaction = self.begin().await?;
        transaction
            .supersede_email_changes(user_id, Uuid::nil())
            .await?;
        transaction.lock_links(user_id).await?;
        if !transaction.delete_link(link.hash).await? {
            return Ok(false);
        }
        for purpose in ALL_BUT_UNDO {
            transaction.forget_links(user_id, purpose).await?;
        }
        transaction
            .set_password(user_id, password_hash, origin.at)
            .await?;
        let reason = EndReason::PasswordChanged;
        end_all(self, &mut transaction, user_id, reason, origin).await?;
        let about = AboutAccount::of(user_id);
        transaction
            .append(origin, about.event("password.changed").word("by", "link"))
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn begin_undo(&self, link: &Link, origin: &Origin) -> Result<Option<Undo>, Error> {
        let user_id = link.aim.user_id;
        let mut transaction = self.begin().await?;
        let change_id = link.aim.change_id.unwrap_or_default();
        let change = transaction.lock_email_change(change_id).await?;
        let undone = change.filter(|change| change.state != ChangeState::Undone);
        let Some(since) = undone.map(|change| change.requested_at) else {
            return Ok(None);
        };
        transaction.undo_email_changes(user_id, since).await?;
        transaction.lock_links(user_id).await?;
        if !transaction.delete_link(link.hash).await? {
            return Ok(None);
        }
        for purpose in ALL_BUT_UNDO {
            transaction.forget_links(user_id, purpose).await?;
        }
        let email = link.aim.email.clone();
        transaction
            .forget_undoing_links(user_id, &email.key(), since)
            .await?;
        transaction.forget_new_emails(user_id).await?;
        transaction.lock_factors(user_id).await?;
        let undo = Undo {
            id: change_id,
            user_id,
            email,
            needs_password: transaction.forget_password(user_id, since).await?,
        };
        forget_factors(&mut transaction, user_id, since).await?;
        let keys = transaction
            .revoke_recent_keys(user_id, since, origin.at)
            .await?;
        let owner = Owner::Person(user_id);
        end_keys(self, &mut transaction, owner, &keys, origin).await?;
        transaction.put_undo(&undo, origin.at).await?;
        let reason = EndReason::EmailChangeUndone;
        end_all(self, &mut transaction, user_id, reason, origin).await?;
        let about = AboutAccount::of(user_id);
        transaction
            .append(origin, about.event("email.change_undone"))
            .await?;
        transaction.commit().await?;
        Ok(Some(undo))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn finish_undo(&self, undo: &Undo, origin: &Origin) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        if !transaction.delete_undo(undo).await? {
            return Ok(());
        }
        if undo.needs_password {
            let about = AboutAccount::of(undo.user_id);
            transaction
                .append(origin, about.event("password.reset_requested"))
                .await?;
        }
        transaction.commit().await
    }
}

/// Forgets by what somebody proves itself since a moment: a passkey, and an
/// authenticator with its recovery codes.
async fn forget_factors(
    transaction: &mut impl Transaction,
    user_id: Uuid,
    since: Timestamp,
) -> Result<(), Error> {
    let totp = transaction.read_factors(user_id).await?.totp;
    let is_recent = |confirmed_at: Option<Timestamp>| confirmed_at.is_none_or(|at| at >= since);
    if totp.is_some_and(|totp| is_recent(totp.confirmed_at)) {
        transaction.delete_factors(user_id).await?;
    }
    transaction.forget_passkeys(user_id, since).await?;
    transaction.delete_challenges(user_id).await
}
