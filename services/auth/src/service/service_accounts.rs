//! The RPCs about service accounts.

use portico_chassis::{
    caller::Call,
    clock::{new_id, parse_id},
    idempotency::{IdempotencyKey, respond},
    page::{Bookmark, Paging, SortKey},
    status::Error,
};
use portico_proto::auth::{self as proto, service_accounts_service_server::ServiceAccountsService};
use tonic::{Request, Response, Status as Failure};
use uuid::Uuid;

use super::{api_keys, rules_of};
use crate::{
    accounts::Accounts,
    api_key::{self, Owner, ServiceAccount},
    convert, error,
};

#[tonic::async_trait]
impl ServiceAccountsService for Accounts {
    async fn create_service_account(
        &self,
        request: Request<proto::CreateServiceAccountRequest>,
    ) -> Result<Response<proto::ServiceAccount>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let once = IdempotencyKey::of(&call, "CreateServiceAccount", &request)?;
        let mut violations = rules_of(&request);
        let name = violations.take("name", api_key::parse_line(&request.name));
        violations.finish()?;
        let name = name.ok_or_else(|| Error::internal("a refused value left no violation"))?;
        self.be_fresh(&call).await?;
        let origin = call.origin(self.now());
        let account = ServiceAccount {
            id: new_id(origin.at),
            name,
            created_at: origin.at,
        };
        let created = self
            .store()
            .add_service_account(&account, once.as_ref(), &origin)
            .await?;
        let message = convert::service_account(created.value());
        Ok(respond(message, created.is_replayed()))
    }

    async fn list_service_accounts(
        &self,
        request: Request<proto::ListServiceAccountsRequest>,
    ) -> Result<Response<proto::ListServiceAccountsResponse>, Failure> {
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &"service accounts",
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let page = self.store().service_accounts(&paging).await?;
        let info = page.info(&paging, bookmark);
        let accounts = page.items.iter();
        Ok(Response::new(proto::ListServiceAccountsResponse {
            service_accounts: accounts.map(convert::service_account).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn delete_service_account(
        &self,
        request: Request<proto::DeleteServiceAccountRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let id = account_id(&request.get_ref().id)?;
        let origin = call.origin(self.now());
        if !self.store().delete_service_account(id, &origin).await? {
            return Err(error::service_account_not_found().into());
        }
        self.0.tokens.0.feed.wake();
        Ok(Response::new(()))
    }

    async fn create_service_account_key(
        &self,
        request: Request<proto::CreateServiceAccountKeyRequest>,
    ) -> Result<Response<proto::CreateApiKeyResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let once = IdempotencyKey::of(&call, "CreateServiceAccountKey", &request)?;
        let violations = rules_of(&request);
        let new = self.new_key(
            violations,
            &request.name,
            &request.scopes,
            request.expires_at,
        )?;
        let owner = self.account(&request.service_account_id).await?;
        self.be_fresh(&call).await?;
        Ok(self
            .make_key(&call, new, owner, None, once.as_ref())
            .await?)
    }

    async fn list_service_account_keys(
        &self,
        request: Request<proto::ListServiceAccountKeysRequest>,
    ) -> Result<Response<proto::ListServiceAccountKeysResponse>, Failure> {
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &("service account keys", &request.service_account_id),
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let owner = self.account(&request.service_account_id).await?;
        let page = self.store().api_keys(owner, &paging).await?;
        let info = page.info(&paging, api_keys::bookmark);
        Ok(Response::new(proto::ListServiceAccountKeysResponse {
            api_keys: page.items.iter().map(convert::api_key).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn delete_service_account_key(
        &self,
        request: Request<proto::DeleteServiceAccountKeyRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        let owner = self.account(&request.service_account_id).await?;
        self.revoke_key(&call, owner, &request.id).await?;
        Ok(Response::new(()))
    }
}

impl Accounts {
    /// The service account with an id, as the owner of keys.
    async fn account(&self, id: &str) -> Result<Owner, Error> {
        let found = self.store().service_account(account_id(id)?).await?;
        let found = found.ok_or_else(error::service_account_not_found)?;
        Ok(Owner::ServiceAccount(found.id))
    }
}

fn account_id(id: &str) -> Result<Uuid, Error> {
    parse_id(id).ok_or_else(error::service_account_not_found)
}

/// The place of a service account in the list.
fn bookmark(account: &ServiceAccount) -> Bookmark {
    Bookmark {
        key: SortKey::Time(account.created_at),
        id: account.id,
    }
}
