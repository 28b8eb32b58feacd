//! Accounts, sign-in and sessions, over REST.

use serde_json::{Value, json};

use crate::{
    Instance, Person, in_both_shapes,
    instance::PASSWORD,
    rest::{Answer, detail},
};

in_both_shapes! {
    an_account_is_made_once_whatever_the_case_of_its_address,
    a_registration_names_every_field_at_fault,
    a_wrong_password_and_an_unknown_address_read_the_same,
    a_replayed_registration_opens_a_new_session_of_the_same_account,
    concurrent_registrations_with_one_key_make_one_account,
    refresh_tokens_rotate_and_an_old_one_ends_the_session,
    a_lost_answer_to_a_refresh_costs_nothing,
    logout_ends_the_session_and_its_tokens,
    logout_all_ends_every_session,
    sessions_are_listed_and_revoked,
    a_browser_keeps_its_refresh_token_in_a_cookie,
    a_foreign_page_cannot_use_the_cookie,
    a_new_password_ends_the_other_sessions,
    keys_and_issuer_are_published,
}

async fn refresh(portico: &Instance, token: &str) -> Answer {
    let call = portico.call("POST /api/v1/auth/refresh");
    call.json(json!({"refreshToken": token})).send().await
}

/// Waits until a token is refused: a revocation reaches every role by itself.
async fn until_refused(portico: &Instance, person: &Person) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let answer = portico
            .call("GET /api/v1/auth/me")
            .bearer(person)
            .send()
            .await;
        if answer.status != 200 {
            answer.error(401, "TOKEN_REVOKED");
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the token is still accepted"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn an_account_is_made_once_whatever_the_case_of_its_address(portico: &Instance) {
    let body = |email: &str| json!({"email": email, "password": PASSWORD, "name": "Ada"});
    let call = portico
        .call("POST /api/v1/auth/register")
        .json(body("Ada@Example.com"));
    let made = call.expect(201).await;
    assert_eq!(made["user"]["email"], "Ada@Example.com");
    assert_eq!(made["user"]["role"], "MEMBER");
    assert_eq!(made["user"]["avatar"], Value::Null);
    assert!(made["refreshToken"].is_string() && made["expiresAt"].is_string());
    let again = portico
        .call("POST /api/v1/auth/register")
        .json(body("ADA@EXAMPLE.COM"));
    again.refused(409, "EMAIL_EXISTS").await;
    let ada = portico.login("ada@example.com").await;
    let me = portico
        .call("GET /api/v1/auth/me")
        .bearer(&ada)
        .expect(200)
        .await;
    assert_eq!(me, made["user"]);
}

async fn a_registration_names_every_field_at_fault(portico: &Instance) {
    let call = portico.call("POST /api/v1/auth/register");
    let body = json!({"email": "no address", "password": "short", "name": " ", "admin": true});
    let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("admin", "UNKNOWN_FIELD"));
    let call = portico.call("POST /api/v1/auth/register");
    let body = json!({"email": "no address", "password": "short", "name": " "});
    let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
    let details = error["details"].as_array().expect("details");
    let mut codes: Vec<_> = details
        .iter()
        .map(|detail| {
            (
                detail["field"].as_str().unwrap(),
                detail["code"].as_str().unwrap(),
            )
        })
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("email", "EMAIL_INVALID"),
            ("name", "REQUIRED"),
            ("password", "PASSWORD_TOO_SHORT"),
        ]
    );
}

async fn a_wrong_password_and_an_unknown_address_read_the_same(portico: &Instance) {
    portico.register("ada").await;
    let login = async |email: &str| {
        let body = json!({"email": email, "password": "wrong password"});
        let call = portico.call("POST /api/v1/auth/login").json(body);
        call.refused(401, "INVALID_CREDENTIALS").await
    };
    assert_eq!(
        login("ada@example.com").await,
        login("nobody@example.com").await
    );
}

async fn a_replayed_registration_opens_a_new_session_of_the_same_account(portico: &Instance) {
    let register = async |password: &str| {
        let body = json!({"email": "ada@example.com", "password": password, "name": "Ada"});
        let call = portico.call("POST /api/v1/auth/register").json(body);
        call.header("Idempotency-Key", "one").send().await
    };
    let first = register(PASSWORD).await;
    assert_eq!(first.header("idempotency-replayed"), None);
    let replayed = register(PASSWORD).await;
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    let (first, replayed) = (first.data(201), replayed.data(201));
    assert_eq!(first["user"], replayed["user"]);
    assert_ne!(first["refreshToken"], replayed["refreshToken"]);
    let both = portico
        .call("GET /api/v1/auth/sessions")
        .bearer(&Person::of(&replayed));
    assert_eq!(both.expect(200).await.as_array().expect("a list").len(), 2);
    register("another password")
        .await
        .error(422, "IDEMPOTENCY_KEY_REUSED");
}

