//! An installation where nobody signs in before the address is verified.

use serde_json::{Value, json};

use super::{VERIFY, WELCOME};
use crate::{Instance, Person, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    with [("PORTICO_REQUIRE_VERIFIED_EMAIL", "true")];
    nobody_signs_in_before_the_address_is_verified,
    an_account_that_is_there_is_told_so_by_mail_and_stays,
    an_account_is_asked_for_once_under_a_key,
    who_chooses_the_password_by_mail_has_verified_the_address,
}

/// Asks for an account; what is answered says nothing.
async fn ask_for_account(portico: &Instance, email: &str, key: Option<&str>) -> bool {
    let body = json!({"email": email, "password": PASSWORD, "name": "Ada", "cookie": true});
    let mut call = portico.call("POST /api/v1/auth/register").json(body);
    if let Some(key) = key {
        call = call.header("Idempotency-Key", key);
    }
    let answer = call.send().await;
    let is_replayed = answer.header("idempotency-replayed").is_some();
    assert_eq!(answer.header("set-cookie"), None);
    let data = answer.data(202);
    for absent in ["user", "token", "expiresAt", "refreshToken"] {
        assert_eq!(data[absent], Value::Null);
    }
    is_replayed
}

async fn login(portico: &Instance, password: &str) -> (u16, Value) {
    let body = json!({"email": "ada@example.com", "password": password});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    let answer = call.send().await;
    (answer.status.as_u16(), answer.body)
}

async fn nobody_signs_in_before_the_address_is_verified(portico: &Instance) {
    ask_for_account(portico, "ada@example.com", None).await;
    let first = portico.mails.mail("ada@example.com", WELCOME).await.token();
    let (status, body) = login(portico, PASSWORD).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (403, &json!("EMAIL_NOT_VERIFIED"))
    );
    let (status, body) = login(portico, "wrong password").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("INVALID_CREDENTIALS"))
    );
    // The right password brings another link, the wrong one does not.
    portico.mails.mail("ada@example.com", VERIFY).await;
    let code = portico.follow("email/verify", &first).await;
    assert_eq!(code, "OK");
    let (status, body) = login(portico, PASSWORD).await;
    assert_eq!(status, 200);
    let ada = Person::of(&body["data"]);
    assert_eq!(portico.me(&ada).await["emailVerified"], true);
    assert_eq!(portico.mails.count("ada@example.com"), 2);
}

async fn an_account_that_is_there_is_told_so_by_mail_and_stays(portico: &Instance) {
    let admin = portico.admin_person().await;
    ask_for_account(portico, &admin.email, None).await;
    let taken = "You have an account already";
    portico.mails.mail(&admin.email, taken).await;
    assert_eq!(portico.me(&admin).await["name"], "Administrator");
}

async fn an_account_is_asked_for_once_under_a_key(portico: &Instance) {
    let ask = async |email: &str| ask_for_account(portico, email, Some("key")).await;
    assert!(!ask("ada@example.com").await);
    assert!(ask("ada@example.com").await);
    let body = json!({"email": "bob@example.com", "password": PASSWORD, "name": "Bob"});
    let call = portico.call("POST /api/v1/auth/register").json(body);
    let call = call.header("Idempotency-Key", "key");
    call.refused(422, "IDEMPOTENCY_KEY_REUSED").await;
    portico.mails.mail("ada@example.com", WELCOME).await;
    assert_eq!(portico.mails.count("ada@example.com"), 1);
    let call = portico.call("POST /api/v1/auth/register");
    let body = json!({"email": "x", "password": "y", "name": ""});
    let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(error["details"].as_array().map(Vec::len), Some(3));
}

async fn who_chooses_the_password_by_mail_has_verified_the_address(portico: &Instance) {
    let admin = portico.admin_person().await;
    let body = json!({"email": "ada@example.com", "name": "Ada"});
    let call = portico.call("POST /api/v1/users").bearer(&admin);
    call.json(body).expect(201).await;
    let mail = portico
        .mails
        .mail("ada@example.com", "Choose a password")
        .await;
    let code = portico.follow("password/reset", &mail.token()).await;
    assert_eq!(code, "OK");
    let (status, _) = login(portico, super::ANOTHER).await;
    assert_eq!(status, 200);
}
