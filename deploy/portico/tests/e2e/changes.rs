//! What happens in one service takes effect in the others.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes};

in_both_shapes! {
    a_lowered_role_ends_the_tokens_that_hold_it,
    a_disabled_person_is_out_everywhere_and_stays_out,
    members_are_listed_by_their_present_names,
}

/// Asks until a call with a token is refused, and says why.
async fn refusal(portico: &Instance, line: &str, token: &str) -> String {
    loop {
        let answer = portico.call(line).token(token).send().await;
        if !answer.status.is_success() {
            let code = answer.body["error"]["code"].as_str();
            return code.expect("a code").to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The same over gRPC.
async fn grpc_refusal(portico: &Instance, name: &str, token: &str, request: &Value) -> String {
    loop {
        if let Err(error) = portico.grpc(name, Some(token), &[], request).await {
            return error.reason.into_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn change(portico: &Instance, admin: &Person, person: &Person, body: Value) {
    let call = portico.call(&format!("PATCH /api/v1/users/{}", person.id));
    call.bearer(admin).json(body).expect(200).await;
}

async fn a_lowered_role_ends_the_tokens_that_hold_it(portico: &Instance) {
    let root = portico.admin_person().await;
    portico.register("ada").await;
    let ada = portico.login("ada@example.com").await;
    change(portico, &root, &ada, json!({"role": "ADMIN"})).await;
    assert_eq!(
        refusal(portico, "GET /api/v1/auth/me", &ada.token).await,
        "TOKEN_REVOKED"
    );

    let ada = portico.login("ada@example.com").await;
    portico
        .call("GET /api/v1/users")
        .bearer(&ada)
        .expect(200)
        .await;
    change(portico, &root, &ada, json!({"role": "MEMBER"})).await;
    assert_eq!(
        refusal(portico, "GET /api/v1/users", &ada.token).await,
        "TOKEN_REVOKED"
    );
    let reason = grpc_refusal(portico, "ListProjects", &ada.token, &json!({})).await;
    assert_eq!(reason, "TOKEN_REVOKED");

    // The session goes on, with the role that is left.
    let body = json!({"refreshToken": ada.refresh_token});
    let call = portico.call("POST /api/v1/auth/refresh").json(body);
    let token = call.expect(200).await["token"].clone();
    let call = portico
        .call("GET /api/v1/users")
        .token(token.as_str().unwrap());
    call.refused(403, "FORBIDDEN").await;
}

async fn a_disabled_person_is_out_everywhere_and_stays_out(portico: &Instance) {
    let root = portico.admin_person().await;
    let ada = portico.register("ada").await;
    change(portico, &root, &ada, json!({"status": "DISABLED"})).await;
    assert_eq!(
        refusal(portico, "GET /api/v1/projects", &ada.token).await,
        "TOKEN_REVOKED"
    );
    let reason = grpc_refusal(portico, "GetMe", &ada.token, &json!({})).await;
    assert_eq!(reason, "TOKEN_REVOKED");
    let body = json!({"refreshToken": ada.refresh_token});
    let call = portico.call("POST /api/v1/auth/refresh").json(body);
    call.refused(401, "REFRESH_TOKEN_INVALID").await;
}

async fn members_are_listed_by_their_present_names(portico: &Instance) {
    let (bob, ada) = (portico.register("bob").await, portico.register("ada").await);
    let project = portico.project(&bob, "Apollo").await;
    let members = format!(
        "/api/v1/projects/{}/members",
        project["id"].as_str().unwrap()
    );
    let body = json!({"userId": ada.id, "role": "MEMBER"});
    let call = portico.call(&format!("POST {members}")).bearer(&bob);
    call.json(body).expect(201).await;
    let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
    call.bearer(&ada)
        .json(json!({"name": "Zoe"}))
        .expect(200)
        .await;
    loop {
        let call = portico
            .call(&format!("GET {members}?sort=name"))
            .bearer(&bob);
        let listed = call.expect(200).await;
        let names: Vec<&str> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["user"]["name"].as_str().unwrap())
            .collect();
        match names.as_slice() {
            ["bob", "Zoe"] => break,
            // The name is there at once, its place a moment later.
            other => assert_eq!(other, ["Zoe", "bob"]),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
