//! Keeps API keys, and the service accounts that have them.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    idempotency::{Created, IdempotencyKey},
    outbox::Origin,
    page::{Page, Paging},
    status::Error,
    token::KeyHash,
};
use uuid::Uuid;

use crate::api_key::{ApiKey, Holder, Owner, ServiceAccount, ShownKey};

/// Reads keys and service accounts. What was revoked or deleted is in no list.
#[async_trait]
pub(crate) trait ApiKeyQueries: Send + Sync {
    /// A page of somebody's keys, the newest first; ties are broken by id. One
    /// that has expired is among them.
    async fn api_keys(&self, owner: Owner, paging: &Paging) -> Result<Page<ApiKey>, Error>;

    /// The key with a hash, with what is known of its owner. One that was
    /// revoked is found for 30 days more.
    async fn shown_key(&self, hash: KeyHash) -> Result<Option<ShownKey>, Error>;

    /// A page of the service accounts, the newest first; ties are broken by id.
    async fn service_accounts(&self, paging: &Paging) -> Result<Page<ServiceAccount>, Error>;

    /// The service account with an id.
    async fn service_account(&self, id: Uuid) -> Result<Option<ServiceAccount>, Error>;

    /// Those of these service accounts that there are or were.
    async fn named_service_accounts(&self, ids: &[Uuid]) -> Result<Vec<ServiceAccount>, Error>;
}

/// Keeps the keys.
#[async_trait]
pub(crate) trait ApiKeyStore: Send + Sync {
    /// Keeps a key and, of a person's, what its tokens tell of the person. Under
    /// an idempotency key that was used before, it is the key that was made
    /// then. More than 100 of one owner are `TOO_MANY_API_KEYS`; one of a
    /// service account that is not there is `SERVICE_ACCOUNT_NOT_FOUND`.
    async fn add_api_key(
        &self,
        key: &ApiKey,
        hash: KeyHash,
        holder: Option<&Holder>,
        once: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<ApiKey>, Error>;

    /// Revokes a key of this owner and its tokens. Whether it was there.
    async fn revoke_api_key(&self, owner: Owner, id: Uuid, origin: &Origin) -> Result<bool, Error>;

    /// Notes what the tokens of a person's keys tell from now on. Of a person
    /// who never had one, nothing is noted.
    async fn update_holder(&self, holder: &Holder) -> Result<(), Error>;

    /// Notes that a key was used.
    async fn note_key_use(&self, id: Uuid, now: Timestamp) -> Result<(), Error>;

    /// Keeps a service account; under an idempotency key that was used before,
    /// it is the one that was made then.
    async fn add_service_account(
        &self,
        account: &ServiceAccount,
        once: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<ServiceAccount>, Error>;

    /// Deletes a service account, and revokes its keys and their tokens.
    /// Whether it was there.
    async fn delete_service_account(&self, id: Uuid, origin: &Origin) -> Result<bool, Error>;
}
