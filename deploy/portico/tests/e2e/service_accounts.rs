//! Service accounts: what a program does that is nobody's.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{Instance, Person, api_keys::SOON, in_both_shapes, live::clients::PATIENCE};

in_both_shapes! {
    a_service_account_does_what_is_for_admins_and_for_services,
    what_a_service_account_does_is_in_the_audit_log_by_its_name,
    a_stream_of_events_ends_with_the_key_that_opened_it,
    a_deleted_service_account_is_gone_with_its_keys,
    a_program_gets_tokens_for_its_key,
    service_accounts_are_made_by_administrators_themselves,
}

/// A new service account; its id.
pub(crate) async fn make(portico: &Instance, admin: &Person, name: &str) -> String {
    let call = portico.call("POST /api/v1/service-accounts").bearer(admin);
    let made = call.json(json!({"name": name})).expect(201).await;
    assert_eq!(made["name"], name);
    made["id"].as_str().expect("an id").to_owned()
}

/// A new key of a service account: its id and its secret.
pub(crate) async fn make_key(
    portico: &Instance,
    admin: &Person,
    account: &str,
    scopes: &[&str],
) -> (String, String) {
    let call = portico.call(&format!("POST /api/v1/service-accounts/{account}/keys"));
    let body = json!({"name": "test", "scopes": scopes});
    let made = call.bearer(admin).json(body).expect(201).await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made["apiKey"]["id"]), text(&made["secret"]))
}

async fn a_service_account_does_what_is_for_admins_and_for_services(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let project = portico.project(&ada, "Apollo").await;
    let account = make(portico, &admin, "directory").await;
    let scopes = ["users:read", "users:write", "projects:read"];
    let (_, key) = make_key(portico, &admin, &account, &scopes).await;
    let call = |line: &str| portico.call(line).token(&key);

    let found = call("GET /api/v1/users?q=ada@example.com")
        .expect(200)
        .await;
    assert_eq!(found[0]["id"], json!(ada.id));
    let path = format!("/api/v1/users/{}", ada.id);
    let seen = call(&format!("GET {path}")).expect(200).await;
    assert_eq!(seen["id"], json!(ada.id));
    let change = call(&format!("PATCH {path}")).json(json!({"name": "Ada L."}));
    assert_eq!(change.expect(200).await["name"], "Ada L.");
    let promote = call(&format!("PATCH {path}")).json(json!({"role": "ADMIN"}));
    promote.refused(403, "SCOPE_MISSING").await;
    let body = json!({"email": "bob@example.com", "name": "Bob"});
    let create = async |key: &str| {
        let call = call("POST /api/v1/users").header("Idempotency-Key", key);
        call.json(body.clone()).send().await
    };
    let bob = create("once").await.data(201);
    assert_eq!(create("once").await.data(201), bob);
    create("twice").await.error(409, "EMAIL_EXISTS");

    // It is no person, and a stranger in private projects.
    for line in [
        "GET /api/v1/auth/me".to_owned(),
        "GET /api/v1/auth/sessions".to_owned(),
        "GET /api/v1/projects".to_owned(),
        "GET /api/v1/invitations".to_owned(),
        "GET /api/v1/events".to_owned(),
        format!("GET /api/v1/projects/{}", project["id"].as_str().unwrap()),
    ] {
        call(&line).refused(403, "FORBIDDEN").await;
    }
    let audit = call("GET /api/v1/audit-log");
    audit.refused(403, "SCOPE_MISSING").await;

    let grpc =
        async |name: &str, request: Value| portico.grpc(name, Some(&key), &[], &request).await;
    let found = grpc("BatchGetUsers", json!({"ids": [ada.id]})).await;
    assert_eq!(found.expect("allowed")["users"][0]["id"], json!(ada.id));
    let found = grpc("LookupUser", json!({"email": ada.email})).await;
    assert_eq!(found.expect("allowed")["id"], json!(ada.id));
    let check = json!({"projectId": project["id"], "userId": ada.id, "permission": "OWN"});
    let checked = grpc("CheckAccess", json!({"checks": [check]})).await;
    assert_eq!(checked.expect("allowed")["results"][0]["allowed"], true);
    // What only services of this installation do for each other stays theirs.
    for (name, request) in [
        ("PromoteUser", json!({"id": ada.id})),
        ("DeleteUser", json!({"id": ada.id})),
        ("ReleaseUser", json!({"userId": ada.id})),
        ("RedeemEventsTicket", json!({"ticket": "x"})),
        ("WatchRevocations", json!({})),
        ("ExchangeApiKey", json!({})),
    ] {
        let refused = grpc(name, request).await.expect_err("refused");
        assert_eq!(refused.reason, "FORBIDDEN", "{name}");
    }

    let delete = call(&format!("DELETE {path}"));
    delete.refused(409, "LAST_OWNER").await;
    let path = format!("/api/v1/users/{}", bob["id"].as_str().unwrap());
    call(&format!("DELETE {path}")).expect(200).await;
    call(&format!("POST {path}/restore"))
        .json(json!({}))
        .expect(200)
        .await;
}

