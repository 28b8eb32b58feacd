//! The service on a fresh SQLite database, and a users service of a few people.

use std::{
    collections::HashSet,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use portico_chassis::{
    caller::{Call, Caller, Grant, User as Known},
    clock::{Clock, Timestamp},
    database::testing::{self, TestDatabase},
    outbox::Outbox,
    status::{Error, Kind},
    telemetry::Metrics,
    token::ServiceIdentity,
    upstream::Upstream,
};
use portico_proto::{
    projects::projects_service_client::ProjectsServiceClient,
    users::{
        BatchGetUsersRequest, BatchGetUsersResponse, LookupUserRequest, User, user::Status,
        users_service_client::UsersServiceClient,
    },
};
use tonic::{
    Request, Response,
    body::Body,
    server::{Grpc, NamedService},
    service::Routes,
};
use uuid::Uuid;

pub(crate) const ADA: &str = "01890a5d-0000-7000-8000-000000000001";
pub(crate) const BOB: &str = "01890a5d-0000-7000-8000-000000000002";
pub(crate) const EVE: &str = "01890a5d-0000-7000-8000-000000000003";
pub(crate) const DISABLED: &str = "01890a5d-0000-7000-8000-000000000004";
/// The address is not verified.
pub(crate) const ZOE: &str = "01890a5d-0000-7000-8000-000000000005";
const DELETED: &str = "01890a5d-0000-7000-8000-000000000006";
pub(crate) const NOBODY: &str = "01890a5d-0000-7000-8000-000000000009";

const RETENTION: Duration = Duration::from_secs(3600);

pub(crate) type Reply<T> = Result<Response<T>, tonic::Status>;

pub(crate) struct Fixture {
    routes: Routes,
    pub(crate) clock: Clock,
    pub(crate) database: TestDatabase,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = testing::sqlite(&portico_projects::MIGRATIONS).await;
        let clock = Clock::manual(Timestamp::from_seconds(1_000_000));
        let identity = ServiceIdentity::new("projects", b"a secret of tests", clock.clone());
        let users = Routes::new(Users).into_axum_router();
        let users = Upstream::local(users, Arc::new(identity), Arc::new(HashSet::new()));
        let peers = portico_projects::Peers {
            users: UsersServiceClient::new(users),
        };
        let outbox = Outbox::new(database.database.clone(), clock.clone(), RETENTION);
        let app = portico_projects::build(
            &database.database,
            outbox,
            clock.clone(),
            peers,
            &Metrics::default(),
        );
        Self {
            routes: app.routes,
            clock,
            database,
        }
    }

    pub(crate) fn client(&self) -> ProjectsServiceClient<Routes> {
        ProjectsServiceClient::new(self.routes.clone())
    }

    /// A request of this person, as the guard lets it through.
    pub(crate) fn by<T>(&self, person: &str, message: T) -> Request<T> {
        by(person, false, message)
    }

    /// A request of this person, who is an ADMIN of the installation.
    pub(crate) fn by_admin<T>(&self, person: &str, message: T) -> Request<T> {
        by(person, true, message)
    }

    /// A request of another service.
    pub(crate) fn by_service<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let mut call = Call::default();
        call.caller.service = Some("auth".into());
        request.extensions_mut().insert(Arc::new(call));
        request
    }
}

fn by<T>(person: &str, is_admin: bool, message: T) -> Request<T> {
    let user = Known {
        id: Uuid::parse_str(person).expect("an id"),
        session_id: Uuid::nil(),
        is_admin,
        issued_at: Timestamp::default(),
        expires_at: Timestamp::default(),
        grant: Grant::Session,
    };
    let mut call = Call::default();
    call.caller = Caller {
        user: Some(Arc::new(user)),
        ..Caller::default()
    };
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(call));
    request
}

/// Changes what comes with a request beside its message.
pub(crate) fn with<T>(request: &mut Request<T>, change: impl FnOnce(&mut Call)) {
    let call = request.extensions().get::<Arc<Call>>();
    let mut call = Call::clone(call.expect("a call"));
    change(&mut call);
    request.extensions_mut().insert(Arc::new(call));
}

/// The stable code of a refusal.
pub(crate) fn reason<T: std::fmt::Debug>(reply: Reply<T>) -> String {
    let status = reply.expect_err("refused");
    Error::from_status(&status).reason.into_owned()
}

/// The fields at fault with their codes, by field.
pub(crate) fn violations<T: std::fmt::Debug>(reply: Reply<T>) -> Vec<(String, String)> {
    let status = reply.expect_err("refused");
    let violations = Error::from_status(&status).violations.into_iter();
    let mut violations: Vec<_> = violations
        .map(|violation| (violation.field, violation.code.into_owned()))
        .collect();
    violations.sort();
    violations
}

/// Answers `LookupUser`, and any other call as `BatchGetUsers`.
#[derive(Clone)]
struct Users;

impl NamedService for Users {
    const NAME: &'static str = "portico.users.v1.UsersService";
}

impl tower::Service<http::Request<Body>> for Users {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path().ends_with("/LookupUser") {
                let codec = tonic_prost::ProstCodec::default();
                let lookup = tower::service_fn(lookup);
                return Ok(Grpc::new(codec).unary(lookup, request).await);
            }
            let codec = tonic_prost::ProstCodec::default();
            let batch_get = tower::service_fn(batch_get);
            Ok(Grpc::new(codec).unary(batch_get, request).await)
        })
    }
}

fn people() -> impl Iterator<Item = User> {
    let people = [
        (ADA, "Ada", Status::Active, true),
        (BOB, "Bob", Status::Active, true),
        (EVE, "Eve", Status::Active, true),
        (DISABLED, "Dan", Status::Disabled, true),
        (ZOE, "Zoe", Status::Active, false),
        (DELETED, "Kim", Status::Deleted, true),
    ];
    people
        .into_iter()
        .map(|(id, name, status, email_verified)| User {
            id: id.to_owned(),
            email: format!("{}@example.com", name.to_lowercase()),
            name: name.to_owned(),
            status: status.into(),
            email_verified,
            ..Default::default()
        })
}

async fn batch_get(request: Request<BatchGetUsersRequest>) -> Reply<BatchGetUsersResponse> {
    let ids = request.into_inner().ids;
    Ok(Response::new(BatchGetUsersResponse {
        users: people().filter(|user| ids.contains(&user.id)).collect(),
        missing_ids: Vec::new(),
    }))
}

async fn lookup(request: Request<LookupUserRequest>) -> Reply<User> {
    let email = request.into_inner().email.to_lowercase();
    let found = people().find(|user| user.email == email);
    let missing = || Error::new(Kind::NotFound, "USER_NOT_FOUND", "nobody");
    Ok(Response::new(found.ok_or_else(missing)?))
}
