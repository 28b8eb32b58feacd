//! Second factors, over REST, with authenticators that are not ours.

pub(crate) mod authenticator;
mod passkeys;
mod resets;

use serde_json::{Value, json};

use self::authenticator::{Browser, Generator};
use crate::{
    Instance, Person, in_both_shapes,
    instance::PASSWORD,
    rest::{Answer, detail},
};

in_both_shapes! {
    an_authenticator_is_asked_for_at_sign_in_once_it_is_confirmed,
    a_code_and_its_challenge_are_good_once,
    a_recovery_code_is_good_once,
    of_twenty_at_once_one_gets_in,
    wrong_codes_end_a_challenge_and_then_slow_the_account_down,
    a_challenge_ends_with_the_password,
    an_authenticator_is_turned_off_by_a_code,
    people_see_which_factors_they_have,
    a_browser_keeps_the_refresh_token_of_a_challenge_in_a_cookie,
    a_replayed_registration_does_not_get_past_a_second_factor,
    who_is_there_is_proved_again_by_a_code,
    an_answer_shows_exactly_one_proof,
}

/// Somebody with an authenticator, signed in.
pub(crate) struct Protected {
    pub(crate) person: Person,
    pub(crate) generator: Generator,
    pub(crate) recovery_codes: Vec<String>,
}

impl Instance {
    /// Makes an account with an authenticator. The code of now is used up, the
    /// next one is not.
    pub(crate) async fn protected(&self, name: &str) -> Protected {
        let person = self.register(name).await;
        let call = self.call("POST /api/v1/auth/mfa/totp").bearer(&person);
        let begun = call.json(json!({})).expect(200).await;
        let generator = Generator::of(begun["secret"].as_str().unwrap());
        let call = self.call("POST /api/v1/auth/mfa/totp/confirm");
        let confirm = json!({"code": generator.code()});
        let confirmed = call.bearer(&person).json(confirm).expect(200).await;
        let codes = confirmed["recoveryCodes"].as_array().unwrap().iter();
        Protected {
            person,
            generator,
            recovery_codes: codes
                .map(|code| code.as_str().unwrap().to_owned())
                .collect(),
        }
    }

    /// Signs in by the password of somebody who has a second factor: the token
    /// of the challenge.
    pub(crate) async fn challenge(&self, email: &str) -> String {
        let answer = self.by_password(email).await;
        assert_eq!(answer["mfaRequired"], true, "{answer}");
        answer["mfaToken"].as_str().unwrap().to_owned()
    }

    async fn by_password(&self, email: &str) -> Value {
        let body = json!({"email": email, "password": PASSWORD});
        let call = self.call("POST /api/v1/auth/login").json(body);
        call.expect(200).await
    }

    pub(crate) async fn answer(&self, token: &str, proof: Value) -> Answer {
        let mut body = proof;
        body["mfaToken"] = json!(token);
        let call = self.call("POST /api/v1/auth/mfa/challenge");
        call.json(body).send().await
    }
}

/// A code that is never right: those of authenticators have six digits.
const WRONG: &str = "12345";