async fn concurrent_registrations_with_one_key_make_one_account(portico: &Instance) {
    let register = async || {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
        let call = portico.call("POST /api/v1/auth/register").json(body);
        call.header("Idempotency-Key", "one").send().await
    };
    let answers = tokio::join!(register(), register(), register(), register());
    let mut ids = Vec::new();
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        match answer.status.as_u16() {
            201 => ids.push(answer.data(201)["user"]["id"].clone()),
            _ => drop(answer.error(409, "IDEMPOTENCY_KEY_IN_USE")),
        }
    }
    assert!(!ids.is_empty());
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

async fn refresh_tokens_rotate_and_an_old_one_ends_the_session(portico: &Instance) {
    let ada = portico.register("ada").await;
    let second = refresh(portico, &ada.refresh_token).await.data(200);
    let third = refresh(portico, second["refreshToken"].as_str().unwrap())
        .await
        .data(200);
    let old = refresh(portico, &ada.refresh_token).await;
    old.error(401, "REFRESH_TOKEN_REUSED");
    let newest = refresh(portico, third["refreshToken"].as_str().unwrap()).await;
    newest.error(401, "REFRESH_TOKEN_INVALID");
    until_refused(portico, &ada).await;
    refresh(portico, "nonsense")
        .await
        .error(401, "REFRESH_TOKEN_INVALID");
    let call = portico.call("POST /api/v1/auth/refresh").json(json!({}));
    call.refused(401, "REFRESH_TOKEN_INVALID").await;
}

async fn a_lost_answer_to_a_refresh_costs_nothing(portico: &Instance) {
    let ada = portico.register("ada").await;
    refresh(portico, &ada.refresh_token).await.data(200);
    let again = refresh(portico, &ada.refresh_token).await.data(200);
    let me = portico
        .call("GET /api/v1/auth/me")
        .token(again["token"].as_str().unwrap());
    me.expect(200).await;
    refresh(portico, again["refreshToken"].as_str().unwrap())
        .await
        .data(200);
}

async fn logout_ends_the_session_and_its_tokens(portico: &Instance) {
    let ada = portico.register("ada").await;
    let other = portico.login(&ada.email).await;
    portico
        .call("POST /api/v1/auth/logout")
        .bearer(&ada)
        .expect(200)
        .await;
    until_refused(portico, &ada).await;
    refresh(portico, &ada.refresh_token)
        .await
        .error(401, "REFRESH_TOKEN_INVALID");
    portico
        .call("GET /api/v1/auth/me")
        .bearer(&other)
        .expect(200)
        .await;
}

async fn logout_all_ends_every_session(portico: &Instance) {
    let ada = portico.register("ada").await;
    let other = portico.login(&ada.email).await;
    portico
        .call("POST /api/v1/auth/logout-all")
        .bearer(&ada)
        .expect(200)
        .await;
    until_refused(portico, &ada).await;
    until_refused(portico, &other).await;
    let again = portico.login(&ada.email).await;
    portico
        .call("GET /api/v1/auth/me")
        .bearer(&again)
        .expect(200)
        .await;
}

async fn sessions_are_listed_and_revoked(portico: &Instance) {
    let ada = portico.register("ada").await;
    let other = portico.login(&ada.email).await;
    let bob = portico.register("bob").await;
    let list = portico
        .call("GET /api/v1/auth/sessions?limit=1")
        .bearer(&ada)
        .send()
        .await;
    let page = list.body["meta"]["pagination"].clone();
    assert_eq!(
        (&page["total"], &page["hasMore"]),
        (&json!(2), &json!(true))
    );
    let list = portico
        .call("GET /api/v1/auth/sessions")
        .bearer(&ada)
        .expect(200)
        .await;
    let sessions = list.as_array().expect("a list");
    let current: Vec<bool> = sessions.iter().map(|one| one["current"] == true).collect();
    assert_eq!(current.iter().filter(|current| **current).count(), 1);
    assert_eq!(sessions[0]["ip"], "127.0.0.1");
    let foreign = sessions
        .iter()
        .find(|one| one["current"] == false)
        .expect("the other one");
    let path = format!(
        "DELETE /api/v1/auth/sessions/{}",
        foreign["id"].as_str().unwrap()
    );
    portico
        .call(&path)
        .bearer(&bob)
        .refused(404, "SESSION_NOT_FOUND")
        .await;
    portico.call(&path).bearer(&ada).expect(200).await;
    until_refused(portico, &other).await;
    portico
        .call(&path)
        .bearer(&ada)
        .refused(404, "SESSION_NOT_FOUND")
        .await;
    let malformed = portico.call("DELETE /api/v1/auth/sessions/1").bearer(&ada);
    malformed.refused(404, "SESSION_NOT_FOUND").await;
}

