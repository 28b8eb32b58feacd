//! Those who fail to sign in often have to wait, and only those.

use std::net::IpAddr;

use futures::future::join_all;

use portico_proto::auth::factors_service_server::FactorsService as _;

use super::*;

/// From where everybody calls unless it is said.
const HOME: &str = "203.0.113.1";

fn from(address: &str) -> Call {
    let address: IpAddr = address.parse().expect("an address");
    let mut call = Call::default();
    call.client_ip = Some(address);
    call
}

impl Fixture {
    /// What a sign-in comes to.
    async fn login_from(&self, address: &str, email: &str, password: &str) -> String {
        let message = proto::LoginRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            cookie: false,
        };
        match self.accounts.login(with(from(address), message)).await {
            Ok(_) => "OK".to_owned(),
            Err(failure) => reason(failure),
        }
    }

    async fn guess(&self, address: &str) -> String {
        self.login_from(address, "ada@example.com", "a wrong guess")
            .await
    }
}

#[tokio::test]
async fn of_twenty_guesses_at_once_five_are_compared() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    for email in ["ada@example.com", "nobody@example.com", "no address"] {
        let guesses = (0..20).map(|_| fixture.login_from(HOME, email, "a wrong guess"));
        let outcomes = join_all(guesses).await;
        let compared = outcomes.iter().filter(|one| *one == "INVALID_CREDENTIALS");
        assert_eq!(compared.count(), 5, "{email}");
        let refused = outcomes.iter().filter(|one| *one == "TOO_MANY_ATTEMPTS");
        assert_eq!(refused.count(), 15, "{email}");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn many_sign_ins_at_once_with_the_right_password_all_succeed() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    let logins = (0..20).map(|_| fixture.login_from(HOME, "ada@example.com", PASSWORD));
    let outcomes = join_all(logins).await;
    assert!(outcomes.iter().all(|one| one == "OK"), "{outcomes:?}");
    fixture.database.close().await;
}

#[tokio::test]
async fn the_right_password_does_not_help_before_the_time_has_passed() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    for _ in 0..5 {
        assert_eq!(fixture.guess(HOME).await, "INVALID_CREDENTIALS");
    }
    let login = || fixture.login_from(HOME, "ada@example.com", PASSWORD);
    assert_eq!(login().await, "TOO_MANY_ATTEMPTS");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(login().await, "OK");
    // From now on, no stranger keeps the owner out.
    for network in 0..30 {
        fixture.guess(&format!("198.51.{network}.1")).await;
    }
    assert_eq!(fixture.guess("192.0.2.1").await, "TOO_MANY_ATTEMPTS");
    assert_eq!(login().await, "OK");
    fixture.database.close().await;
}

#[tokio::test]
async fn a_restart_forgets_no_failures_and_other_replicas_know_them() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    for _ in 0..5 {
        assert_eq!(fixture.guess(HOME).await, "INVALID_CREDENTIALS");
    }
    let accounts = fixture.restarted(fixture.config.password_cost).await;
    let fixture = Fixture {
        accounts,
        ..fixture
    };
    assert_eq!(fixture.guess(HOME).await, "TOO_MANY_ATTEMPTS");
    fixture.database.close().await;
}

#[tokio::test]
async fn a_changed_password_forgets_what_failed_at_the_one_before() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    for _ in 0..5 {
        assert_eq!(fixture.guess("198.51.100.1").await, "INVALID_CREDENTIALS");
    }
    let mut call = from(HOME);
    call.caller.user = Some(Arc::new(person(&id, Uuid::nil(), false)));
    let message = proto::ChangePasswordRequest {
        current_password: PASSWORD.to_owned(),
        new_password: "a new password".to_owned(),
    };
    let changed = fixture.accounts.change_password(with(call, message)).await;
    changed.expect("changed");
    assert_eq!(fixture.guess("198.51.100.1").await, "INVALID_CREDENTIALS");
    fixture.database.close().await;
}

