//! API keys, and service accounts.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    idempotency::{Created, IdempotencyKey},
    outbox::{Changes, Event, Origin},
    status::Error,
    token::{KeyHash, Revoked},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Engine, Transaction, revoke};
use crate::{
    api_key::{ApiKey, Holder, MOST_KEYS, Owner, REMEMBERED, ServiceAccount},
    error,
    store::ApiKeyStore,
};

/// The statements about API keys.
#[async_trait]
pub(in crate::store) trait ApiKeyStatements: Send {
    async fn claim_once<T: DeserializeOwned>(
        &mut self,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Option<T>, Error>;

    async fn keep_answer<T: Serialize + Sync>(
        &mut self,
        key: Option<&IdempotencyKey>,
        answer: &T,
    ) -> Result<(), Error>;

    async fn count_api_keys(&mut self, owner: Owner) -> Result<i64, Error>;

    async fn insert_api_key(&mut self, key: &ApiKey, hash: KeyHash) -> Result<(), Error>;

    /// Whether it was there.
    async fn revoke_api_key(
        &mut self,
        owner: Owner,
        id: Uuid,
        at: Timestamp,
        forget_at: Timestamp,
    ) -> Result<bool, Error>;

    /// The keys that are revoked now.
    async fn revoke_api_keys(
        &mut self,
        owner: Owner,
        at: Timestamp,
        forget_at: Timestamp,
    ) -> Result<Vec<Uuid>, Error>;

    async fn note_key_use(&mut self, id: Uuid, now: Timestamp) -> Result<(), Error>;

    async fn keep_holder(&mut self, holder: &Holder) -> Result<(), Error>;

    /// Changes what is kept of a person, if anything is.
    async fn update_holder(&mut self, holder: &Holder) -> Result<(), Error>;

    async fn insert_service_account(&mut self, account: &ServiceAccount) -> Result<(), Error>;

    /// Whether the account is there. Nobody deletes it from now on.
    async fn hold_service_account(&mut self, id: Uuid) -> Result<bool, Error>;

    /// Whether it was there.
    async fn delete_service_account(&mut self, id: Uuid, at: Timestamp) -> Result<bool, Error>;
}

/// What is told of a key; of a new one the rest of it too.
#[derive(Serialize)]
struct AboutKey<'a> {
    key_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(flatten)]
    new: Option<NewKey<'a>>,
}

#[derive(Serialize)]
struct NewKey<'a> {
    name: &'a str,
    prefix: &'a str,
    scopes: Vec<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl<'a> AboutKey<'a> {
    fn of(owner: Owner, key_id: Uuid) -> Self {
        let user_id = match owner {
            Owner::Person(id) => Some(id),
            Owner::ServiceAccount(_) => None,
        };
        Self {
            key_id,
            user_id,
            new: None,
        }
    }

    fn of_new(key: &'a ApiKey) -> Self {
        Self {
            new: Some(NewKey {
                name: &key.name,
                prefix: &key.prefix,
                scopes: key.scopes.names(),
                created_at: key.created_at,
                expires_at: key.expires_at,
            }),
            ..Self::of(key.owner, key.id)
        }
    }

    fn event(&self, kind: &'static str, owner: Owner) -> Event<'_, Self> {
        let event = Event::new(kind, self.key_id, self);
        match owner {
            Owner::Person(id) => event.id("userId", id),
            Owner::ServiceAccount(id) => event.id("serviceAccountId", id),
        }
    }
}

/// Nothing more is told of a service account than that something happened to it.
#[derive(Serialize)]
struct AboutServiceAccount {}

#[async_trait]
impl<E: Engine> ApiKeyStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_api_key(
        &self,
        key: &ApiKey,
        hash: KeyHash,
        holder: Option<&Holder>,
        once: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<ApiKey>, Error> {
        let mut transaction = self.begin().await?;
        if let Some(answer) = transaction.claim_once(once, origin.at).await? {
            return Ok(Created::Replayed(answer));
        }
        if let Owner::ServiceAccount(id) = key.owner
            && !transaction.hold_service_account(id).await?
        {
            return Err(error::service_account_not_found());
        }
        // Before the keys are counted, so that of two at once the second waits.
        if let Some(holder) = holder {
            transaction.keep_holder(holder).await?;
        }
        if transaction.count_api_keys(key.owner).await? >= MOST_KEYS {
            return Err(error::too_many_api_keys());
        }
        transaction.insert_api_key(key, hash).await?;
        let scopes = Changes::default().value("scopes", &None, &Some(&key.scopes));
        let about = AboutKey::of_new(key);
        let event = about.event("api_key.created", key.owner).with(scopes);
        transaction.append(origin, event).await?;
        transaction.keep_answer(once, key).await?;
        transaction.commit().await?;
        Ok(Created::New(key.clone()))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn revoke_api_key(&self, owner: Owner, id: Uuid, origin: &Origin) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let forget_at = origin.at + REMEMBERED;
        let was_there = transaction
            .revoke_api_key(owner, id, origin.at, forget_at)
            .await?;
        if was_there {
            end_keys(self, &mut transaction, owner, &[id], origin).await?;
        }
        transaction.commit().await?;
        Ok(was_there)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn update_holder(&self, holder: &Holder) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.update_holder(holder).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn note_key_use(&self, id: Uuid, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        transaction.note_key_use(id, now).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn add_service_account(
        &self,
        account: &ServiceAccount,
        once: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<ServiceAccount>, Error> {
        let mut transaction = self.begin().await?;
        if let Some(answer) = transaction.claim_once(once, origin.at).await? {
            return Ok(Created::Replayed(answer));
        }
        transaction.insert_service_account(account).await?;
        let event = Event::new(
            "service_account.created",
            account.id,
            &AboutServiceAccount {},
        );
        transaction.append(origin, event).await?;
        transaction.keep_answer(once, account).await?;
        transaction.commit().await?;
        Ok(Created::New(account.clone()))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn delete_service_account(&self, id: Uuid, origin: &Origin) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        if !transaction.delete_service_account(id, origin.at).await? {
            return Ok(false);
        }
        let (owner, forget_at) = (Owner::ServiceAccount(id), origin.at + REMEMBERED);
        let revoked = transaction
            .revoke_api_keys(owner, origin.at, forget_at)
            .await?;
        end_keys(self, &mut transaction, owner, &revoked, origin).await?;
        let event = Event::new("service_account.deleted", id, &AboutServiceAccount {});
        transaction.append(origin, event).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Revokes the tokens of keys that are revoked, and tells of it.
pub(super) async fn end_keys<E: Engine>(
    engine: &E,
    transaction: &mut E::Transaction,
    owner: Owner,
    ids: &[Uuid],
    origin: &Origin,
) -> Result<(), Error> {
    for &id in ids {
        revoke(engine, transaction, Revoked::Session(id), origin.at).await?;
        let about = AboutKey::of(owner, id);
        let event = about.event("api_key.revoked", owner);
        transaction.append(origin, event).await?;
    }
    Ok(())
}
