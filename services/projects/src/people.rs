//! Asks the users service who people are.

use std::collections::{HashMap, HashSet};

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    email_address::EmailAddress,
    status::{Error, Kind},
    upstream::Upstream,
};
use portico_proto::{
    events::{WatchEventsRequest, WatchEventsResponse},
    users::{
        BatchGetUsersRequest, LookupUserRequest, User, user,
        users_service_client::UsersServiceClient,
    },
};
use tonic::{Response, Status, Streaming};
use uuid::Uuid;

use crate::member::Person;

/// How many people the users service tells of in one answer.
const MOST_AT_ONCE: usize = 100;

/// The people of the installation.
pub(crate) struct People {
    users: UsersServiceClient<Upstream>,
}

impl People {
    pub(crate) fn new(users: UsersServiceClient<Upstream>) -> Self {
        Self { users }
    }

    /// The people with these ids, at most 100; unknown ones are left out.
    ///
    /// # Errors
    ///
    /// What the users service answers.
    pub(crate) async fn named(
        &self,
        call: &Call,
        ids: impl Iterator<Item = Uuid> + Send,
    ) -> Result<HashMap<String, User>, Error> {
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = call.forward(BatchGetUsersRequest { ids });
        let answer = self.users.clone().batch_get_users(request).await;
        let users = answer
            .map_err(|status| Error::from_status(&status))?
            .into_inner()
            .users;
        Ok(users
            .into_iter()
            .map(|user| (user.id.clone(), user))
            .collect())
    }

    /// The people with these ids, however many; unknown ones are left out.
    ///
    /// # Errors
    ///
    /// What the users service answers.
    pub(crate) async fn all(
        &self,
        call: &Call,
        ids: impl Iterator<Item = Uuid> + Send,
    ) -> Result<HashMap<String, User>, Error> {
        let ids: HashSet<Uuid> = ids.collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut people = HashMap::new();
        for ids in ids.chunks(MOST_AT_ONCE) {
            people.extend(self.named(call, ids.iter().copied()).await?);
        }
        Ok(people)
    }

    /// The person with an id, if there is one.
    ///
    /// # Errors
    ///
    /// What the users service answers.
    pub(crate) async fn one(&self, call: &Call, id: Uuid) -> Result<Option<User>, Error> {
        let found = self.named(call, std::iter::once(id)).await?;
        Ok(found.into_values().next())
    }

    /// What happens to people.
    pub(crate) async fn watch(
        &self,
        request: WatchEventsRequest,
    ) -> Result<Response<Streaming<WatchEventsResponse>>, Status> {
        self.users.clone().watch_events(request).await
    }

    /// The person with an address, verified or not, if there is one who is not
    /// deleted.
    ///
    /// # Errors
    ///
    /// What the users service answers.
    pub(crate) async fn with_address(
        &self,
        call: &Call,
        email: &EmailAddress,
    ) -> Result<Option<Person>, Error> {
        let email = email.as_str().to_owned();
        let request = call.forward(LookupUserRequest { email });
        match self.users.clone().lookup_user(request).await {
            Ok(found) => {
                let user = found.into_inner();
                Ok(person(&user).filter(|_| user.status() != user::Status::Deleted))
            }
            Err(status) => match Error::from_status(&status) {
                error if error.kind == Kind::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }
}

/// The user as one who joins a project: an active one may.
pub(crate) fn joinable(user: &User) -> Option<Person> {
    person(user).filter(|_| user.status() == user::Status::Active)
}

/// The address of a user, if it is known to be its own.
pub(crate) fn own_address(user: &User) -> Option<EmailAddress> {
    let address = user.email_verified.then(|| user.email.clone());
    address.map(EmailAddress::stored)
}

fn person(user: &User) -> Option<Person> {
    Some(Person {
        id: parse_id(&user.id)?,
        name: user.name.clone(),
        email: EmailAddress::stored(user.email.clone()),
        is_email_verified: user.email_verified,
    })
}