#[tokio::test]
async fn who_is_signed_in_guesses_the_password_no_faster() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    let signed_in = |mut call: Call| {
        call.caller.user = Some(Arc::new(person(&id, Uuid::nil(), false)));
        call
    };
    let reauthenticate = async || {
        let message = proto::ReauthenticateRequest {
            password: Some("a wrong guess".to_owned()),
            ..proto::ReauthenticateRequest::default()
        };
        let call = with(signed_in(from(HOME)), message);
        reason(
            fixture
                .accounts
                .reauthenticate(call)
                .await
                .expect_err("wrong"),
        )
    };
    for _ in 0..3 {
        assert_eq!(reauthenticate().await, "VALIDATION_FAILED");
    }
    let change = async || {
        let message = proto::ChangePasswordRequest {
            current_password: "a wrong guess".to_owned(),
            new_password: "a new password".to_owned(),
        };
        let call = with(signed_in(from(HOME)), message);
        reason(
            fixture
                .accounts
                .change_password(call)
                .await
                .expect_err("wrong"),
        )
    };
    for _ in 0..2 {
        assert_eq!(change().await, "VALIDATION_FAILED");
    }
    assert_eq!(change().await, "TOO_MANY_ATTEMPTS");
    assert_eq!(reauthenticate().await, "TOO_MANY_ATTEMPTS");
    // It is the same password.
    assert_eq!(fixture.guess(HOME).await, "TOO_MANY_ATTEMPTS");
    fixture.database.close().await;
}

#[tokio::test]
async fn an_attempt_that_a_failure_cut_short_counts_against_nobody() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    let id = parse_id(&id).expect("an id");
    // Of one who has changed, it is asked once more when the session is open.
    let noted = fixture.accounts.store().note_person(id, 2).await;
    noted.expect("noted");
    for _ in 0..10 {
        fixture.fakes.fail("BatchGetUsers", Fault::Before);
        let failed = fixture.login_from(HOME, "ada@example.com", PASSWORD).await;
        assert_eq!(failed, "SERVICE_UNAVAILABLE");
    }
    let login = fixture.login_from(HOME, "ada@example.com", PASSWORD).await;
    assert_eq!(login, "OK");
    fixture.database.close().await;
}

#[tokio::test]
async fn refused_sign_ins_with_the_right_password_are_told_and_do_not_count() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    fixture.fakes.set_status(&id, Status::Disabled);
    for _ in 0..10 {
        let refused = fixture.login_from(HOME, "ada@example.com", PASSWORD).await;
        assert_eq!(refused, "ACCOUNT_DISABLED");
    }
    let record = fixture.database.record().await.into_iter();
    let refused = record.filter(|(kind, _, details, _)| {
        let details = details.as_deref().unwrap_or_default();
        kind == "sign_in.failed" && details.contains(r#""reason":"ACCOUNT_DISABLED""#)
    });
    assert_eq!(refused.count(), 10);
    fixture.database.close().await;
}

#[tokio::test]
async fn an_address_is_familiar_once_a_sign_in_from_there_is_complete() {
    let fixture = Fixture::new().await;
    let ada = fixture.protected().await;
    let strangers = async || {
        for network in 0..30 {
            fixture.guess(&format!("198.51.{network}.1")).await;
        }
    };
    let login = || {
        let message = proto::LoginRequest {
            email: "ada@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            cookie: false,
        };
        let answered = fixture.accounts.login(with(from(HOME), message));
        async move { answered.await.map(Response::into_inner).map_err(reason) }
    };
    login().await.expect("challenged");
    strangers().await;
    assert_eq!(login().await.expect_err("strange"), "TOO_MANY_ATTEMPTS");
    fixture.clock.advance(Duration::from_secs(60));
    let challenged = login().await.expect("challenged");
    let message = proto::AnswerChallengeRequest {
        mfa_token: challenged.mfa_token.expect("a challenge"),
        code: Some(ada.code(&fixture.clock)),
        ..Default::default()
    };
    let answered = fixture.accounts.answer_challenge(with(from(HOME), message));
    answered.await.expect("signed in");
    strangers().await;
    assert_eq!(fixture.guess("192.0.2.1").await, "TOO_MANY_ATTEMPTS");
    login().await.expect("the owner is not locked out");
    fixture.database.close().await;
}

#[tokio::test]
async fn without_the_throttle_nothing_is_counted() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    let config = Config {
        is_throttled: false,
        ..fixture.config.clone()
    };
    let accounts = start(&config, &fixture.database, &fixture.fakes, &fixture.clock).await;
    let fixture = Fixture {
        accounts,
        ..fixture
    };
    for _ in 0..10 {
        assert_eq!(fixture.guess(HOME).await, "INVALID_CREDENTIALS");
    }
    fixture.database.close().await;
}
