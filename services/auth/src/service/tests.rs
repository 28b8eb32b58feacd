//! What spans services, with peers that fail between any two steps. Whatever
//! needs no failing peer is tested from outside, through the whole program.

mod audit;
mod deletions;
mod factors;
mod fakes;
mod links;
mod people;
mod throttle;

use std::{sync::Arc, time::Duration};

use portico_chassis::{
    caller::{Caller, User as Person},
    clock::{Clock, Timestamp, parse_id},
    database::testing::{self, TestDatabase},
    outbox::Outbox,
};
use portico_proto::users::user::{Role, Status};
use uuid::Uuid;

use self::fakes::{Fakes, Fault};
use super::*;
use crate::{Config, Cost, FirstAdmin, MIGRATIONS, MasterKey, build_tokens};

const HOUR: Duration = Duration::from_secs(3_600);
const PASSWORD: &str = "correct horse";

struct Fixture {
    accounts: Accounts,
    fakes: Arc<Fakes>,
    clock: Clock,
    config: Config,
    database: TestDatabase,
}

impl Fixture {
    async fn new() -> Self {
        let database = testing::sqlite(&MIGRATIONS).await;
        let config = Config {
            issuer: "https://id.example.com".to_owned(),
            audience: "portico".to_owned(),
            access_token_ttl: Duration::from_secs(600),
            session_ttl: HOUR,
            require_verified_email: false,
            master_key: MasterKey::parse(&"A".repeat(44)).expect("key"),
            password_cost: Cost {
                memory: 64,
                passes: 1,
                lanes: 1,
            },
            is_throttled: true,
            breached_passwords: None,
            first_admin: None,
        };
        let clock = Clock::manual(Timestamp::from_seconds(1_000_000_000));
        let fakes = Arc::new(Fakes::default());
        let accounts = start(&config, &database, &fakes, &clock).await;
        Self {
            accounts,
            fakes,
            clock,
            config,
            database,
        }
    }

    /// The same installation after a restart with this cost of a hash.
    async fn restarted(&self, cost: Cost) -> Accounts {
        let config = Config {
            password_cost: cost,
            ..self.config.clone()
        };
        start(&config, &self.database, &self.fakes, &self.clock).await
    }

    async fn register(
        &self,
        key: Option<&str>,
    ) -> Result<Response<proto::RegisterResponse>, String> {
        let mut call = Call::default();
        call.idempotency_key = key.map(str::to_owned);
        let message = proto::RegisterRequest {
            email: "ada@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            name: "Ada".to_owned(),
            cookie: false,
        };
        let registered = self.accounts.register(with(call, message)).await;
        registered.map_err(reason)
    }

    /// Registers, and the call that makes the person fails; the one before
    /// only checks the fields.
    async fn lose_creation(&self, key: Option<&str>, fault: Fault) {
        self.fakes.skip("CreateUser");
        self.fakes.fail("CreateUser", fault);
        let failed = self.register(key).await;
        assert_eq!(failed.expect_err("lost"), "SERVICE_UNAVAILABLE");
    }

    async fn login(&self, password: &str) -> Result<proto::LoginResponse, String> {
        let message = proto::LoginRequest {
            email: "ada@example.com".to_owned(),
            password: password.to_owned(),
            cookie: false,
        };
        let answered = self.accounts.login(with(Call::default(), message)).await;
        answered.map(Response::into_inner).map_err(reason)
    }

    async fn refresh(&self, token: &str) -> Result<proto::RefreshTokenResponse, String> {
        let message = proto::RefreshTokenRequest {
            refresh_token: Some(token.to_owned()),
        };
        let answered = self.accounts.refresh_token(with(Call::default(), message));
        answered.await.map(Response::into_inner).map_err(reason)
    }

    fn people(&self) -> usize {
        self.fakes.people.lock().expect("lock").len()
    }

    async fn has_password(&self, id: &str) -> bool {
        let id = parse_id(id).expect("an id");
        let hash = self.accounts.store().password_hash(id).await;
        hash.expect("read").is_some()
    }
}

