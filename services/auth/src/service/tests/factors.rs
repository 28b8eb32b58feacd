//! Second factors, as time passes and accounts change.

use portico_chassis::status::to_struct;
use portico_proto::{auth::factors_service_server::FactorsService as _, wkt::Struct};
use serde_json::Value;

use super::*;
use crate::{passkey::authenticator::Browser, service::proof::json};

const MINUTE: Duration = Duration::from_secs(60);

/// Somebody signed in, with an authenticator.
pub(super) struct Protected {
    person: Person,
    generator: totp_rs::Totp,
}

impl Fixture {
    /// A call of a person.
    fn by<T>(&self, person: &Person, message: T) -> Request<T> {
        let mut call = Call::default();
        call.caller = Caller {
            user: Some(Arc::new(person.clone())),
            ..Caller::default()
        };
        with(call, message)
    }

    async fn signed_in(&self) -> Person {
        let made = self.register(None).await.expect("made").into_inner();
        let token = made.refresh_token.expect("a token");
        let session_id = RefreshToken::parse(&token).expect("a token").session_id();
        person(&made.user.expect("a user").id, session_id, false)
    }

    pub(super) async fn protected(&self) -> Protected {
        let person = self.signed_in().await;
        let begin = self.by(&person, proto::BeginTotpRequest {});
        let begun = self.accounts.begin_totp(begin).await.expect("begun");
        let secret = begun.into_inner().secret;
        let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes());
        let generator = totp_rs::Builder::new()
            .with_secret(secret.expect("Base32"))
            .build()
            .expect("a generator");
        let protected = Protected { person, generator };
        let code = protected.code(&self.clock);
        let confirm = proto::ConfirmTotpRequest { code };
        let confirm = self.by(&protected.person, confirm);
        self.accounts.confirm_totp(confirm).await.expect("done");
        protected
    }

    async fn challenge(&self) -> String {
        let challenged = self.login(PASSWORD).await.expect("challenged");
        challenged.mfa_token.expect("a challenge")
    }

    async fn answer(&self, mfa_token: &str, code: String) -> Result<(), String> {
        let message = proto::AnswerChallengeRequest {
            mfa_token: mfa_token.to_owned(),
            code: Some(code),
            ..Default::default()
        };
        let answered = self
            .accounts
            .answer_challenge(with(Call::default(), message))
            .await;
        answered.map(|_| ()).map_err(reason)
    }

    /// What the calls come to that need a fresh sign-in, each with nothing
    /// else to say for itself.
    async fn sensitive(&self, person: &Person) -> Vec<Result<(), String>> {
        let accounts = &self.accounts;
        let code = || "000000".to_owned();
        let confirm = proto::ConfirmTotpRequest { code: code() };
        let disable = proto::DisableTotpRequest { code: code() };
        let renew = proto::RenewRecoveryCodesRequest {};
        let register = proto::BeginPasskeyRegistrationRequest {};
        let create = proto::CreatePasskeyRequest {
            ceremony_id: "none".to_owned(),
            name: "Key".to_owned(),
            credential: Some(Default::default()),
        };
        let delete = proto::DeletePasskeyRequest {
            id: Uuid::nil().to_string(),
        };
        vec![
            done(
                accounts
                    .begin_totp(self.by(person, proto::BeginTotpRequest {}))
                    .await,
            ),
            done(accounts.confirm_totp(self.by(person, confirm)).await),
            done(accounts.disable_totp(self.by(person, disable)).await),
            done(accounts.renew_recovery_codes(self.by(person, renew)).await),
            done(
                accounts
                    .begin_passkey_registration(self.by(person, register))
                    .await,
            ),
            done(accounts.create_passkey(self.by(person, create)).await),
            done(accounts.delete_passkey(self.by(person, delete)).await),
        ]
    }
}

impl Protected {
    pub(super) fn code(&self, clock: &Clock) -> String {
        let now = u64::try_from(clock.now().seconds()).expect("after 1970");
        self.generator.generate(now).to_string()
    }
}

/// What a ceremony has for the browser.
fn options(ceremony: &proto::Ceremony) -> Value {
    json(ceremony.public_key.as_ref().expect("options"))
}

/// What a browser returned, as a request carries it.
fn structured(returned: Value) -> Struct {
    match returned {
        Value::Object(map) => to_struct(map),
        other => panic!("{other} is no object"),
    }
}

fn done<T>(answered: Result<Response<T>, Failure>) -> Result<(), String> {
    answered.map(|_| ()).map_err(reason)
}

#[tokio::test]
async fn changes_of_factors_need_a_sign_in_within_ten_minutes() {
    let fixture = Fixture::new().await;
    let person = fixture.signed_in().await;
    let stale = Err("REAUTHENTICATION_REQUIRED".to_owned());
    fixture.clock.advance(10 * MINUTE);
    let fresh = fixture.sensitive(&person).await;
    assert!(fresh.iter().all(|outcome| *outcome != stale), "{fresh:?}");
    fixture.clock.advance(Duration::from_secs(1));
    for outcome in fixture.sensitive(&person).await {
        assert_eq!(outcome, stale);
    }
    let proof = proto::ReauthenticateRequest {
        password: Some(PASSWORD.to_owned()),
        ..Default::default()
    };
    let proved = fixture.accounts.reauthenticate(fixture.by(&person, proof));
    proved.await.expect("proved");
    let fresh = fixture.sensitive(&person).await;
    assert!(fresh.iter().all(|outcome| *outcome != stale), "{fresh:?}");
    fixture.database.close().await;
}

