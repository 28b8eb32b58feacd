//! Requests that say more than they are asked for.

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    a_sign_in_adopts_no_session_that_was_brought_along,
    made_up_addresses_are_not_believed,
    nobody_rises_by_a_field_that_is_not_asked_for,
    nobody_is_sent_to_a_foreign_place,
    no_header_is_split_by_what_a_client_says,
}

async fn sessions(portico: &Instance, person: &Person) -> Vec<String> {
    let call = portico.call("GET /api/v1/auth/sessions").bearer(person);
    let listed = call.expect(200).await;
    let listed = listed.as_array().expect("a list").iter();
    let ids = listed.map(|session| session["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

async fn a_sign_in_adopts_no_session_that_was_brought_along(portico: &Instance) {
    let (ada, eve) = (portico.register("ada").await, portico.register("eve").await);
    let before = sessions(portico, &ada).await;
    let body = json!({"email": ada.email, "password": PASSWORD, "cookie": true});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    let planted = format!("portico_refresh={}", eve.refresh_token);
    let answer = call.header("Cookie", &planted).send().await;
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(!cookie.contains(&eve.refresh_token));
    let ada = Person::of(&answer.data(200));
    let after = sessions(portico, &ada).await;
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|id| after.contains(id)));
    assert_eq!(sessions(portico, &eve).await.len(), 1);
    let refresh = portico.call("POST /api/v1/auth/refresh");
    let refresh = refresh.json(json!({"refreshToken": eve.refresh_token}));
    let still = refresh.expect(200).await;
    let me = portico.call("GET /api/v1/auth/me").bearer(&Person {
        token: still["token"].as_str().expect("a token").to_owned(),
        ..eve.clone()
    });
    assert_eq!(me.expect(200).await["id"], json!(eve.id));
}

/// Nobody gets more guesses by saying that they come from elsewhere: without a
/// trusted proxy `X-Forwarded-For` is what a stranger says.
async fn made_up_addresses_are_not_believed(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut compared = 0;
    loop {
        let body = json!({"email": ada.email, "password": "a wrong guess"});
        let call = portico.call("POST /api/v1/auth/login").json(body);
        let address = format!("198.51.100.{compared}");
        let forwarded = format!("for={address}");
        let call = call.header("X-Forwarded-For", &address);
        let call = call.header("X-Real-IP", &address);
        let answer = call.header("Forwarded", &forwarded).send().await;
        if answer.status == 429 {
            answer.error(429, "TOO_MANY_ATTEMPTS");
            break;
        }
        answer.error(401, "INVALID_CREDENTIALS");
        compared += 1;
        assert!(compared < 9, "each address is given guesses of its own");
    }
}

async fn nobody_rises_by_a_field_that_is_not_asked_for(portico: &Instance) {
    let ada = portico.register("ada").await;
    let me = async || {
        let call = portico.call("GET /api/v1/auth/me").bearer(&ada);
        call.expect(200).await
    };
    let before = me().await;
    let project = portico.project(&ada, "Apollo").await;
    let id = project["id"].as_str().expect("an id");
    for (name, value) in [
        ("role", json!("ADMIN")),
        ("status", json!("ACTIVE")),
        ("emailVerified", json!(true)),
        ("id", json!("01900000-0000-7000-8000-000000000001")),
        ("isAdmin", json!(true)),
        ("scopes", json!(["admin"])),
        ("__proto__", json!({"role": "ADMIN"})),
    ] {
        let mut body = json!({"email": "eve@example.com", "password": PASSWORD, "name": "Eve"});
        body[name] = value.clone();
        let call = portico.call("POST /api/v1/auth/register").json(body);
        call.refused(400, "VALIDATION_FAILED").await;
        let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
        let mut change = json!({});
        change[name] = value.clone();
        let status = call.bearer(&ada).json(change).send().await.status;
        assert!([400, 403].contains(&status.as_u16()), "{name}: {status}");
    }
    assert_eq!(me().await, before);
    for (line, body) in [
        (
            format!("POST /api/v1/projects/{id}/invitations"),
            json!({"email": "eve@example.com", "role": "OWNER"}),
        ),
        (
            format!("POST /api/v1/projects/{id}/invitations"),
            json!({"email": "eve@example.com", "role": "MEMBER", "status": "ACCEPTED"}),
        ),
        (
            "POST /api/v1/projects".to_owned(),
            json!({"name": "Gemini", "ownerId": ada.id}),
        ),
    ] {
        let call = portico.call(&line).bearer(&ada).json(body);
        call.refused(400, "VALIDATION_FAILED").await;
    }
    let body = json!({"email": "eve@example.com", "password": PASSWORD, "name": "Eve"});
    let call = portico.call("POST /api/v1/auth/register").json(body);
    assert_eq!(call.expect(201).await["user"]["role"], "MEMBER");
}

async fn nobody_is_sent_to_a_foreign_place(portico: &Instance) {
    for path in [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/%5cevil.example",
        "/\\evil.example",
        "/docs//evil.example",
        "/api/v1//evil.example",
        "/?redirect=https://evil.example",
        "/docs?next=//evil.example",
        "/verify-email?redirect=https://evil.example",
        "/set-password?returnTo=//evil.example",
    ] {
        let answer = portico.call(&format!("GET {path}")).send().await;
        let place = answer.header("location").unwrap_or_default();
        assert!(!place.contains("evil"), "{path}: {place}");
        assert!(!answer.status.is_redirection(), "{path}: {}", answer.status);
    }
}

async fn no_header_is_split_by_what_a_client_says(portico: &Instance) {
    for id in ["a%0d%0aSet-Cookie: x=1", "a\tb", "a b", &"a".repeat(1000)] {
        let call = portico.call("GET /livez").header("X-Request-Id", id);
        let answer = call.send().await;
        assert_ne!(answer.header("x-request-id"), Some(id));
        assert_eq!(answer.header("set-cookie"), None);
    }
    let line = "Ada\r\nBcc: eve@example.com";
    for body in [
        json!({"email": "ada@example.com", "password": PASSWORD, "name": line}),
        json!({"email": format!("{line}@example.com"), "password": PASSWORD, "name": "Ada"}),
        json!({"email": "ada@example.com\r\n", "password": PASSWORD, "name": "Ada\u{0}"}),
    ] {
        let call = portico.call("POST /api/v1/auth/register").json(body);
        let error: Value = call.refused(400, "VALIDATION_FAILED").await;
        assert!(!error.to_string().contains("Bcc"), "{error}");
    }
    assert_eq!(portico.mails.count("eve@example.com"), 0);
}