async fn a_browser_keeps_its_refresh_token_in_a_cookie(portico: &Instance) {
    let ada = portico.register("ada").await;
    let body = json!({"email": ada.email, "password": PASSWORD, "cookie": true});
    let answer = portico
        .call("POST /api/v1/auth/login")
        .json(body)
        .send()
        .await;
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    for part in [
        "portico_refresh=",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/api/v1/auth",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.data(200)["refreshToken"], Value::Null);
    let pair = cookie.split(';').next().expect("a value").to_owned();
    let refreshed = portico
        .call("POST /api/v1/auth/refresh")
        .header("Cookie", &pair)
        .send()
        .await;
    let next = refreshed
        .header("set-cookie")
        .expect("the next cookie")
        .to_owned();
    let data = refreshed.data(200);
    assert_eq!(data["refreshToken"], Value::Null);
    let logout = portico.call("POST /api/v1/auth/logout");
    let logout = logout.token(data["token"].as_str().unwrap());
    let pair = next.split(';').next().expect("a value");
    let answer = logout.header("Cookie", pair).send().await;
    let gone = answer
        .header("set-cookie")
        .expect("the cookie is forgotten");
    assert!(
        gone.starts_with("portico_refresh=;") && gone.contains("Max-Age=0"),
        "{gone}"
    );
}

async fn a_foreign_page_cannot_use_the_cookie(portico: &Instance) {
    let ada = portico.register("ada").await;
    let pair = format!("portico_refresh={}", ada.refresh_token);
    let call = portico
        .call("POST /api/v1/auth/refresh")
        .header("Cookie", &pair);
    let call = call.header("Origin", "https://evil.example");
    call.refused(403, "ORIGIN_NOT_ALLOWED").await;
    let own = portico
        .call("POST /api/v1/auth/refresh")
        .header("Cookie", &pair);
    own.header("Origin", "http://localhost:8080")
        .expect(200)
        .await;
    let body = json!({"email": ada.email, "password": PASSWORD, "cookie": true});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.header("Origin", "https://evil.example")
        .refused(403, "ORIGIN_NOT_ALLOWED")
        .await;
}

async fn a_new_password_ends_the_other_sessions(portico: &Instance) {
    let ada = portico.register("ada").await;
    let other = portico.login(&ada.email).await;
    let change = async |current: &str, new: &str| {
        let body = json!({"currentPassword": current, "newPassword": new});
        portico
            .call("POST /api/v1/auth/password/change")
            .bearer(&ada)
            .json(body)
            .send()
            .await
    };
    let error = change("wrong password", "a new password")
        .await
        .error(400, "VALIDATION_FAILED");
    assert_eq!(detail(&error), ("currentPassword", "PASSWORD_INCORRECT"));
    let error = change(PASSWORD, "short")
        .await
        .error(400, "VALIDATION_FAILED");
    assert_eq!(detail(&error), ("newPassword", "PASSWORD_TOO_SHORT"));
    change(PASSWORD, "a new password").await.data(200);
    until_refused(portico, &other).await;
    portico
        .call("GET /api/v1/auth/me")
        .bearer(&ada)
        .expect(200)
        .await;
    let body = json!({"email": ada.email, "password": PASSWORD});
    let old = portico.call("POST /api/v1/auth/login").json(body);
    old.refused(401, "INVALID_CREDENTIALS").await;
    let body = json!({"email": ada.email, "password": "a new password"});
    portico
        .call("POST /api/v1/auth/login")
        .json(body)
        .expect(200)
        .await;
    let wrong = portico
        .call("POST /api/v1/auth/reauthenticate")
        .bearer(&ada);
    let error = wrong
        .json(json!({"password": PASSWORD}))
        .refused(400, "VALIDATION_FAILED")
        .await;
    assert_eq!(detail(&error), ("password", "PASSWORD_INCORRECT"));
    let right = portico
        .call("POST /api/v1/auth/reauthenticate")
        .bearer(&ada);
    let data = right
        .json(json!({"password": "a new password"}))
        .expect(200)
        .await;
    assert!(data["validUntil"].is_string());
}

async fn keys_and_issuer_are_published(portico: &Instance) {
    let jwks = portico.call("GET /.well-known/jwks.json").send().await;
    assert_eq!(jwks.status, 200);
    let key = &jwks.body["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
    );
    let metadata = portico
        .call("GET /.well-known/openid-configuration")
        .send()
        .await;
    assert_eq!(metadata.body["issuer"], "http://localhost:8080");
    assert_eq!(
        metadata.body["jwks_uri"],
        "http://localhost:8080/.well-known/jwks.json"
    );
}