async fn start(
    config: &Config,
    database: &TestDatabase,
    fakes: &Arc<Fakes>,
    clock: &Clock,
) -> Accounts {
    let built = build_tokens(config, &database.database, clock.clone()).await;
    let (tokens, _app) = built.expect("built");
    let outbox = Outbox::new(
        database.database.clone(),
        clock.clone(),
        Duration::from_secs(60),
    );
    Accounts::new(
        config,
        &tokens,
        fakes.peers(clock),
        database.database.clone(),
        outbox,
        Arc::default(),
    )
    .expect("accounts")
}

fn with<T>(call: Call, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(call));
    request
}

fn reason(failure: Failure) -> String {
    Error::from_status(&failure).reason.into_owned()
}

fn person(id: &str, session_id: Uuid, is_admin: bool) -> Person {
    Person {
        id: parse_id(id).expect("an id"),
        session_id,
        is_admin,
        grant: Grant::Session,
        issued_at: Timestamp::default(),
        expires_at: Timestamp::default(),
    }
}

fn user_id(registered: Response<proto::RegisterResponse>) -> String {
    registered.into_inner().user.expect("a user").id
}

fn is_replayed(registered: &Response<proto::RegisterResponse>) -> bool {
    registered.metadata().contains_key("idempotency-replayed")
}

#[tokio::test]
async fn a_repeat_after_a_crash_goes_on_with_the_same_account() {
    for fault in [Fault::Before, Fault::After] {
        let fixture = Fixture::new().await;
        fixture.lose_creation(Some("key"), fault).await;
        let made = fixture.register(Some("key")).await.expect("made");
        assert!(!is_replayed(&made));
        assert_eq!(fixture.people(), 1);
        fixture.login(PASSWORD).await.expect("signed in");
        let again = fixture.register(Some("key")).await.expect("replayed");
        assert!(is_replayed(&again));
        assert_eq!(user_id(again), user_id(made));
        fixture.database.close().await;
    }
}

#[tokio::test]
async fn an_account_whose_answer_was_lost_can_sign_in_and_stays() {
    let fixture = Fixture::new().await;
    fixture.lose_creation(None, Fault::After).await;
    assert_eq!(fixture.people(), 1);
    fixture.clock.advance(HOUR * 2);
    fixture
        .accounts
        .settle_credentials()
        .await
        .expect("settled");
    fixture.login(PASSWORD).await.expect("signed in");
    assert_eq!(
        fixture.register(None).await.expect_err("taken"),
        "EMAIL_EXISTS"
    );
    fixture.login(PASSWORD).await.expect("signed in");
    fixture.database.close().await;
}

#[tokio::test]
async fn a_credential_of_nobody_is_swept_away() {
    let fixture = Fixture::new().await;
    fixture.lose_creation(None, Fault::Before).await;
    let store = fixture.accounts.store();
    fixture.clock.advance(HOUR * 2);
    let orphans = store.unconfirmed(fixture.clock.now()).await.expect("read");
    assert_eq!(orphans.len(), 1);
    fixture
        .accounts
        .settle_credentials()
        .await
        .expect("settled");
    assert!(!fixture.has_password(&orphans[0].to_string()).await);
    fixture.database.close().await;
}

#[tokio::test]
async fn a_taken_address_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    let refused = fixture.register(Some("key")).await;
    assert_eq!(refused.expect_err("taken"), "EMAIL_EXISTS");
    fixture.clock.advance(HOUR);
    let store = fixture.accounts.store();
    let unconfirmed = store.unconfirmed(fixture.clock.now()).await;
    assert!(unconfirmed.expect("read").is_empty());
    fixture.fakes.people.lock().expect("lock").clear();
    // Only successes are kept under a key.
    let made = fixture.register(Some("key")).await.expect("made");
    assert!(!is_replayed(&made));
    fixture.database.close().await;
}

#[tokio::test]
async fn a_key_with_another_password_is_refused() {
    let fixture = Fixture::new().await;
    fixture.register(Some("key")).await.expect("made");
    let mut call = Call::default();
    call.idempotency_key = Some("key".to_owned());
    let message = proto::RegisterRequest {
        email: "ada@example.com".to_owned(),
        password: "another password".to_owned(),
        name: "Ada".to_owned(),
        cookie: false,
    };
    let refused = fixture.accounts.register(with(call, message)).await;
    let reason = refused.map_err(reason).expect_err("refused");
    assert_eq!(reason, "IDEMPOTENCY_KEY_REUSED");
    fixture.database.close().await;
}