async fn what_a_service_account_does_is_in_the_audit_log_by_its_name(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let account = make(portico, &admin, "Directory").await;
    let (_, key) = make_key(portico, &admin, &account, &["users:write"]).await;
    let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
    let call = call.token(&key).json(json!({"name": "Ada L."}));
    call.expect(200).await;
    let call = portico.call(&format!("DELETE /api/v1/users/{}", ada.id));
    call.token(&key).expect(200).await;
    let path = format!("DELETE /api/v1/service-accounts/{account}");
    portico.call(&path).bearer(&admin).expect(200).await;

    let log = async |filter: &str| {
        let call = portico.call(&format!("GET /api/v1/audit-log?{filter}"));
        call.bearer(&admin).expect(200).await
    };
    let actor = json!({"type": "SERVICE", "id": account, "name": "Directory"});
    let entries = log(&format!("actor={account}")).await;
    let entries = entries.as_array().expect("a list");
    let actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().expect("an action"))
        .collect();
    for action in ["user.updated", "user.deleted", "account.deleted"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    assert!(entries.iter().all(|entry| entry["actor"] == actor));
    let made = log(&format!("target={account}")).await;
    let made: Vec<_> = made.as_array().expect("a list").iter().collect();
    assert_eq!(made[0]["action"], "service_account.deleted");
    assert_eq!(made[1]["action"], "service_account.created");
    assert_eq!(made[1]["actor"]["id"], json!(admin.id));
    let keys = log("action=api_key.").await;
    assert_eq!(keys[0]["action"], "api_key.revoked");
    assert_eq!(keys[1]["action"], "api_key.created");
    let details = &keys[1]["details"];
    assert_eq!(details["serviceAccountId"], json!(account));
    assert_eq!(details["changes"]["scopes"]["to"], "users:write");
}

async fn a_stream_of_events_ends_with_the_key_that_opened_it(portico: &Instance) {
    let admin = portico.admin_person().await;
    let account = make(portico, &admin, "follower").await;
    let (id, key) = make_key(portico, &admin, &account, &["events:read"]).await;
    let name = "portico.projects.v1.ProjectsService.WatchEvents";
    let request = json!({"cursor": "0", "types": ["project.created"]});
    let watch = portico.grpc_messages(name, Some(&key), &[], &request, usize::MAX);
    let path = format!("DELETE /api/v1/service-accounts/{account}/keys/{id}");
    let revoke = async {
        // Begun, once the key was used.
        let path = format!("GET /api/v1/service-accounts/{account}/keys");
        let begun = Instant::now();
        loop {
            let listed = portico.call(&path).bearer(&admin).expect(200).await;
            if listed[0]["lastUsedAt"].is_string() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "the key is not used");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        portico
            .call(&path_of(&account, &id))
            .bearer(&admin)
            .expect(200)
            .await;
        Instant::now()
    };
    let (ended, revoked) = tokio::join!(watch, revoke);
    assert_eq!(ended.expect_err("ended").reason, "TOKEN_REVOKED");
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    let again = portico.call(&path).bearer(&admin);
    again.refused(404, "API_KEY_NOT_FOUND").await;
}

fn path_of(account: &str, key: &str) -> String {
    format!("DELETE /api/v1/service-accounts/{account}/keys/{key}")
}

