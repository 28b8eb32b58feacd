//! API keys, from their making to their end.

use std::time::{Duration, Instant};

use portico_chassis::{clock::Clock, status::Error};
use serde_json::{Value, json};

use crate::{
    Instance, Person, in_both_shapes,
    instance::PASSWORD,
    live::clients::{Clients, PATIENCE},
    rest::detail,
};

in_both_shapes! {
    a_key_does_what_its_scopes_say_and_is_shown_once,
    a_replay_shows_no_secret_again,
    keys_are_their_owners_alone,
    a_revoked_key_ends_everywhere_within_two_seconds,
    a_key_has_the_role_that_its_owner_has_now,
    a_key_stays_when_sessions_end_and_works_while_its_owner_may_sign_in,
    a_key_expires,
    what_needs_the_person_itself_is_not_for_a_key,
    a_key_gives_no_roles_unless_it_says_so,
}

/// How soon what was revoked must have ended.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// A key of this person: its id and its secret.
pub(crate) async fn make_key(
    portico: &Instance,
    person: &Person,
    scopes: &[&str],
) -> (String, String) {
    let call = portico.call("POST /api/v1/auth/api-keys").bearer(person);
    let made = call.json(json!({"name": "test", "scopes": scopes}));
    let made = made.expect(201).await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made["apiKey"]["id"]), text(&made["secret"]))
}

/// Waits until a token is refused for this reason, and says how long it took.
pub(crate) async fn until_refused(portico: &Instance, token: &str, code: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let call = portico.call("GET /api/v1/auth/me").token(token);
        let answer = call.send().await;
        if answer.status != 200 {
            answer.error(401, code);
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "the token is still accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn me(portico: &Instance, token: &str) -> Value {
    let call = portico.call("GET /api/v1/auth/me").token(token);
    call.expect(200).await
}

async fn a_key_does_what_its_scopes_say_and_is_shown_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let before = me(portico, &ada.token).await;
    let (id, key) = make_key(portico, &ada, &["account:read", "projects:read"]).await;
    assert!(key.starts_with("pak_") && key.len() == 52);
    let mail = portico.mails.mail(&ada.email, "An API key was made").await;
    assert!(mail.text.contains("Scopes: account:read, projects:read"));
    assert!(!mail.text.contains(&key));
    assert_eq!(me(portico, &key).await, before);
    let over_grpc = portico.grpc("GetMe", Some(&key), &[], &json!({})).await;
    assert_eq!(over_grpc.expect("the same")["id"], before["id"]);

    let call = portico.call("POST /api/v1/projects").token(&key);
    // Before the body is read, which is none.
    let refused = call.text("{").send().await;
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Bearer error=\"insufficient_scope\", scope=\"projects:write\"")
    );
    let error = refused.error(403, "SCOPE_MISSING");
    assert_eq!(error["details"]["scope"], "projects:write");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("projects:write")
    );
    let request = json!({"name": "x"});
    let refused = portico.grpc("CreateProject", Some(&key), &[], &request);
    let refused = refused.await.expect_err("refused");
    assert_eq!(refused.reason, "SCOPE_MISSING");
    assert_eq!(
        refused.details.expect("the scope")["scope"],
        "projects:write"
    );
    let stream = portico.call("GET /api/v1/events").token(&key);
    stream.refused(403, "SCOPE_MISSING").await;
    let ticket = portico.call("POST /api/v1/events/ticket").token(&key);
    ticket.refused(403, "SCOPE_MISSING").await;

    let listed = portico.call("GET /api/v1/auth/api-keys").token(&key);
    let listed = listed.expect(200).await;
    assert_eq!(listed[0]["id"], json!(id));
    assert_eq!(listed[0]["prefix"], key[..12]);
    assert_eq!(
        listed[0]["scopes"],
        json!(["account:read", "projects:read"])
    );
    assert_eq!(listed[0]["expiresAt"], Value::Null);
    assert!(listed[0]["lastUsedAt"].is_string());
    assert!(!listed.to_string().contains(&key[12..]));
    for row in portico.outboxes().await {
        assert!(!row.contains(&key[12..]), "{row}");
    }
    for made_up in ["pak_", &key[..51], &format!("{key}A"), &key.to_uppercase()] {
        let call = portico.call("GET /api/v1/auth/me").token(made_up);
        call.refused(401, "UNAUTHENTICATED").await;
    }
}

