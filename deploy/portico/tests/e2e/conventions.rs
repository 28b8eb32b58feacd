//! What holds for every route: envelope, ids, headers, limits, documents.

use serde_json::{Value, json};

use crate::{Instance, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    every_answer_has_its_envelope_and_request_id,
    unknown_routes_and_methods_are_told_apart,
    probes_metrics_and_documents_are_served,
}

async fn every_answer_has_its_envelope_and_request_id(portico: &Instance) {
    let ada = portico.register("ada").await;
    let call = portico
        .call("GET /api/v1/auth/me")
        .bearer(&ada)
        .header("X-Request-Id", "my-id.1");
    let answer = call.send().await;
    assert_eq!(answer.header("x-request-id"), Some("my-id.1"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.body["meta"]["requestId"], "my-id.1");
    let timestamp = answer.body["meta"]["timestamp"].as_str().unwrap();
    assert!(
        timestamp.len() == 24 && timestamp.ends_with('Z'),
        "{timestamp}"
    );
    let call = portico
        .call("GET /api/v1/auth/me")
        .header("X-Request-Id", "not an id");
    let answer = call.send().await;
    let made = answer.header("x-request-id").expect("made").to_owned();
    assert_ne!(made, "not an id");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.body["meta"]["requestId"], json!(made));
    assert_eq!(answer.error(401, "UNAUTHENTICATED")["details"], Value::Null);
}

async fn unknown_routes_and_methods_are_told_apart(portico: &Instance) {
    portico
        .call("GET /api/v1/nothing")
        .refused(404, "ROUTE_NOT_FOUND")
        .await;
    portico
        .call("GET /api/v1/users/")
        .refused(404, "ROUTE_NOT_FOUND")
        .await;
    let answer = portico.call("PUT /api/v1/users").send().await;
    let allow = answer.header("allow").expect("allowed methods").to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    answer.error(405, "METHOD_NOT_ALLOWED");
    let internal = portico
        .call("POST /portico.users.v1.UsersService/BatchGetUsers")
        .send()
        .await;
    assert!(
        internal.status == 404 || internal.status == 405,
        "{}",
        internal.status
    );
}

async fn probes_metrics_and_documents_are_served(portico: &Instance) {
    portico.register("ada").await;
    for path in ["/livez", "/readyz", "/health", "/docs", "/api/openapi.json"] {
        let answer = portico.call(&format!("GET {path}")).send().await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let document = portico.call("GET /api/openapi.json").send().await.body;
    assert_eq!(document["openapi"], "3.1.0");
    portico
        .call("GET /metrics")
        .send()
        .await
        .status
        .is_client_error()
        .then_some(())
        .expect("not public");
    let text = portico
        .client
        .get(format!("{}/metrics", portico.admin()))
        .send()
        .await;
    let text = text.expect("an answer").text().await.expect("text");
    assert!(
        text.contains("rpc_server_call_duration_seconds_bucket"),
        "{text}"
    );
}

/// The limits are off elsewhere, so that tests do not meet them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_sign_ins_are_refused_for_a_while() {
    let limits = [
        ("PORTICO_RATE_LIMIT_CREDENTIALS", "3/1m"),
        ("PORTICO_RATE_LIMIT_USER", "2/1m"),
    ];
    let portico = Instance::in_one_process_with(&limits).await;
    let body = json!({"email": "root@example.com", "password": PASSWORD});
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(
            portico
                .call("POST /api/v1/auth/login")
                .json(body.clone())
                .send()
                .await,
        );
    }
    let last = answers.pop().expect("four answers");
    assert!(last.header("retry-after").is_some());
    assert!(
        last.header("ratelimit-policy")
            .is_some_and(|policy| policy.contains("q=3;w=60"))
    );
    last.error(429, "RATE_LIMITED");
    let admin = crate::Person::of(&answers.pop().expect("three answers").data(200));
    for _ in 0..2 {
        portico
            .call("GET /api/v1/auth/me")
            .bearer(&admin)
            .expect(200)
            .await;
    }
    portico
        .call("GET /api/v1/auth/me")
        .bearer(&admin)
        .refused(429, "RATE_LIMITED")
        .await;
    portico.stop().await;
}