#[tokio::test]
async fn a_replay_opens_no_session_once_the_password_has_changed() {
    let fixture = Fixture::new().await;
    let made = fixture.register(Some("key")).await.expect("made");
    let id = parse_id(&user_id(made)).expect("an id");
    let store = fixture.accounts.store();
    let from = store.password_hash(id).await.expect("read").expect("there");
    let origin = Call::default().origin(fixture.clock.now());
    let changed = store.change_password(id, &from, "other", Uuid::nil(), &origin);
    assert!(changed.await.expect("changed"));
    let refused = fixture.register(Some("key")).await;
    assert_eq!(refused.expect_err("refused"), "INVALID_CREDENTIALS");
    fixture.database.close().await;
}

#[tokio::test]
async fn only_who_has_the_password_learns_that_an_account_is_disabled() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    for (status, right) in [
        (Status::Disabled, "ACCOUNT_DISABLED"),
        (Status::Deleted, "INVALID_CREDENTIALS"),
    ] {
        fixture.fakes.set_status(&id, status);
        assert_eq!(fixture.login(PASSWORD).await.expect_err("refused"), right);
        let wrong = fixture.login("wrong horse").await;
        assert_eq!(wrong.expect_err("refused"), "INVALID_CREDENTIALS");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn a_hash_is_upgraded_at_login() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    let id = parse_id(&id).expect("an id");
    let cost = Cost {
        memory: 128,
        passes: 1,
        lanes: 1,
    };
    let fixture = Fixture {
        accounts: fixture.restarted(cost).await,
        ..fixture
    };
    for _ in 0..2 {
        fixture.login(PASSWORD).await.expect("signed in");
        let hash = fixture.accounts.store().password_hash(id).await;
        let hash = hash.expect("read").expect("there");
        assert!(hash.contains("m=128"), "{hash}");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn sign_ins_that_upgrade_a_hash_at_once_all_succeed() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    let cost = Cost {
        memory: 128,
        passes: 1,
        lanes: 1,
    };
    let fixture = Fixture {
        accounts: fixture.restarted(cost).await,
        ..fixture
    };
    let logins = (0..8).map(|_| fixture.login(PASSWORD));
    for signed_in in futures::future::join_all(logins).await {
        signed_in.expect("signed in");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn a_disabled_account_is_not_refreshed() {
    let fixture = Fixture::new().await;
    let made = fixture.register(None).await.expect("made").into_inner();
    let id = made.user.expect("a user").id;
    let token = made.refresh_token.expect("a token");
    let next = fixture.refresh(&token).await.expect("refreshed");
    fixture.fakes.set_status(&id, Status::Disabled);
    let token = next.refresh_token.expect("a token");
    for status in [Status::Disabled, Status::Active] {
        fixture.fakes.set_status(&id, status);
        let refused = fixture.refresh(&token).await;
        assert_eq!(refused.expect_err("ended"), "REFRESH_TOKEN_INVALID");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn a_failed_refresh_does_not_use_the_token_up() {
    let fixture = Fixture::new().await;
    let made = fixture.register(None).await.expect("made").into_inner();
    let token = made.refresh_token.expect("a token");
    fixture.fakes.fail("BatchGetUsers", Fault::Before);
    let failed = fixture.refresh(&token).await;
    assert_eq!(failed.expect_err("down"), "SERVICE_UNAVAILABLE");
    fixture.clock.advance(HOUR / 2);
    fixture.refresh(&token).await.expect("refreshed");
    fixture.database.close().await;
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let fixture = Fixture::new().await;
    let admin = FirstAdmin {
        email: "ada@example.com".to_owned(),
        password: PASSWORD.to_owned(),
    };
    fixture.fakes.fail("CreateUser", Fault::After);
    let failed = fixture.accounts.make_first_admin(&admin).await;
    assert_eq!(failed.expect_err("lost").reason, "SERVICE_UNAVAILABLE");
    for is_new in [true, false] {
        let made = fixture.accounts.make_first_admin(&admin).await;
        assert_eq!(made.expect("done"), is_new);
    }
    assert_eq!(fixture.people(), 1);
    let signed_in = fixture.login(PASSWORD).await.expect("signed in");
    let role = signed_in.user.expect("a user").role();
    assert_eq!(role, users::user::Role::Admin);
    fixture.database.close().await;
}