async fn a_deleted_service_account_is_gone_with_its_keys(portico: &Instance) {
    let admin = portico.admin_person().await;
    let (one, other) = (
        make(portico, &admin, "one").await,
        make(portico, &admin, "other").await,
    );
    let (id, key) = make_key(portico, &admin, &one, &["users:read"]).await;
    // A key is found below its own account only, and is nobody's own.
    let foreign = portico.call(&path_of(&other, &id)).bearer(&admin);
    foreign.refused(404, "API_KEY_NOT_FOUND").await;
    let own = portico.call(&format!("DELETE /api/v1/auth/api-keys/{id}"));
    own.bearer(&admin).refused(404, "API_KEY_NOT_FOUND").await;
    let list = async || {
        let call = portico.call("GET /api/v1/users").token(&key);
        call.send().await
    };
    list().await.data(200);
    let path = format!("/api/v1/service-accounts/{one}");
    let delete = portico.call(&format!("DELETE {path}")).bearer(&admin);
    delete.expect(200).await;
    let begun = Instant::now();
    loop {
        let answer = list().await;
        if answer.status != 200 {
            answer.error(401, "TOKEN_REVOKED");
            break;
        }
        assert!(begun.elapsed() < SOON, "the key is still accepted");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for line in [
        format!("DELETE {path}"),
        format!("GET {path}/keys"),
        format!("DELETE {path}/keys/{id}"),
    ] {
        let call = portico.call(&line).bearer(&admin);
        call.refused(404, "SERVICE_ACCOUNT_NOT_FOUND").await;
    }
    let call = portico.call(&format!("POST {path}/keys")).bearer(&admin);
    let call = call.json(json!({"name": "x", "scopes": ["admin"]}));
    call.refused(404, "SERVICE_ACCOUNT_NOT_FOUND").await;
    let listed = portico.call("GET /api/v1/service-accounts").bearer(&admin);
    let listed = listed.expect(200).await;
    assert_eq!(listed.as_array().expect("a list").len(), 1);
    assert_eq!(listed[0]["id"], json!(other));
}

async fn service_accounts_are_made_by_administrators_themselves(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let account = make(portico, &admin, "one").await;
    let (_, key) = make_key(portico, &admin, &account, &["admin", "users:write"]).await;
    for (line, body) in [
        (
            "POST /api/v1/service-accounts".to_owned(),
            json!({"name": "x"}),
        ),
        (
            format!("POST /api/v1/service-accounts/{account}/keys"),
            json!({"name": "x", "scopes": ["admin"]}),
        ),
        (
            format!("DELETE /api/v1/service-accounts/{account}"),
            Value::Null,
        ),
    ] {
        for token in [&ada.token, &key] {
            let call = portico.call(&line).token(token);
            let call = if body.is_null() {
                call
            } else {
                call.json(body.clone())
            };
            call.refused(403, "FORBIDDEN").await;
        }
    }
    let listed = portico.call("GET /api/v1/service-accounts").token(&key);
    assert_eq!(listed.expect(200).await[0]["id"], json!(account));
}

async fn a_program_gets_tokens_for_its_key(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let account = make(portico, &admin, "directory").await;
    let other = make(portico, &admin, "other").await;
    let scopes = ["users:read", "projects:read"];
    let (id, key) = make_key(portico, &admin, &account, &scopes).await;
    let metadata = portico.call("GET /.well-known/openid-configuration");
    let metadata = metadata.send().await.body;
    let endpoint = metadata["token_endpoint"].as_str().expect("an address");
    let path = endpoint.trim_start_matches("http://localhost:8080");
    let url = format!("{}{path}", portico.http);
    let ask = async |client: &str, secret: &str, in_header: bool, scope: &str| {
        let scope = scope.replace(' ', "+");
        let mut form = format!("grant_type=client_credentials&scope={scope}");
        let mut request = portico.client.post(&url);
        if in_header {
            request = request.basic_auth(client, Some(secret));
        } else {
            form += &format!("&client_id={client}&client_secret={secret}");
        }
        let kind = "application/x-www-form-urlencoded";
        let request = request.header("content-type", kind).body(form);
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("JSON"))
    };
    let granted = "projects:read users:read";
    for in_header in [true, false] {
        let (status, token) = ask(&account, &key, in_header, "").await;
        assert_eq!(status, 200, "{token}");
        let sorted = |text: &str| {
            let mut words: Vec<_> = text.split(' ').map(str::to_owned).collect();
            words.sort();
            words.join(" ")
        };
        assert_eq!(sorted(token["scope"].as_str().expect("scopes")), granted);
        assert_eq!(token["token_type"], "Bearer");
        let seconds = token["expires_in"].as_i64().expect("seconds");
        assert!((590..=600).contains(&seconds), "{seconds}");
    }
    let (_, token) = ask(&account, &key, true, "users:read").await;
    let token = token["access_token"].as_str().expect("a token").to_owned();
    let list = portico.call("GET /api/v1/users").token(&token);
    list.expect(200).await;
    let found = portico
        .grpc(
            "BatchGetUsers",
            Some(&token),
            &[],
            &json!({"ids": [ada.id]}),
        )
        .await;
    found.expect("allowed");
    let check = json!({"checks": []});
    let refused = portico.grpc("CheckAccess", Some(&token), &[], &check).await;
    assert_eq!(refused.expect_err("narrower").reason, "SCOPE_MISSING");

    // Neither another client, nor a person's key, nor more than the key has.
    let (_, of_ada) = crate::api_keys::make_key(portico, &ada, &["users:read"]).await;
    for (client, secret, scope, code) in [
        (&*other, &*key, "", "invalid_client"),
        (&*ada.id, &*of_ada, "", "invalid_client"),
        (&*account, &*of_ada, "", "invalid_client"),
        (&*account, &*key, "users:read admin", "invalid_scope"),
        (&*account, &*key, "nonsense", "invalid_scope"),
    ] {
        let (_, refused) = ask(client, secret, true, scope).await;
        assert_eq!(refused["error"], code, "{scope}");
    }
    let revoke = portico.call(&path_of(&account, &id)).bearer(&admin);
    revoke.expect(200).await;
    let (status, refused) = ask(&account, &key, true, "").await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")));
    let begun = Instant::now();
    loop {
        let list = portico.call("GET /api/v1/users").token(&token);
        let answer = list.send().await;
        if answer.status != 200 {
            answer.error(401, "TOKEN_REVOKED");
            break;
        }
        assert!(begun.elapsed() < SOON, "the token is still accepted");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
