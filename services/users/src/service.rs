//! The RPCs: convert, authorise, one call to the store.

use std::sync::Arc;

use portico_chassis::{
    caller::Call,
    clock::{Clock, parse_id},
    email_address::EmailAddress,
    outbox::{Actor, EventStream, Origin, Outbox},
    page::{Bookmark, Paging, Search, Sort, SortKey},
    status::{Error, Violations},
};
use portico_proto::{
    Validate,
    events::{ReadAuditEntriesRequest, ReadAuditEntriesResponse, WatchEventsRequest},
    users::{self as proto, users_service_server::UsersService},
};
use tonic::{Request, Response, Status as Failure};

use crate::{
    convert, error,
    events::Events,
    policy,
    store::{Column, Filter, Store},
    user::{Address, Change, Name, Role, Status, User},
};

pub(crate) struct Service {
    store: Arc<dyn Store>,
    outbox: Outbox,
    clock: Clock,
}

impl Service {
    pub(crate) fn new(store: Arc<dyn Store>, outbox: Outbox, clock: Clock) -> Self {
        Self {
            store,
            outbox,
            clock,
        }
    }
}

/// The violations of the contract's own rules.
fn check(request: &impl Validate) -> Violations {
    Violations::collect(|report| request.validate(report))
}

#[tonic::async_trait]
impl UsersService for Service {
    async fn list_users(
        &self,
        request: Request<proto::ListUsersRequest>,
    ) -> Result<Response<proto::ListUsersResponse>, Failure> {
        let request = request.into_inner();
        let mut violations = check(&request);
        let filter = Filter {
            search: request.q.as_deref().and_then(Search::new),
            role: request.role.and_then(convert::role),
            status: request.status.and_then(convert::status),
        };
        let newest = Sort {
            column: Column::CreatedAt,
            is_descending: true,
        };
        let sort = Sort::parse(request.sort.as_deref(), newest, Column::parse);
        let sort = violations.take("sort", sort).unwrap_or(newest);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &(&filter, sort),
        );
        paging.check_place(&mut violations, sort.column.is_text());
        violations.finish()?;
        let page = self.store.list(&filter, sort, &paging).await?;
        let info = page.info(&paging, |user| bookmark(user, sort.column));
        Ok(Response::new(proto::ListUsersResponse {
            users: page.items.iter().map(convert::user).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn get_user(
        &self,
        request: Request<proto::GetUserRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let call = Call::of(&request)?;
        let id = parse_id(&request.get_ref().id).ok_or_else(error::not_found)?;
        policy::see(&call.caller, id)?;
        let user = self.store.get(id).await?.ok_or_else(error::not_found)?;
        Ok(Response::new(convert::user(&user)))
    }

    async fn update_user(
        &self,
        request: Request<proto::UpdateUserRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let mut violations = check(&request);
        let change = convert::change(&request, &mut violations);
        violations.finish()?;
        let id = parse_id(&request.id).ok_or_else(error::not_found)?;
        policy::change(&call.caller, id, &change)?;
        let origin = call.origin(self.clock.now());
        let user = self
            .store
            .update(id, &change, &call.if_match, &origin)
            .await?;
        Ok(Response::new(convert::user(&user)))
    }

    async fn restore_user(
        &self,
        request: Request<proto::RestoreUserRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let call = Call::of(&request)?;
        let id = parse_id(&request.get_ref().id).ok_or_else(error::not_found)?;
        let origin = call.origin(self.clock.now());
        let user = self.store.restore(id, &origin).await?;
        Ok(Response::new(convert::user(&user)))
    }

    async fn batch_get_users(
        &self,
        request: Request<proto::BatchGetUsersRequest>,
    ) -> Result<Response<proto::BatchGetUsersResponse>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        let ids: Vec<_> = request.ids.iter().filter_map(|id| parse_id(id)).collect();
        let users = self.store.batch_get(&ids).await?;
        let is_found = |id: &String| users.iter().any(|user| user.id.to_string() == *id);
        let missing_ids = request.ids.into_iter().filter(|id| !is_found(id)).collect();
        Ok(Response::new(proto::BatchGetUsersResponse {
            users: users.iter().map(convert::user).collect(),
            missing_ids,
        }))
    }

    async fn lookup_user(
        &self,
        request: Request<proto::LookupUserRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        // What is no address belongs to nobody.
        let email = EmailAddress::parse(&request.email).map_err(|_| error::not_found())?;
        let user = self
            .store
            .lookup(&email)
            .await?
            .ok_or_else(error::not_found)?;
        Ok(Response::new(convert::user(&user)))
    }

    async fn create_user(
        &self,
        request: Request<proto::CreateUserRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let call = Call::of(&request)?;
        let origin = call.origin(self.clock.now());
        let request = request.into_inner();
        let mut violations = check(&request);
        let id = parse_id(&request.id).ok_or_else(|| ("NOT_ALLOWED", "must be a UUID".to_owned()));
        let id = violations.take("id", id);
        let email = violations.take("email", EmailAddress::parse(&request.email));
        let name = violations.take("name", Name::parse(&request.name));
        let made_at = convert::made_at(&request, origin.at);
        let made_at = violations.take("createdAt", made_at);
        violations.finish()?;
        let (Some(id), Some(email), Some(name), Some(made_at)) = (id, email, name, made_at) else {
            return Err(Error::internal("a refused value left no violation").into());
        };
        let user = User {
            id,
            email,
            name,
            avatar: None,
            role: request.role.and_then(convert::role).unwrap_or(Role::Member),
            status: Status::Active,
            email_verified: request.email_verified,
            version: 1,
            created_at: made_at,
            updated_at: origin.at,
            deleted_at: None,
        };
        if request.validate_only {
            return Ok(Response::new(convert::user(&user)));
        }
        let actor = match request.by_itself {
            true => Actor::User(id),
            false => origin.actor,
        };
        let origin = Origin { actor, ..origin };
        let user = match request.imported {
            true => self.store.import(&user, &origin).await?,
            false => self.store.create(&user, &origin).await?,
        };
        Ok(Response::new(convert::user(&user)))
    }

    async fn promote_user(
        &self,
        request: Request<proto::PromoteUserRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        check(&request).finish()?;
        let id = parse_id(&request.id).ok_or_else(error::not_found)?;
        let promotion = Change {
            role: Some(Role::Admin),
            ..Change::default()
        };
        let origin = call.origin(self.clock.now());
        let user = self
            .store
            .update(id, &promotion, &call.if_match, &origin)
            .await?;
        Ok(Response::new(convert::user(&user)))
    }

    async fn export_person(
        &self,
        request: Request<proto::ExportPersonRequest>,
    ) -> Result<Response<proto::PersonData>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        let id = parse_id(&request.id).ok_or_else(error::not_found)?;
        let user = self.store.get(id).await?.ok_or_else(error::not_found)?;
        let reserved_emails = self.store.reserved(id, self.clock.now()).await?;
        Ok(Response::new(proto::PersonData {
            user: Some(convert::user(&user)),
            reserved_emails,
        }))
    }

    async fn set_user_email(
        &self,
        request: Request<proto::SetUserEmailRequest>,
    ) -> Result<Response<proto::User>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let mut violations = check(&request);
        let email = violations.take("email", EmailAddress::parse(&request.email));
        violations.finish()?;
        let email = email.ok_or_else(|| Error::internal("a refused value left no violation"))?;
        let id = parse_id(&request.id).ok_or_else(error::not_found)?;
        let address = Address {
            email,
            is_verified: request.email_verified,
            overrides_others: request.overrides_others,
        };
        let origin = Origin {
            actor: Actor::User(id),
            ..call.origin(self.clock.now())
        };
        let user = self
            .store
            .set_email(id, &address, &call.if_match, &origin)
            .await?;
        Ok(Response::new(convert::user(&user)))
    }