#[tokio::test]
async fn a_challenge_waits_for_five_minutes() {
    let fixture = Fixture::new().await;
    let ada = fixture.protected().await;
    let [early, late] = [fixture.challenge().await, fixture.challenge().await];
    fixture.clock.advance(5 * MINUTE - Duration::from_secs(1));
    let answered = fixture.answer(&early, ada.code(&fixture.clock)).await;
    assert_eq!(answered, Ok(()));
    fixture.clock.advance(Duration::from_secs(1));
    let code = ada.code(&fixture.clock);
    let answered = fixture.answer(&late, code).await;
    assert_eq!(answered, Err("MFA_TOKEN_INVALID".to_owned()));
    fixture.database.close().await;
}

#[tokio::test]
async fn an_account_that_is_disabled_meanwhile_is_not_entered() {
    let fixture = Fixture::new().await;
    let ada = fixture.protected().await;
    let token = fixture.challenge().await;
    fixture.clock.advance(MINUTE);
    let id = ada.person.id.to_string();
    fixture.fakes.set_status(&id, Status::Disabled);
    let answered = fixture.answer(&token, ada.code(&fixture.clock)).await;
    assert_eq!(answered, Err("ACCOUNT_DISABLED".to_owned()));
    fixture.database.close().await;
}

#[tokio::test]
async fn a_code_that_was_not_answered_for_is_used_up_all_the_same() {
    let fixture = Fixture::new().await;
    let ada = fixture.protected().await;
    let token = fixture.challenge().await;
    fixture.clock.advance(MINUTE);
    fixture.fakes.fail("BatchGetUsers", Fault::Before);
    let code = ada.code(&fixture.clock);
    let answered = fixture.answer(&token, code.clone()).await;
    assert_eq!(answered, Err("SERVICE_UNAVAILABLE".to_owned()));
    let token = fixture.challenge().await;
    let answered = fixture.answer(&token, code).await;
    assert_eq!(answered, Err("MFA_CODE_INVALID".to_owned()));
    fixture.database.close().await;
}

#[tokio::test]
async fn a_passkey_does_not_stand_in_for_a_verified_address() {
    let mut fixture = Fixture::new().await;
    let person = fixture.signed_in().await;
    let mut browser = Browser::at(&fixture.config.issuer);
    let begin = fixture.by(&person, proto::BeginPasskeyRegistrationRequest {});
    let begun = fixture.accounts.begin_passkey_registration(begin).await;
    let ceremony = begun.expect("begun").into_inner();
    let made = browser.create(&options(&ceremony)).await.expect("created");
    let create = proto::CreatePasskeyRequest {
        ceremony_id: ceremony.ceremony_id,
        name: "Key".to_owned(),
        credential: Some(structured(made)),
    };
    let create = fixture.by(&person, create);
    fixture
        .accounts
        .create_passkey(create)
        .await
        .expect("added");
    fixture.config.require_verified_email = true;
    let cost = fixture.config.password_cost;
    let fixture = Fixture {
        accounts: fixture.restarted(cost).await,
        ..fixture
    };
    let begin = with(Call::default(), proto::BeginPasskeyLoginRequest {});
    let begun = fixture.accounts.begin_passkey_login(begin).await;
    let ceremony = begun.expect("begun").into_inner();
    let shown = browser.get(&options(&ceremony)).await.expect("answered");
    let login = proto::LoginWithPasskeyRequest {
        ceremony_id: ceremony.ceremony_id,
        credential: Some(structured(shown)),
        cookie: false,
    };
    let login = with(Call::default(), login);
    let refused = fixture.accounts.login_with_passkey(login).await;
    assert_eq!(done(refused), Err("EMAIL_NOT_VERIFIED".to_owned()));
    fixture.database.close().await;
}

#[tokio::test]
async fn an_installation_without_a_name_has_no_passkeys() {
    let mut fixture = Fixture::new().await;
    fixture.config.issuer = "http://127.0.0.1:8080".to_owned();
    let cost = fixture.config.password_cost;
    let fixture = Fixture {
        accounts: fixture.restarted(cost).await,
        ..fixture
    };
    let person = fixture.signed_in().await;
    let unavailable = Err("PASSKEYS_UNAVAILABLE".to_owned());
    let register = proto::BeginPasskeyRegistrationRequest {};
    let register = fixture.by(&person, register);
    let begun = fixture.accounts.begin_passkey_registration(register).await;
    assert_eq!(done(begun), unavailable);
    let login = with(Call::default(), proto::BeginPasskeyLoginRequest {});
    let begun = fixture.accounts.begin_passkey_login(login).await;
    assert_eq!(done(begun), unavailable);
    fixture.database.close().await;
}
