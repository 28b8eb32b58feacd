//! Peers that hold a few people and fail when they are told to.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response},
    response::IntoResponse,
};
use http_body_util::{BodyExt as _, Full};
use portico_chassis::{
    clock::Clock,
    etag,
    status::{Error, Kind},
    token::ServiceIdentity,
    upstream::Upstream,
};
use portico_proto::{
    events::ReadAuditEntriesResponse,
    projects::{ReleaseUserRequest, projects_service_client::ProjectsServiceClient},
    users::{
        self, User,
        user::{Role, Status},
        users_service_client::UsersServiceClient,
    },
};
use prost::Message;

use crate::Peers;

/// How a call to a peer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The call does not arrive.
    Before,
    /// The call is done and its answer is lost.
    After,
    /// The peer refuses.
    Refused,
    /// What is to be changed has changed meanwhile.
    Outdated,
}

/// Users and projects.
#[derive(Default)]
pub(super) struct Fakes {
    pub(super) people: Mutex<Vec<User>>,
    /// Who was taken out of all projects, with the heir.
    pub(super) released: Mutex<HashMap<String, Option<String>>>,
    /// What becomes of the next calls of these methods, in order.
    fates: Mutex<VecDeque<(&'static str, Option<Fault>)>>,
}

impl Fakes {
    pub(super) fn peers(self: &Arc<Self>, clock: &Clock) -> Peers {
        let routes = Router::new().fallback(answer).with_state(self.clone());
        let identity = Arc::new(ServiceIdentity::new("auth", b"secret", clock.clone()));
        let upstream = Upstream::local(routes, identity, Arc::default());
        Peers {
            users: UsersServiceClient::new(upstream.clone()),
            projects: ProjectsServiceClient::new(upstream),
        }
    }

    /// The next call of `method` that has no fate yet fails.
    pub(super) fn fail(&self, method: &'static str, fault: Fault) {
        self.fates().push_back((method, Some(fault)));
    }

    /// The next call of `method` that has no fate yet succeeds.
    pub(super) fn skip(&self, method: &'static str) {
        self.fates().push_back((method, None));
    }

    fn fates(&self) -> MutexGuard<'_, VecDeque<(&'static str, Option<Fault>)>> {
        self.fates.lock().expect("lock")
    }

    pub(super) fn set_status(&self, id: &str, status: Status) {
        self.change(id, |person| person.set_status(status));
    }

    pub(super) fn set_role(&self, id: &str, role: Role) {
        self.change(id, |person| person.set_role(role));
    }

    /// Changes a person, who has another version then.
    fn change(&self, id: &str, change: impl FnOnce(&mut User)) {
        let mut people = self.people.lock().expect("lock");
        let person = people.iter_mut().find(|person| person.id == id);
        let person = person.expect("the person");
        change(person);
        let version = etag::version(&person.etag).expect("a version");
        person.etag = format!("{}.0", version + 1);
    }

    pub(super) fn status(&self, id: &str) -> Status {
        let people = self.people.lock().expect("lock");
        let person = people.iter().find(|person| person.id == id);
        person.expect("the person").status()
    }

    fn fault(&self, method: &str) -> Option<Fault> {
        let mut fates = self.fates();
        fates.pop_front_if(|(named, _)| *named == method)?.1
    }

    pub(super) fn find(&self, matches: impl Fn(&User) -> bool) -> Result<User, Error> {
        let people = self.people.lock().expect("lock");
        let found = people.iter().find(|person| matches(person)).cloned();
        found.ok_or_else(|| Error::new(Kind::NotFound, "USER_NOT_FOUND", "nobody"))
    }

    fn create(&self, request: users::CreateUserRequest) -> Result<User, Error> {
        if !request.email.contains('@') {
            return Err(Error::invalid_field("email", "EMAIL_INVALID", "no address"));
        }
        if request.validate_only {
            return Ok(User::default());
        }
        if let Ok(known) = self.find(|person| person.email == request.email) {
            let exists = || Error::new(Kind::AlreadyExists, "EMAIL_EXISTS", "taken");
            return Some(known)
                .filter(|known| known.id == request.id)
                .ok_or_else(exists);
        }
        let user = User {
            role: request.role().into(),
            id: request.id,
            email: request.email,
            name: request.name,
            status: Status::Active.into(),
            etag: "1.0".to_owned(),
            ..User::default()
        };
        self.people.lock().expect("lock").push(user.clone());
        Ok(user)
    }

