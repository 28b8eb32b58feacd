//! The services that this one calls, and what it asks of them.

use portico_chassis::{
    caller::{Call, insert, metadata},
    clock::parse_id,
    email_address::EmailAddress,
    etag::IfMatch,
    status::{Error, Kind, Violation},
    upstream::Upstream,
};
use portico_proto::{
    projects::{self, projects_service_client::ProjectsServiceClient},
    users::{self, User, users_service_client::UsersServiceClient},
};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::{error, store::Deletion};

/// The services that auth calls.
#[derive(Clone)]
pub struct Peers {
    /// Who is there.
    pub users: UsersServiceClient<Upstream>,
    /// What people share.
    pub projects: ProjectsServiceClient<Upstream>,
}

impl Peers {
    /// The person with an address, deleted or not.
    pub(crate) async fn lookup(&self, call: &Call, email: &str) -> Result<Option<User>, Error> {
        let email = email.to_owned();
        let request = call.forward(users::LookupUserRequest { email });
        if_there(answer(self.users.clone().lookup_user(request).await))
    }

    /// The person with an id, deleted or not.
    pub(crate) async fn person(&self, call: &Call, id: Uuid) -> Result<Option<User>, Error> {
        let ids = vec![id.to_string()];
        let request = call.forward(users::BatchGetUsersRequest { ids });
        let found = answer(self.users.clone().batch_get_users(request).await)?;
        Ok(found.users.into_iter().next())
    }

    /// The people with these ids, at most 100, deleted or not.
    pub(crate) async fn people(&self, call: &Call, ids: Vec<String>) -> Result<Vec<User>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let request = call.forward(users::BatchGetUsersRequest { ids });
        let found = answer(self.users.clone().batch_get_users(request).await)?;
        Ok(found.users)
    }

    /// Those of these ids that belong to nobody.
    pub(crate) async fn missing(&self, call: &Call, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
        let ids = ids.iter().map(Uuid::to_string).collect();
        let request = call.forward(users::BatchGetUsersRequest { ids });
        let found = answer(self.users.clone().batch_get_users(request).await)?;
        Ok(found
            .missing_ids
            .iter()
            .filter_map(|id| parse_id(id))
            .collect())
    }

    /// The person who calls. Asked for by this service itself: a key that is good
    /// for somebody's account need not be good for people.
    pub(crate) async fn me(&self, call: &Call, id: Uuid) -> Result<User, Error> {
        let person = self.person(call, id).await?;
        person.ok_or_else(error::user_not_found)
    }

    /// The fields at fault of a person to be made.
    pub(crate) async fn check_create(
        &self,
        call: &Call,
        request: users::CreateUserRequest,
    ) -> Result<Vec<Violation>, Error> {
        let request = call.forward(users::CreateUserRequest {
            validate_only: true,
            ..request
        });
        match answer(self.users.clone().create_user(request).await) {
            Ok(_) => Ok(Vec::new()),
            Err(error) if error.reason == "VALIDATION_FAILED" => Ok(error.violations),
            Err(error) => Err(error),
        }
    }

    /// Makes a person; making the same one again returns it.
    pub(crate) async fn create(
        &self,
        call: &Call,
        request: users::CreateUserRequest,
    ) -> Result<User, Error> {
        let request = call.forward(request);
        answer(self.users.clone().create_user(request).await)
    }

    /// Makes a person an ADMIN.
    pub(crate) async fn promote(&self, call: &Call, id: String) -> Result<User, Error> {
        let request = call.forward(users::PromoteUserRequest { id });
        answer(self.users.clone().promote_user(request).await)
    }

    /// Gives a person an address that is known to be its own, if the person is
    /// still as it was read; `overrides_others` makes changes that were begun
    /// before fail.
    pub(crate) async fn set_email(
        &self,
        call: &Call,
        person: &User,
        email: &EmailAddress,
        overrides_others: bool,
    ) -> Result<User, Error> {
        let mut request = call.forward(users::SetUserEmailRequest {
            id: person.id.clone(),
            email: email.as_str().to_owned(),
            email_verified: true,
            overrides_others,
        });
        insert(request.metadata_mut(), metadata::IF_MATCH, &person.etag);
        answer(self.users.clone().set_user_email(request).await)
    }

    /// Nothing, if a person could be deleted now at the version that the
    /// caller expects.
    pub(crate) async fn check_delete(&self, call: &Call, id: Uuid) -> Result<(), Error> {
        let mut request = call.forward(users::DeleteUserRequest {
            id: id.to_string(),
            validate_only: true,
        });
        if let IfMatch::Versions(versions) = &call.if_match {
            let tags: Vec<String> = versions
                .iter()
                .map(|version| format!("{version}.0"))
                .collect();
            insert(request.metadata_mut(), metadata::IF_MATCH, &tags.join(","));
        }
        answer(self.users.clone().delete_user(request).await)
    }

    /// Deletes a person; one who is deleted stays so.
    pub(crate) async fn delete(&self, call: &Call, id: Uuid) -> Result<(), Error> {
        let request = call.forward(users::DeleteUserRequest {
            id: id.to_string(),
            validate_only: false,
        });
        if_there(answer(self.users.clone().delete_user(request).await))
            .map(Option::unwrap_or_default)
    }

    /// Nothing, if a person could leave all projects now.
    pub(crate) async fn check_release(&self, call: &Call, deletion: Deletion) -> Result<(), Error> {
        self.ask_release(call, deletion, true).await
    }

    /// Takes a person out of all projects.
    pub(crate) async fn release(&self, call: &Call, deletion: Deletion) -> Result<(), Error> {
        self.ask_release(call, deletion, false).await
    }

    async fn ask_release(
        &self,
        call: &Call,
        deletion: Deletion,
        validate_only: bool,
    ) -> Result<(), Error> {
        let request = call.forward(projects::ReleaseUserRequest {
            user_id: deletion.user_id.to_string(),
            validate_only,
            heir_id: deletion.heir_id.map(|id| id.to_string()),
        });
        match answer(self.projects.clone().release_user(request).await) {
            Err(error) if error.reason == "USER_NOT_FOUND" => Err(error::new_owner_not_found()),
            answered => answered,
        }
    }
}

/// Whether the failure of a call leaves open what the peer did.
pub(crate) fn is_open(error: &Error) -> bool {
    matches!(
        error.kind,
        Kind::Internal | Kind::Unavailable | Kind::DeadlineExceeded
    )
}

pub(crate) fn answer<T>(answered: Result<Response<T>, Status>) -> Result<T, Error> {
    match answered {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(Error::from_status(&status)),
    }
}

fn if_there<T>(answered: Result<T, Error>) -> Result<Option<T>, Error> {
    match answered {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