    async fn delete_user(
        &self,
        request: Request<proto::DeleteUserRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        check(&request).finish()?;
        let id = parse_id(&request.id).ok_or_else(error::not_found)?;
        let origin = call.origin(self.clock.now());
        if request.validate_only {
            self.store.check_delete(id, &call.if_match).await?;
        } else {
            self.store.delete(id, &call.if_match, &origin).await?;
        }
        Ok(Response::new(()))
    }

    type WatchEventsStream = EventStream;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<EventStream>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        let stream = self.outbox.watch(request, Arc::new(Events)).await?;
        Ok(Response::new(stream))
    }

    async fn read_audit_entries(
        &self,
        request: Request<ReadAuditEntriesRequest>,
    ) -> Result<Response<ReadAuditEntriesResponse>, Failure> {
        let request = request.into_inner();
        check(&request).finish()?;
        Ok(Response::new(self.outbox.audit(&request).await?))
    }
}

/// The place of a person in a list.
fn bookmark(user: &User, column: Column) -> Bookmark {
    let key = match column {
        Column::Name => SortKey::Text(user.name.sort_key()),
        Column::Email => SortKey::Text(user.email.key()),
        Column::CreatedAt => SortKey::Time(user.created_at),
        Column::UpdatedAt => SortKey::Time(user.updated_at),
    };
    Bookmark { key, id: user.id }
}