async fn an_authenticator_is_asked_for_at_sign_in_once_it_is_confirmed(portico: &Instance) {
    let ada = portico.register("ada").await;
    let begin = portico.call("POST /api/v1/auth/mfa/totp").bearer(&ada);
    let begun = begin.json(json!({})).expect(200).await;
    let url = begun["otpauthUrl"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/localhost:ada@example.com?secret="));
    assert!(url.contains("&issuer=localhost&"), "{url}");
    assert!(begun["qrSvg"].as_str().unwrap().contains("<svg"));
    let secret = begun["secret"].as_str().unwrap();
    assert!(url.contains(secret));
    let generator = Generator::of(secret);
    let confirm = |code: &str| {
        let call = portico.call("POST /api/v1/auth/mfa/totp/confirm");
        call.bearer(&ada).json(json!({"code": code}))
    };
    let error = confirm(WRONG).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("code", "CODE_INCORRECT"));
    // Nothing is asked for yet.
    let signed_in = portico.by_password(&ada.email).await;
    assert_eq!(signed_in["mfaRequired"], false);
    assert!(signed_in["mfaToken"].is_null() && signed_in["token"].is_string());
    let confirmed = confirm(&generator.code()).expect(200).await;
    assert_eq!(confirmed["recoveryCodes"].as_array().unwrap().len(), 10);

    let challenged = portico.by_password(&ada.email).await;
    let methods = json!(["TOTP", "RECOVERY_CODE"]);
    let token = &challenged["mfaToken"];
    let expected = json!({
        "user": null, "token": null, "expiresAt": null, "refreshToken": null,
        "mfaRequired": true, "mfaToken": token, "methods": methods,
    });
    assert_eq!(challenged, expected);
    let token = token.as_str().unwrap();
    let wrong = portico.answer(token, json!({"code": WRONG})).await;
    wrong.error(401, "MFA_CODE_INVALID");
    let right = json!({"code": generator.next_code()});
    let signed_in = portico.answer(token, right).await;
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    let signed_in = signed_in.data(200);
    assert_eq!(signed_in["user"]["id"], json!(ada.id));
    assert_eq!(signed_in["mfaRequired"], false);
    assert_eq!(signed_in["methods"], json!([]));
    let me = portico.call("GET /api/v1/auth/me");
    me.bearer(&Person::of(&signed_in)).expect(200).await;

    for line in [
        "POST /api/v1/auth/mfa/totp",
        "POST /api/v1/auth/mfa/totp/confirm",
    ] {
        let call = portico.call(line).bearer(&ada);
        let again = call.json(json!({"code": "123456"}));
        match line.ends_with("confirm") {
            true => again.refused(409, "MFA_ALREADY_ENABLED").await,
            false => again.refused(400, "VALIDATION_FAILED").await,
        };
    }
    let again = portico.call("POST /api/v1/auth/mfa/totp").bearer(&ada);
    let again = again.json(json!({}));
    again.refused(409, "MFA_ALREADY_ENABLED").await;
    let mail = portico
        .mails
        .mail(&ada.email, "An authenticator was added")
        .await;
    assert!(mail.text.contains("Hello ada,"), "{}", mail.text);
}

async fn a_code_and_its_challenge_are_good_once(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let (first, second) = (
        portico.challenge(&ada.person.email).await,
        portico.challenge(&ada.person.email).await,
    );
    let code = json!({"code": ada.generator.next_code()});
    portico.answer(&first, code.clone()).await.data(200);
    let again = portico.answer(&first, code.clone()).await;
    again.error(401, "MFA_TOKEN_INVALID");
    let elsewhere = portico.answer(&second, code).await;
    elsewhere.error(401, "MFA_CODE_INVALID");
    let unknown = portico.answer("pmf_x", json!({"code": WRONG})).await;
    unknown.error(401, "MFA_TOKEN_INVALID");
}

async fn a_recovery_code_is_good_once(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let email = &ada.person.email;
    let code = json!({"recoveryCode": ada.recovery_codes[0].to_uppercase()});
    let token = portico.challenge(email).await;
    portico.answer(&token, code.clone()).await.data(200);
    let mail = portico.mails.mail(email, "A recovery code was used").await;
    assert!(mail.text.contains("Hello ada,"), "{}", mail.text);
    let token = portico.challenge(email).await;
    let again = portico.answer(&token, code).await;
    again.error(401, "MFA_CODE_INVALID");
    // A code of one kind is none of the other.
    let other = json!({"code": ada.recovery_codes[1]});
    let other = portico.answer(&token, other).await;
    other.error(401, "MFA_CODE_INVALID");
    let other = json!({"recoveryCode": ada.generator.next_code()});
    let other = portico.answer(&token, other).await;
    other.error(401, "MFA_CODE_INVALID");

    let call = portico.call("POST /api/v1/auth/mfa/recovery-codes");
    let renewed = call.bearer(&ada.person).json(json!({})).expect(200).await;
    let old = json!({"recoveryCode": ada.recovery_codes[1]});
    let old = portico.answer(&token, old).await;
    old.error(401, "MFA_CODE_INVALID");
    let new = json!({"recoveryCode": renewed["recoveryCodes"][9]});
    portico.answer(&token, new).await.data(200);
    let bob = portico.register("bob").await;
    let call = portico.call("POST /api/v1/auth/mfa/recovery-codes");
    let none = call.bearer(&bob).json(json!({}));
    none.refused(409, "MFA_NOT_ENABLED").await;
}

/// How many of these answers opened a session.
async fn winners(answers: impl Iterator<Item = impl Future<Output = Answer>>) -> usize {
    let answers = futures::future::join_all(answers).await;
    assert_eq!(answers.len(), 20);
    let won = answers.iter().filter(|answer| answer.status == 200);
    won.count()
}