async fn a_replay_shows_no_secret_again(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let body = json!({"name": "ci", "scopes": ["account:read"]});
    let make = async |who: &Person, body: &Value| {
        let call = portico.call("POST /api/v1/auth/api-keys").bearer(who);
        let call = call.header("Idempotency-Key", "once").json(body.clone());
        call.send().await
    };
    let first = make(&ada, &body).await;
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let first = first.data(201);
    let again = make(&ada, &body).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.data(201);
    assert_eq!(again["apiKey"], first["apiKey"]);
    assert_eq!(again["secret"], Value::Null);
    let other = json!({"name": "ci", "scopes": ["account:read", "admin"]});
    make(&ada, &other)
        .await
        .error(422, "IDEMPOTENCY_KEY_REUSED");
    // Another person's key is another key.
    let bobs = make(&bob, &body).await.data(201);
    assert_ne!(bobs["apiKey"]["id"], first["apiKey"]["id"]);
    assert!(bobs["secret"].is_string());
    let all = (0..20).map(|_| make(&bob, &body));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.data(201)["apiKey"], bobs["apiKey"]);
    }
    let listed = portico.call("GET /api/v1/auth/api-keys").bearer(&bob);
    assert_eq!(listed.expect(200).await.as_array().unwrap().len(), 1);
}

async fn keys_are_their_owners_alone(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let (id, key) = make_key(portico, &ada, &["account:read", "account:write"]).await;
    let admin = portico.admin_person().await;
    let path = format!("DELETE /api/v1/auth/api-keys/{id}");
    for other in [&bob, &admin] {
        let call = portico.call(&path).bearer(other);
        call.refused(404, "API_KEY_NOT_FOUND").await;
        let listed = portico.call("GET /api/v1/auth/api-keys").bearer(other);
        assert_eq!(listed.expect(200).await, json!([]));
    }
    let malformed = portico.call("DELETE /api/v1/auth/api-keys/1").bearer(&ada);
    malformed.refused(404, "API_KEY_NOT_FOUND").await;
    // A body says nothing of whose it is, or what it is made of.
    for field in ["userId", "id", "prefix", "secret", "createdAt", "owner"] {
        let body = json!({"name": "x", "scopes": ["account:read"], field: bob.id});
        let call = portico.call("POST /api/v1/auth/api-keys").bearer(&ada);
        let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
        assert_eq!(detail(&error), (field, "UNKNOWN_FIELD"));
    }
    for scopes in [json!(["*"]), json!(["admin "]), json!([""])] {
        let call = portico.call("POST /api/v1/auth/api-keys").bearer(&ada);
        let body = json!({"name": "x", "scopes": scopes});
        let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
        assert_eq!(detail(&error), ("scopes[0]", "NOT_ALLOWED"));
    }
    // Whoever has a key can revoke it, as its owner can.
    portico.call(&path).token(&key).expect(200).await;
    portico
        .call(&path)
        .bearer(&ada)
        .refused(404, "API_KEY_NOT_FOUND")
        .await;
}

