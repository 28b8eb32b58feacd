//! What is kept of links in mails.

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, outbox::Origin, status::Error};
use uuid::Uuid;

use super::RegistrationKey;
use crate::{
    link::{EmailChange, Link, LinkHash, Undo},
    link_request::{LinkRequest, Reply},
};

/// Reads what is kept of links.
#[async_trait]
pub(crate) trait LinkQueries: Send + Sync {
    /// The requests that wait for an answer, oldest first, at most 100.
    async fn link_requests(&self) -> Result<Vec<LinkRequest>, Error>;

    /// The link with a token. One that has expired is not there.
    async fn link(&self, hash: LinkHash, now: Timestamp) -> Result<Option<Link>, Error>;

    /// A change of an address.
    async fn email_change(&self, id: Uuid) -> Result<Option<EmailChange>, Error>;

    /// The addresses that accounts are to get back and may not have yet, as of
    /// those that were asked for before a moment.
    async fn undos(&self, before: Timestamp) -> Result<Vec<Undo>, Error>;

    /// The address that an account is to get back.
    async fn undo(&self, user_id: Uuid) -> Result<Option<Undo>, Error>;
}

/// Keeps requests, links, and changes of addresses.
#[async_trait]
pub(crate) trait LinkStore: Send + Sync {
    /// Keeps a request.
    async fn add_link_request(&self, request: &LinkRequest) -> Result<(), Error>;

    /// Keeps the request for an account, once for each key: whether it was kept
    /// before. The key with another fingerprint is `IDEMPOTENCY_KEY_REUSED`.
    async fn add_account_request(
        &self,
        request: &LinkRequest,
        key: Option<&RegistrationKey>,
    ) -> Result<bool, Error>;

    /// Answers a request, which is gone then. Of many at once, one answers; the
    /// others change nothing. A change of an address supersedes the one that
    /// was pending.
    async fn answer_link_request(&self, request: &LinkRequest, reply: &Reply) -> Result<(), Error>;

    /// Keeps a link. Whether it was kept: not if the change that it is about is
    /// not there or does not allow it any more, also if that changes at this
    /// moment.
    async fn add_link(&self, link: &Link, now: Timestamp) -> Result<bool, Error>;

    /// Takes a link by which an address was verified, and with it the others
    /// of the account that do the same. Whether it was there: of many at once,
    /// one gets it.
    async fn take_verification(&self, link: &Link) -> Result<bool, Error>;

    /// Takes a link by which a new address was confirmed. The change is
    /// confirmed, and every other link of the account is gone but for those
    /// that undo changes. Whether it was there: of many at once, one gets it.
    async fn take_confirmation(&self, link: &Link) -> Result<bool, Error>;

    /// Takes a link and sets the password by it, confirmed, whether there was
    /// one or not. All sessions end, a pending change of the address is
    /// superseded, and every other link is gone but for those that undo changes.
    /// Whether the link was there: of many at once, one gets it.
    async fn reset_password(
        &self,
        link: &Link,
        password_hash: &str,
        origin: &Origin,
    ) -> Result<bool, Error>;

    /// Takes a link that undoes a change, and begins to undo it and all that
    /// were asked for after it. All sessions end; a password, an authenticator
    /// and passkeys that came since the change was asked for are forgotten, API
    /// keys that were made since are revoked; and every link is gone but for those that undo older changes from another
    /// address. Nothing, if the link was not there: of many at once, one gets
    /// it.
    async fn begin_undo(&self, link: &Link, origin: &Origin) -> Result<Option<Undo>, Error>;

    /// Ends what [`LinkStore::begin_undo`] began. Ending it again changes
    /// nothing, nor if another one began in the meantime.
    async fn finish_undo(&self, undo: &Undo, origin: &Origin) -> Result<(), Error>;
}