async fn of_twenty_at_once_one_gets_in(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let email = &ada.person.email;
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(portico.challenge(email).await);
    }
    let code = json!({"code": ada.generator.next_code()});
    let answers = tokens
        .iter()
        .map(|token| portico.answer(token, code.clone()));
    assert_eq!(winners(answers).await, 1, "the same code");

    let bob = portico.protected("bob").await;
    let email = &bob.person.email;
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(portico.challenge(email).await);
    }
    let code = json!({"recoveryCode": bob.recovery_codes[0]});
    let answers = tokens
        .iter()
        .map(|token| portico.answer(token, code.clone()));
    assert_eq!(winners(answers).await, 1, "the same recovery code");

    let eve = portico.protected("eve").await;
    let token = portico.challenge(&eve.person.email).await;
    let codes = eve.recovery_codes.iter().cycle().take(20);
    let answers = codes.map(|code| portico.answer(&token, json!({"recoveryCode": code})));
    assert_eq!(winners(answers).await, 1, "the same challenge");
}

async fn wrong_codes_end_a_challenge_and_then_slow_the_account_down(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let email = &ada.person.email;
    let token = portico.challenge(email).await;
    for _ in 0..5 {
        let wrong = portico.answer(&token, json!({"code": WRONG})).await;
        wrong.error(401, "MFA_CODE_INVALID");
    }
    let code = json!({"code": ada.generator.next_code()});
    let late = portico.answer(&token, code.clone()).await;
    late.error(401, "MFA_TOKEN_INVALID");
    let token = portico.challenge(email).await;
    let wrong = portico.answer(&token, json!({"recoveryCode": WRONG})).await;
    wrong.error(401, "MFA_CODE_INVALID");
    let blocked = portico.answer(&token, code).await;
    let pause: u64 = blocked.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&pause), "{pause}");
    blocked.error(429, "TOO_MANY_ATTEMPTS");
    // The same holds for whoever is signed in.
    let call = portico.call("POST /api/v1/auth/reauthenticate");
    let again = call.bearer(&ada.person).json(json!({"code": WRONG}));
    again.refused(429, "TOO_MANY_ATTEMPTS").await;
}

async fn a_challenge_ends_with_the_password(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let token = portico.challenge(&ada.person.email).await;
    let change = json!({"currentPassword": PASSWORD, "newPassword": "another password"});
    let call = portico.call("POST /api/v1/auth/password/change");
    call.bearer(&ada.person).json(change).expect(200).await;
    let code = json!({"code": ada.generator.next_code()});
    let late = portico.answer(&token, code).await;
    late.error(401, "MFA_TOKEN_INVALID");
    let call = portico.call("POST /api/v1/auth/mfa/passkey/options");
    let late = call.json(json!({"mfaToken": token}));
    late.refused(401, "MFA_TOKEN_INVALID").await;
}

async fn an_authenticator_is_turned_off_by_a_code(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let disable = |code: &str| {
        let call = portico.call("POST /api/v1/auth/mfa/totp/disable");
        call.bearer(&ada.person).json(json!({"code": code}))
    };
    let error = disable(WRONG).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("code", "CODE_INCORRECT"));
    let done = disable(&ada.generator.next_code()).expect(200).await;
    assert_eq!(done, Value::Null);
    portico.login(&ada.person.email).await;
    let error = disable(&ada.recovery_codes[0]);
    let error = error.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("code", "CODE_INCORRECT"));
    let mails = &portico.mails;
    mails
        .mail(&ada.person.email, "An authenticator was removed")
        .await;
    // Whoever has lost it uses a recovery code instead.
    let bob = portico.protected("bob").await;
    let call = portico.call("POST /api/v1/auth/mfa/totp/disable");
    let lost = json!({"code": bob.recovery_codes[0]});
    call.bearer(&bob.person).json(lost).expect(200).await;
    portico.login(&bob.person.email).await;
}