async fn a_revoked_key_ends_everywhere_within_two_seconds(portico: &Instance) {
    let ada = portico.register("ada").await;
    let scopes = ["account:read", "events:read", "projects:read"];
    let (id, key) = make_key(portico, &ada, &scopes).await;
    let keeper = Person {
        token: key.clone(),
        ..ada.clone()
    };
    let mut clients = Clients::start();
    clients.socket("socket", &portico.http, &keeper).await;
    clients
        .stream_by_token("stream", &portico.http, &keeper)
        .await;
    clients
        .stream("by ticket", portico, &portico.http, &keeper)
        .await;
    let all = ["socket", "stream", "by ticket"];
    let project = clients.project(portico, &ada, &all).await;
    clients.join("socket", &project).await;
    me(portico, &key).await;
    let grpc = portico.grpc("GetMe", Some(&key), &[], &json!({})).await;
    grpc.expect("accepted");

    let revoke = portico.call(&format!("DELETE /api/v1/auth/api-keys/{id}"));
    revoke.bearer(&ada).expect(200).await;
    let begun = Instant::now();
    while clients.next("socket").await.0 != "disconnect" {}
    for stream in ["stream", "by ticket"] {
        while clients.next(stream).await.0 != "error" {}
    }
    assert!(until_refused(portico, &key, "TOKEN_REVOKED").await < SOON);
    let refused = until_refused_by_grpc(portico, &key).await;
    assert_eq!(refused.reason, "TOKEN_REVOKED");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let auth = json!({"token": key});
    clients
        .socket_as("late", &portico.http, auth, &["websocket"])
        .await;
    let refused = clients.expect("late", "connect_error").await;
    assert_eq!(refused["code"], "TOKEN_REVOKED");
    let stream = portico.call("GET /api/v1/events").token(&key);
    stream.refused(401, "TOKEN_REVOKED").await;
    // The person itself goes on.
    me(portico, &ada.token).await;
}

