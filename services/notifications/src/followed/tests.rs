mod factors;

use std::{
    collections::HashSet,
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use portico_chassis::{
    clock::new_id,
    database::testing::{self, TestDatabase},
    token::ServiceIdentity,
};
use portico_proto::{
    auth::PasswordState,
    projects::{invitation::Inviter, member::Role},
    users::{BatchGetUsersResponse, user::Status},
    wkt::Any,
};
use tonic::{
    Request, Response,
    body::Body,
    server::{Grpc, NamedService},
    service::Routes,
};

use super::*;
use crate::{
    MIGRATIONS,
    job::Job,
    mail::InvitedAs,
    store::{self, Demand, Filter},
};

const ADA: &str = "01890a5d-0000-7000-8000-000000000001";
const DELETED: &str = "01890a5d-0000-7000-8000-000000000002";
const NOBODY: &str = "01890a5d-0000-7000-8000-000000000003";
/// The users service is away while somebody asks for this one.
const AWAY: &str = "01890a5d-0000-7000-8000-000000000004";
/// Has shown that the address is its own.
const VERIFIED: &str = "01890a5d-0000-7000-8000-000000000006";
/// Has an account without a password.
const BOB: &str = "01890a5d-0000-7000-8000-000000000005";

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What follows the events, with a users service of a few people.
struct Fixture {
    followed: Followed,
    clock: Clock,
    database: TestDatabase,
}

impl Fixture {
    async fn new() -> Self {
        let database = testing::sqlite(&MIGRATIONS).await;
        let clock = Clock::manual(Timestamp::from_seconds(10_000_000));
        let identity = ServiceIdentity::new("notifications", b"a secret of tests", clock.clone());
        let routes = Routes::new(Users).add_service(Links).into_axum_router();
        let peer = Upstream::local(routes, Arc::new(identity), Arc::new(HashSet::new()));
        let followed = Followed {
            store: store::open(&database.database),
            peers: Peers {
                users: UsersServiceClient::new(peer.clone()),
                auth: AuthServiceClient::new(peer.clone()),
                links: LinksServiceClient::new(peer.clone()),
                accounts: AccountDataServiceClient::new(peer.clone()),
                projects: ProjectsServiceClient::new(peer),
            },
            bell: Arc::default(),
            clock: clock.clone(),
            first_start: OnceCell::new(),
            metrics: Arc::default(),
        };
        Self {
            followed,
            clock,
            database,
        }
    }

    /// An event of now.
    fn event(&self, kind: &str, subject: &str, resource: Option<Any>) -> Event {
        let now = self.clock.now();
        Event {
            id: new_id(now).to_string(),
            r#type: kind.to_owned(),
            time: Some(now.into()),
            subject: subject.to_owned(),
            request_id: "request".to_owned(),
            traceparent: TRACE.to_owned(),
            resource,
            ..Event::default()
        }
    }

    /// Somebody was made now, with an address that is known to be its own.
    fn created(&self) -> Event {
        self.made(ADA, true)
    }

    /// This one was made now.
    fn made(&self, id: &str, email_verified: bool) -> Event {
        let user = User {
            id: id.to_owned(),
            email: "Ada@Example.com".to_owned(),
            name: "Ada".to_owned(),
            email_verified,
            ..User::default()
        };
        let resource = Any::from_msg(&user).expect("packed");
        self.event("user.created", id, Some(resource))
    }

    /// Somebody was invited now, for 7 days.
    fn invited(&self, kind: &str) -> Event {
        let invitation = Invitation {
            id: ADA.to_owned(),
            project_name: "Apollo".to_owned(),
            email: "bob@example.com".to_owned(),
            role: Role::Viewer.into(),
            invited_by: Some(Inviter {
                id: ADA.to_owned(),
                name: "Ada".to_owned(),
            }),
            expires_at: Some((self.clock.now() + 7 * DAY).into()),
            ..Invitation::default()
        };
        let resource = Any::from_msg(&invitation).expect("packed");
        self.event(kind, ADA, Some(resource))
    }

    async fn handle(&self, event: &Event) {
        let handled = self.followed.handle(event.clone()).await;
        handled.expect("handled");
    }

    /// The kinds of the mails, and where they go.
    async fn mails(&self) -> Vec<(String, String)> {
        let paging = testing::paging(None, 100, None);
        let page = self.followed.store.list(&Filter::default(), &paging).await;
        let jobs = page.expect("listed").items.into_iter();
        jobs.map(|job: Job| (job.template, job.to)).collect()
    }

    async fn close(self) {
        drop(self.followed);
        self.database.close().await;
    }
}

fn mail(template: &str, to: &str) -> (String, String) {
    (template.to_owned(), to.to_owned())
}

/// Answers one method, whatever the path.
macro_rules! fake {
    ($fake:ident, $service:literal, $answer:path) => {
        #[derive(Clone)]
        struct $fake;

        impl NamedService for $fake {
            const NAME: &'static str = $service;
        }

        impl tower::Service<http::Request<Body>> for $fake {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                Box::pin(async {
                    let mut grpc = Grpc::new(tonic_prost::ProstCodec::default());
                    Ok(grpc.unary(tower::service_fn($answer), request).await)
                })
            }
        }
    };
}
fake!(Users, "portico.users.v1.UsersService", people);
fake!(Links, "portico.auth.v1.LinksService", password_state);