    fn set_email(
        &self,
        request: users::SetUserEmailRequest,
        version: Option<&str>,
    ) -> Result<User, Error> {
        let mut people = self.people.lock().expect("lock");
        let person = people.iter_mut().find(|person| person.id == request.id);
        let person = person.expect("the person");
        if version.is_some_and(|version| version != person.etag) {
            return Err(outdated());
        }
        person.email = request.email;
        person.email_verified = request.email_verified;
        person.etag += "1";
        Ok(person.clone())
    }

    fn release(&self, request: ReleaseUserRequest) -> Result<(), Error> {
        if let Some(heir) = &request.heir_id {
            self.find(|person| person.id == *heir)?;
        }
        if !request.validate_only {
            let mut released = self.released.lock().expect("lock");
            released.insert(request.user_id, request.heir_id);
        }
        Ok(())
    }

    fn delete(&self, request: &users::DeleteUserRequest) -> Result<(), Error> {
        let is_there = |person: &User| person.id == request.id;
        self.find(|person| is_there(person) && person.status() != Status::Deleted)?;
        if !request.validate_only {
            self.set_status(&request.id, Status::Deleted);
        }
        Ok(())
    }
}

async fn answer(State(fakes): State<Arc<Fakes>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let method = path.rsplit('/').next().unwrap_or_default();
    let fault = fakes.fault(method);
    match fault {
        Some(Fault::Before) => return refuse(Error::unavailable("it does not arrive")),
        Some(Fault::Refused) => {
            let refusal = Error::new(Kind::FailedPrecondition, "LAST_OWNER", "an owner is left");
            return refuse(refusal);
        }
        Some(Fault::Outdated) => return refuse(outdated()),
        Some(Fault::After) | None => {}
    }
    let version = request.headers().get("if-match").cloned();
    let version = version.as_ref().and_then(|tag| tag.to_str().ok());
    let body = request.into_body().collect().await.expect("a body");
    let body = body.to_bytes();
    let message = &body[5..];
    let done = match method {
        "LookupUser" => {
            let wanted: users::LookupUserRequest = decode(message);
            encode(fakes.find(|person| person.email == wanted.email))
        }
        "GetUser" => {
            let wanted: users::GetUserRequest = decode(message);
            encode(fakes.find(|person| person.id == wanted.id))
        }
        "BatchGetUsers" => {
            let wanted: users::BatchGetUsersRequest = decode(message);
            let mut found = users::BatchGetUsersResponse::default();
            for id in wanted.ids {
                match fakes.find(|person| person.id == id) {
                    Ok(person) => found.users.push(person),
                    Err(_) => found.missing_ids.push(id),
                }
            }
            encode(Ok(found))
        }
        "ReadAuditEntries" => encode(Ok(ReadAuditEntriesResponse::default())),
        "CreateUser" => encode(fakes.create(decode(message))),
        "SetUserEmail" => encode(fakes.set_email(decode(message), version)),
        "DeleteUser" => encode(fakes.delete(&decode(message))),
        "ReleaseUser" => encode(fakes.release(decode(message))),
        other => panic!("the fakes have no {other}"),
    };
    match (done, fault) {
        (_, Some(_)) => refuse(Error::unavailable("the answer is lost")),
        (Ok(bytes), None) => reply(bytes),
        (Err(error), None) => refuse(error),
    }
}

fn outdated() -> Error {
    Error::new(Kind::EtagMismatch, "ETAG_MISMATCH", "it has changed")
}

fn decode<M: Message + Default>(message: &[u8]) -> M {
    M::decode(message).expect("a message")
}

fn encode(done: Result<impl Message, Error>) -> Result<Vec<u8>, Error> {
    done.map(|message| message.encode_to_vec())
}

fn refuse(error: Error) -> Response<Body> {
    tonic::Status::from(error).into_http()
}

/// A message in a frame, and the trailers of a success.
fn reply(message: Vec<u8>) -> Response<Body> {
    let length = u32::try_from(message.len()).expect("a short message");
    let frame = [&[0][..], &length.to_be_bytes(), &message].concat();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::from(frame).with_trailers(async move { Some(Ok(trailers)) });
    let kind = [("content-type", "application/grpc")];
    (kind, Body::new(body)).into_response()
}