async fn until_refused_by_grpc(portico: &Instance, key: &str) -> Error {
    let begun = Instant::now();
    loop {
        match portico.grpc("GetMe", Some(key), &[], &json!({})).await {
            Err(error) => return error,
            Ok(_) => assert!(begun.elapsed() < PATIENCE, "the key is still accepted"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_key_has_the_role_that_its_owner_has_now(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let scopes = ["account:read", "users:read", "admin"];
    let (_, key) = make_key(portico, &ada, &scopes).await;
    let list = async || {
        let call = portico.call("GET /api/v1/users").token(&key);
        let answer = call.send().await;
        answer.status.as_u16()
    };
    assert_eq!(list().await, 403);
    let set_role = async |role: &str| {
        let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
        let call = call.bearer(&admin).json(json!({"role": role}));
        call.expect(200).await;
    };
    set_role("ADMIN").await;
    let begun = Instant::now();
    while list().await != 200 {
        assert!(begun.elapsed() < PATIENCE, "the key has the old role");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    set_role("MEMBER").await;
    let begun = Instant::now();
    while list().await != 403 {
        assert!(begun.elapsed() < SOON, "the key has the old role");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_key_stays_when_sessions_end_and_works_while_its_owner_may_sign_in(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let (_, key) = make_key(portico, &ada, &["account:read"]).await;
    me(portico, &key).await;
    let call = portico.call("POST /api/v1/auth/logout-all").bearer(&ada);
    call.expect(200).await;
    until_refused(portico, &ada.token, "TOKEN_REVOKED").await;
    me(portico, &key).await;
    let ada = portico.login(&ada.email).await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": "a new password"});
    let call = portico.call("POST /api/v1/auth/password/change");
    call.bearer(&ada).json(body).expect(200).await;
    me(portico, &key).await;

    let set_status = async |status: &str| {
        let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
        let call = call.bearer(&admin).json(json!({"status": status}));
        call.expect(200).await;
    };
    set_status("DISABLED").await;
    assert!(until_refused(portico, &key, "TOKEN_REVOKED").await < SOON);
    set_status("ACTIVE").await;
    let begun = Instant::now();
    let answers = async || {
        let call = portico.call("GET /api/v1/auth/me").token(&key);
        call.send().await.status
    };
    while answers().await != 200 {
        assert!(begun.elapsed() < PATIENCE, "the key does not work again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let call = portico.call(&format!("DELETE /api/v1/users/{}", ada.id));
    call.bearer(&admin).expect(200).await;
    assert!(until_refused(portico, &key, "TOKEN_REVOKED").await < SOON);
}

async fn a_key_expires(portico: &Instance) {
    let ada = portico.register("ada").await;
    let soon = Clock::system().now() + Duration::from_secs(3);
    let soon = time::OffsetDateTime::from_unix_timestamp(soon.seconds()).expect("a time");
    let format = time::format_description::well_known::Rfc3339;
    let expires_at = soon.format(&format).expect("a time");
    let body = json!({"name": "x", "scopes": ["account:read"], "expiresAt": expires_at});
    let call = portico.call("POST /api/v1/auth/api-keys").bearer(&ada);
    let made = call.json(body).expect(201).await;
    let key = made["secret"].as_str().expect("a secret");
    me(portico, key).await;
    until_refused(portico, key, "TOKEN_EXPIRED").await;
    let body = json!({"name": "x", "scopes": ["account:read"], "expiresAt": expires_at});
    let call = portico.call("POST /api/v1/auth/api-keys").bearer(&ada);
    let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("expiresAt", "OUT_OF_RANGE"));
    let listed = portico.call("GET /api/v1/auth/api-keys").bearer(&ada);
    assert_eq!(listed.expect(200).await[0]["id"], made["apiKey"]["id"]);
}

async fn what_needs_the_person_itself_is_not_for_a_key(portico: &Instance) {
    let admin = portico.admin_person().await;
    let scopes = [
        "account:read",
        "account:write",
        "users:read",
        "users:write",
        "projects:read",
        "projects:write",
        "events:read",
        "admin",
    ];
    let (_, key) = make_key(portico, &admin, &scopes).await;
    let ada = portico.register("ada").await;
    for (line, body) in [
        (
            "POST /api/v1/auth/api-keys",
            json!({"name": "x", "scopes": ["admin"]}),
        ),
        ("POST /api/v1/auth/logout-all", json!({})),
        (
            "POST /api/v1/auth/reauthenticate",
            json!({"password": PASSWORD}),
        ),
        (
            "POST /api/v1/auth/password/change",
            json!({"currentPassword": PASSWORD, "newPassword": "a new password"}),
        ),
        ("POST /api/v1/service-accounts", json!({"name": "x"})),
        (
            &format!("POST /api/v1/users/{}/impersonate", ada.id),
            json!({"reason": "x"}),
        ),
    ] {
        let call = portico.call(line).token(&key).json(body);
        call.refused(403, "FORBIDDEN").await;
    }
    let oneself = portico.call(&format!("DELETE /api/v1/users/{}", admin.id));
    oneself.token(&key).refused(403, "FORBIDDEN").await;
    let other = portico.call(&format!("DELETE /api/v1/users/{}", ada.id));
    other.token(&key).expect(200).await;
}

async fn a_key_gives_no_roles_unless_it_says_so(portico: &Instance) {
    let admin = portico.admin_person().await;
    let ada = portico.register("ada").await;
    let (_, writer) = make_key(portico, &admin, &["users:write"]).await;
    let (_, full) = make_key(portico, &admin, &["users:write", "admin"]).await;
    let promote = |key: &str| {
        let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
        call.token(key).json(json!({"role": "ADMIN"}))
    };
    let create = |key: &str, name: &str| {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "name": name, "role": "ADMIN", "password": PASSWORD});
        portico.call("POST /api/v1/users").token(key).json(body)
    };
    promote(&writer).refused(403, "SCOPE_MISSING").await;
    create(&writer, "eve").refused(403, "SCOPE_MISSING").await;
    let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
    let renamed = call.token(&writer).json(json!({"name": "Ada L."}));
    assert_eq!(renamed.expect(200).await["name"], "Ada L.");
    promote(&full).expect(200).await;
    create(&full, "kim").expect(201).await;
}