async fn people_see_which_factors_they_have(portico: &Instance) {
    let ada = portico.register("ada").await;
    let factors = async |person: &Person| {
        let call = portico.call("GET /api/v1/auth/mfa").bearer(person);
        call.expect(200).await
    };
    let of = |totp: bool, recovery_codes_left: u32, passkeys: u32| json!({"totp": totp, "recoveryCodesLeft": recovery_codes_left, "passkeys": passkeys});
    assert_eq!(factors(&ada).await, of(false, 0, 0));
    // One that is not confirmed is none.
    let begin = portico.call("POST /api/v1/auth/mfa/totp").bearer(&ada);
    begin.json(json!({})).expect(200).await;
    assert_eq!(factors(&ada).await, of(false, 0, 0));
    let passkey = portico.passkey(&ada, &mut Browser::new()).await;
    assert_eq!(factors(&ada).await, of(false, 0, 1));

    let bob = portico.protected("bob").await;
    assert_eq!(factors(&bob.person).await, of(true, 10, 0));
    portico.passkey(&bob.person, &mut Browser::new()).await;
    let token = portico.challenge(&bob.person.email).await;
    let code = json!({"recoveryCode": bob.recovery_codes[0]});
    portico.answer(&token, code).await.data(200);
    assert_eq!(factors(&bob.person).await, of(true, 9, 1));
    let disable = portico.call("POST /api/v1/auth/mfa/totp/disable");
    let code = json!({"code": bob.generator.next_code()});
    disable.bearer(&bob.person).json(code).expect(200).await;
    assert_eq!(factors(&bob.person).await, of(false, 9, 1));

    let path = format!(
        "DELETE /api/v1/auth/passkeys/{}",
        passkey["id"].as_str().unwrap()
    );
    portico.call(&path).bearer(&ada).expect(200).await;
    assert_eq!(factors(&ada).await, of(false, 0, 0));
    let nobody = portico.call("GET /api/v1/auth/mfa");
    nobody.refused(401, "UNAUTHENTICATED").await;
}

async fn a_browser_keeps_the_refresh_token_of_a_challenge_in_a_cookie(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let token = portico.challenge(&ada.person.email).await;
    let code = ada.recovery_codes[0].as_str();
    let body = json!({"mfaToken": token, "recoveryCode": code, "cookie": true});
    let foreign = portico.call("POST /api/v1/auth/mfa/challenge");
    let foreign = foreign.header("Origin", "https://evil.example");
    let foreign = foreign.json(body.clone());
    foreign.refused(403, "ORIGIN_NOT_ALLOWED").await;
    let call = portico.call("POST /api/v1/auth/mfa/challenge").json(body);
    let answer = call.send().await;
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("portico_refresh=prt_"), "{cookie}");
    let data = answer.data(200);
    assert!(data["refreshToken"].is_null() && data["token"].is_string());
}

async fn a_replayed_registration_does_not_get_past_a_second_factor(portico: &Instance) {
    let register = || {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "ada"});
        let call = portico.call("POST /api/v1/auth/register").json(body);
        call.header("Idempotency-Key", "one")
    };
    let ada = Person::of(&register().expect(201).await);
    let begin = portico.call("POST /api/v1/auth/mfa/totp").bearer(&ada);
    let begun = begin.json(json!({})).expect(200).await;
    let generator = Generator::of(begun["secret"].as_str().unwrap());
    let confirm = portico.call("POST /api/v1/auth/mfa/totp/confirm");
    let confirm = confirm.json(json!({"code": generator.code()}));
    confirm.bearer(&ada).expect(200).await;
    let replayed = register().expect(201).await;
    assert_eq!(replayed["user"]["id"], json!(ada.id));
    for absent in ["token", "expiresAt", "refreshToken"] {
        assert!(replayed[absent].is_null(), "{absent}");
    }
}

async fn who_is_there_is_proved_again_by_a_code(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let prove = |body: Value| {
        let call = portico.call("POST /api/v1/auth/reauthenticate");
        call.bearer(&ada.person).json(body)
    };
    let wrong = prove(json!({"code": WRONG}));
    let error = wrong.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("code", "CODE_INCORRECT"));
    let code = json!({"code": ada.generator.next_code()});
    let proved = prove(code.clone()).expect(200).await;
    assert!(proved["validUntil"].is_string());
    let error = prove(code).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("code", "CODE_INCORRECT"));
    prove(json!({"password": PASSWORD})).expect(200).await;
}

async fn an_answer_shows_exactly_one_proof(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let token = portico.challenge(&ada.person.email).await;
    for (proof, expected) in [
        (json!({}), ("code", "REQUIRED")),
        (
            json!({"code": WRONG, "recoveryCode": WRONG}),
            ("recoveryCode", "NOT_ALLOWED"),
        ),
        (
            json!({"ceremonyId": ada.person.id}),
            ("credential", "REQUIRED"),
        ),
        (json!({"credential": {}}), ("ceremonyId", "REQUIRED")),
    ] {
        let refused = portico.answer(&token, proof).await;
        let error = refused.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), expected);
    }
    let call = portico.call("POST /api/v1/auth/reauthenticate");
    let both = json!({"password": PASSWORD, "code": WRONG});
    let both = call.bearer(&ada.person).json(both);
    let error = both.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("code", "NOT_ALLOWED"));
}