async fn password_state(
    request: Request<GetPasswordStateRequest>,
) -> Result<Response<PasswordState>, tonic::Status> {
    let is_set = request.into_inner().user_id != BOB;
    Ok(Response::new(PasswordState { is_set }))
}

async fn people(
    request: Request<BatchGetUsersRequest>,
) -> Result<Response<BatchGetUsersResponse>, tonic::Status> {
    let asked = request.into_inner().ids;
    if asked == [AWAY] {
        return Err(tonic::Status::unavailable("away"));
    }
    let people = [
        (ADA, "Ada", Status::Active),
        (DELETED, "Dan", Status::Deleted),
        (VERIFIED, "Eve", Status::Active),
    ];
    let found = people.into_iter().filter(|(id, ..)| asked == [*id]);
    let users = found.map(|(id, name, status)| User {
        id: id.to_owned(),
        email: format!("{}@example.com", name.to_lowercase()),
        name: name.to_owned(),
        status: status.into(),
        email_verified: id == VERIFIED,
        ..User::default()
    });
    Ok(Response::new(BatchGetUsersResponse {
        users: users.collect(),
        missing_ids: Vec::new(),
    }))
}

#[tokio::test]
async fn who_is_new_is_welcomed_once() {
    let fixture = Fixture::new().await;
    let event = fixture.created();
    fixture.handle(&event).await;
    // The bell rang.
    fixture.followed.bell.notified().await;
    fixture.handle(&event).await;
    assert_eq!(fixture.mails().await, [mail("welcome", "Ada@Example.com")]);
    fixture.handle(&fixture.created()).await;
    assert_eq!(fixture.mails().await.len(), 2);
    fixture.close().await;
}

#[tokio::test]
async fn who_is_new_gets_one_mail_that_fits() {
    let fixture = Fixture::new().await;
    for (id, is_verified, template) in [
        (ADA, true, "welcome"),
        (ADA, false, "verify-email"),
        (BOB, true, "set-password"),
        (BOB, false, "set-password"),
    ] {
        let before = fixture.mails().await.len();
        fixture.handle(&fixture.made(id, is_verified)).await;
        let mails = fixture.mails().await;
        assert_eq!(mails.len(), before + 1);
        let last = mail(template, "Ada@Example.com");
        assert!(mails.contains(&last), "{mails:?}");
    }
    fixture.close().await;
}

#[tokio::test]
async fn who_asks_for_a_link_gets_it_at_the_present_address() {
    let fixture = Fixture::new().await;
    for (kind, template) in [
        ("password.reset_requested", "reset-password"),
        ("email.verification_requested", "verify-email"),
        ("email.taken", "email-taken"),
    ] {
        for subject in [ADA, DELETED, NOBODY] {
            fixture.handle(&fixture.event(kind, subject, None)).await;
        }
        let mails = fixture.mails().await;
        let sent = mails.iter().filter(|(name, _)| name == template);
        assert_eq!(
            sent.collect::<Vec<_>>(),
            [&mail(template, "ada@example.com")]
        );
    }
    fixture.close().await;
}

#[tokio::test]
async fn a_change_of_the_address_is_told_to_both() {
    let fixture = Fixture::new().await;
    let change = EmailChange {
        id: NOBODY.to_owned(),
        user_id: ADA.to_owned(),
        old_email: "ada@example.com".to_owned(),
        new_email: "Countess@example.com".to_owned(),
    };
    let resource = Any::from_msg(&change).expect("packed");
    let event = fixture.event("email.change_requested", ADA, Some(resource));
    fixture.handle(&event).await;
    fixture.handle(&event).await;
    let mut mails = fixture.mails().await;
    mails.sort();
    let expected = [
        mail("confirm-email", "Countess@example.com"),
        mail("undo-email-change", "ada@example.com"),
    ];
    assert_eq!(mails, expected);
    let nothing = fixture.event("email.change_requested", ADA, None);
    fixture.handle(&nothing).await;
    assert_eq!(fixture.mails().await.len(), 2);
    fixture.close().await;
}

