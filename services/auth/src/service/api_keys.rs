//! The RPCs about people's API keys.

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    idempotency::{Created, IdempotencyKey, respond},
    page::{Bookmark, Paging, SortKey},
    status::{Error, Violations},
};
use portico_proto::{
    auth::{self as proto, api_keys_service_server::ApiKeysService},
    users::user::{Role, Status},
    wkt::Timestamp as WireTimestamp,
};
use tonic::{Request, Response, Status as Failure};

use super::rules_of;
use crate::{
    accounts::{Accounts, id_of},
    api_key::{self, ApiKey, Holder, NewKey, Owner, Scopes},
    convert, error,
};

#[tonic::async_trait]
impl ApiKeysService for Accounts {
    async fn create_api_key(
        &self,
        request: Request<proto::CreateApiKeyRequest>,
    ) -> Result<Response<proto::CreateApiKeyResponse>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        let request = request.into_inner();
        let once = IdempotencyKey::of(&call, "CreateApiKey", &request)?;
        let violations = rules_of(&request);
        let new = self.new_key(
            violations,
            &request.name,
            &request.scopes,
            request.expires_at,
        )?;
        self.be_fresh(&call).await?;
        let holder = self.holder(&call, user_id).await?;
        let owner = Owner::Person(user_id);
        let response = self
            .make_key(&call, new, owner, Some(&holder), once.as_ref())
            .await?;
        // What is told of the person may have changed before the key was there
        // for the change to be noted with it.
        let holder = self.holder(&call, user_id).await?;
        self.store().update_holder(&holder).await?;
        Ok(response)
    }

    async fn list_api_keys(
        &self,
        request: Request<proto::ListApiKeysRequest>,
    ) -> Result<Response<proto::ListApiKeysResponse>, Failure> {
        let call = Call::of(&request)?;
        let owner = Owner::Person(call.user()?.id);
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &("api keys", owner),
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let page = self.store().api_keys(owner, &paging).await?;
        let info = page.info(&paging, bookmark);
        Ok(Response::new(proto::ListApiKeysResponse {
            api_keys: page.items.iter().map(convert::api_key).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn delete_api_key(
        &self,
        request: Request<proto::DeleteApiKeyRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let owner = Owner::Person(call.user()?.id);
        self.revoke_key(&call, owner, &request.get_ref().id).await?;
        Ok(Response::new(()))
    }
}

impl Accounts {
    /// The key that is asked for, unless a field is at fault.
    pub(super) fn new_key(
        &self,
        mut violations: Violations,
        name: &str,
        scopes: &[String],
        expires_at: Option<WireTimestamp>,
    ) -> Result<NewKey, Error> {
        let name = violations.take("name", api_key::parse_line(name));
        let scopes = Scopes::parse(scopes, &mut violations);
        let expires_at = api_key::parse_expiry(expires_at.map(Into::into), self.now());
        let expires_at = violations.take("expiresAt", expires_at);
        violations.finish()?;
        let (Some(name), Some(expires_at)) = (name, expires_at) else {
            return Err(Error::internal("a refused value left no violation"));
        };
        Ok(NewKey {
            name,
            scopes,
            expires_at,
        })
    }

    /// Makes a key; a replay has no secret.
    pub(super) async fn make_key(
        &self,
        call: &Call,
        new: NewKey,
        owner: Owner,
        holder: Option<&Holder>,
        once: Option<&IdempotencyKey>,
    ) -> Result<Response<proto::CreateApiKeyResponse>, Error> {
        let origin = call.origin(self.now());
        let (key, secret) = new.make(owner, origin.at);
        let created = self
            .store()
            .add_api_key(&key, secret.hash, holder, once, &origin)
            .await?;
        let message = proto::CreateApiKeyResponse {
            api_key: Some(convert::api_key(created.value())),
            secret: match &created {
                Created::New(_) => Some(secret.text),
                Created::Replayed(_) => None,
            },
        };
        Ok(respond(message, created.is_replayed()))
    }

    /// Revokes a key of an owner.
    pub(super) async fn revoke_key(
        &self,
        call: &Call,
        owner: Owner,
        id: &str,
    ) -> Result<(), Error> {
        let id = parse_id(id).ok_or_else(error::api_key_not_found)?;
        let origin = call.origin(self.now());
        if !self.store().revoke_api_key(owner, id, &origin).await? {
            return Err(error::api_key_not_found());
        }
        self.0.tokens.0.feed.wake();
        Ok(())
    }

    /// What the tokens of a person's keys tell of the person, as it is now.
    async fn holder(&self, call: &Call, user_id: uuid::Uuid) -> Result<Holder, Error> {
        let person = self.0.peers.person(call, user_id).await?;
        holder_of(&person.ok_or_else(error::user_not_found)?)
    }
}

/// What the tokens of a person's keys tell of the person.
pub(crate) fn holder_of(user: &portico_proto::users::User) -> Result<Holder, Error> {
    Ok(Holder {
        user_id: id_of(user)?,
        email: user.email.clone(),
        is_admin: user.role() == Role::Admin,
        is_active: user.status() == Status::Active,
    })
}

/// The place of a key in a list.
pub(super) fn bookmark(key: &ApiKey) -> Bookmark {
    Bookmark {
        key: SortKey::Time(key.created_at),
        id: key.id,
    }
}