#[tokio::test]
async fn mails_to_who_is_about_to_be_purged_are_forgotten() {
    let fixture = Fixture::new().await;
    for subject in [ADA, VERIFIED] {
        let event = fixture.event("password.changed", subject, None);
        fixture.handle(&event).await;
    }
    assert_eq!(fixture.mails().await.len(), 2);
    for subject in [ADA, VERIFIED, NOBODY] {
        let event = fixture.event("user.purge_announced", subject, None);
        fixture.handle(&event).await;
    }
    // The address of the other one was never shown to be its own.
    let left = mail("password-changed", "ada@example.com");
    assert_eq!(fixture.mails().await, [left]);
    fixture.close().await;
}

#[tokio::test]
async fn who_is_invited_is_told_each_time() {
    let fixture = Fixture::new().await;
    let created = fixture.invited("invitation.created");
    fixture.handle(&created).await;
    fixture.handle(&created).await;
    fixture.handle(&fixture.invited("invitation.resent")).await;
    fixture.handle(&fixture.invited("invitation.updated")).await;
    let invitation = mail("invitation", "bob@example.com");
    assert_eq!(fixture.mails().await, [invitation.clone(), invitation]);

    let demand = Demand {
        limit: 1,
        token: new_id(fixture.clock.now()),
        until: fixture.clock.now() + DAY,
    };
    let claims = fixture
        .followed
        .store
        .claim(demand, fixture.clock.now())
        .await;
    let claim = claims.expect("claimed").remove(0);
    let about: Mail = serde_json::from_str(&claim.content).expect("a mail");
    let expected = Mail::Invitation {
        project: "Apollo".to_owned(),
        inviter: Some("Ada".to_owned()),
        role: InvitedAs::Viewer,
        expires_at: fixture.clock.now() + 7 * DAY,
    };
    assert_eq!(about, expected);
    let cause = Cause {
        request_id: "request".to_owned(),
        traceparent: Some(TRACE.to_owned()),
    };
    assert_eq!(claim.cause, cause);
    fixture.close().await;
}

#[tokio::test]
async fn an_invitation_that_nobody_can_accept_any_more_leads_to_no_mail() {
    let fixture = Fixture::new().await;
    let event = fixture.invited("invitation.created");
    fixture.clock.advance(7 * DAY);
    fixture.handle(&event).await;
    assert!(fixture.mails().await.is_empty());
    fixture.close().await;
}

#[tokio::test]
async fn who_has_another_password_is_told_at_the_present_address() {
    let fixture = Fixture::new().await;
    for subject in [ADA, DELETED, NOBODY] {
        let event = fixture.event("password.changed", subject, None);
        fixture.handle(&event).await;
    }
    assert_eq!(
        fixture.mails().await,
        [mail("password-changed", "ada@example.com")]
    );
    fixture.close().await;
}

#[tokio::test]
async fn an_event_comes_again_while_a_peer_is_away() {
    let fixture = Fixture::new().await;
    let event = fixture.event("password.changed", AWAY, None);
    let refused = fixture
        .followed
        .handle(event)
        .await
        .expect_err("not handled");
    assert_eq!(refused.reason, "SERVICE_UNAVAILABLE");
    fixture.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over() {
    let fixture = Fixture::new().await;
    let garbage = Any {
        type_url: "type.googleapis.com/portico.users.v1.User".to_owned(),
        value: vec![0xff],
    };
    let other = Any::from_msg(&Event::default()).expect("packed");
    for resource in [None, Some(garbage), Some(other)] {
        let event = fixture.event("user.created", ADA, resource);
        fixture.handle(&event).await;
    }
    let without_id = Event {
        id: "x".to_owned(),
        ..fixture.created()
    };
    fixture.handle(&without_id).await;
    fixture
        .handle(&fixture.event("user.purged", ADA, None))
        .await;
    assert!(fixture.mails().await.is_empty());
    fixture.close().await;
}

#[tokio::test]
async fn what_happened_long_before_the_first_start_leads_to_no_mail() {
    let fixture = Fixture::new().await;
    let old = fixture.created();
    fixture.clock.advance(Duration::from_secs(1));
    let newer = fixture.created();
    fixture.clock.advance(DAY - Duration::from_secs(1));
    let newest = fixture.created();
    // This is the first start.
    fixture.clock.advance(Duration::from_secs(1));
    for event in [&old, &newer, &newest] {
        fixture.handle(event).await;
    }
    assert_eq!(fixture.mails().await.len(), 2);
    fixture.close().await;
}

#[tokio::test]
async fn a_mail_may_be_some_days_late_but_not_more() {
    let fixture = Fixture::new().await;
    fixture
        .handle(&fixture.event("user.purged", ADA, None))
        .await;
    let (one, other) = (fixture.created(), fixture.created());
    fixture.clock.advance(7 * DAY);
    fixture.handle(&one).await;
    assert_eq!(fixture.mails().await.len(), 1);
    fixture.clock.advance(Duration::from_secs(1));
    fixture.handle(&other).await;
    assert_eq!(fixture.mails().await.len(), 1);
    fixture.close().await;
}
