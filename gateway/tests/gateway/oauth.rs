//! The tokens of programs, in the form of OAuth 2.0.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portico_chassis::{
    status::{Error, Kind},
    token::{ApiKeySecret, KeyHash},
};
use portico_proto::auth::{ExchangeApiKeyRequest, ExchangeApiKeyResponse};
use prost::Message as _;
use serde_json::json;

use crate::{
    client::{Answer, Request},
    fixture::{Gateway, NOW},
    services::Reply,
};

const ID: &str = "01900000-0000-7000-8000-000000000001";
const FORM: &str = "application/x-www-form-urlencoded";

fn post(gateway: &Gateway, form: &str) -> Request {
    let request = gateway.post("/oauth2/token");
    request.header("content-type", FORM).body(form)
}

async fn ask(gateway: &Gateway, key: &str, scope: &str) -> Answer {
    let basic = BASE64_STANDARD.encode(format!("{ID}:{key}"));
    let form = format!("grant_type=client_credentials&scope={scope}");
    let request = post(gateway, &form).header("authorization", &format!("Basic {basic}"));
    request.send().await
}

fn granted() -> Reply {
    Reply::message(&ExchangeApiKeyResponse {
        token: "a.b.c".to_owned(),
        issued_at: Some(NOW.into()),
        expires_at: Some((NOW + Duration::from_secs(600)).into()),
        scopes: vec!["users:read".to_owned(), "events:read".to_owned()],
    })
}

#[tokio::test]
async fn a_key_is_exchanged_and_does_not_travel_further() {
    let gateway = Gateway::start().await;
    gateway.services.reply("ExchangeApiKey", granted());
    let ApiKeySecret { text, .. } = ApiKeySecret::generate();
    let answer = ask(&gateway, &text, "users%3Aread+events%3Aread").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "access_token": "a.b.c",
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "users:read events:read",
    });
    assert_eq!(answer.json(), expected);
    let asked = gateway.services.only();
    let request = ExchangeApiKeyRequest::decode(asked.message).expect("a request");
    let hash = KeyHash::of(&text).expect("a key").0;
    assert_eq!(request.key_hash, hash);
    assert_eq!(request.client_id.as_deref(), Some(ID));
    assert_eq!(request.scopes, ["users:read", "events:read"]);
    assert!(!format!("{:?}", asked.metadata).contains(&text));
}

#[tokio::test]
async fn failures_have_the_form_and_the_codes_of_the_standard() {
    let gateway = Gateway::start().await;
    let ApiKeySecret { text, .. } = ApiKeySecret::generate();
    let failing = |kind, reason: &'static str| {
        let error = move || Error::new(kind, reason, "a message");
        gateway
            .services
            .reply("ExchangeApiKey", Reply::failure(error));
    };
    for (kind, reason, status, code) in [
        (
            Kind::Unauthenticated,
            "UNAUTHENTICATED",
            401,
            "invalid_client",
        ),
        (
            Kind::Unauthenticated,
            "TOKEN_REVOKED",
            401,
            "invalid_client",
        ),
        (
            Kind::Unauthenticated,
            "TOKEN_EXPIRED",
            401,
            "invalid_client",
        ),
        (
            Kind::PermissionDenied,
            "SCOPE_MISSING",
            400,
            "invalid_scope",
        ),
        (Kind::Invalid, "VALIDATION_FAILED", 400, "invalid_request"),
        (
            Kind::Unavailable,
            "SERVICE_UNAVAILABLE",
            503,
            "temporarily_unavailable",
        ),
        (Kind::Internal, "INTERNAL_ERROR", 500, "server_error"),
    ] {
        failing(kind, reason);
        let answer = ask(&gateway, &text, "").await;
        let body = answer.json();
        assert_eq!((answer.status, &body["error"]), (status, &json!(code)));
        assert!(body["error_description"].is_string());
        assert_eq!(body.as_object().expect("an object").len(), 2);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.is_some(), status == 401);
    }
    let asked = gateway.services.asked().len();
    let made_up = ask(&gateway, &format!("pak_{}", "A".repeat(48)), "").await;
    assert_eq!(
        (made_up.status, &made_up.json()["error"]),
        (401, &json!("invalid_client"))
    );
    for (form, code) in [
        ("", "invalid_request"),
        (
            "grant_type=password&username=a&password=b",
            "unsupported_grant_type",
        ),
        ("grant_type=client_credentials", "invalid_client"),
    ] {
        let answer = post(&gateway, form).send().await;
        assert_eq!(answer.json()["error"], code, "{form}");
    }
    assert_eq!(gateway.services.asked().len(), asked, "nobody was asked");
}

#[tokio::test]
async fn only_a_short_form_is_taken_and_only_by_post() {
    let gateway = Gateway::start().await;
    let json = gateway.post("/oauth2/token").json("{}").send().await;
    assert_eq!(
        (json.status, &json.json()["error"]),
        (415, &json!("invalid_request"))
    );
    let long = format!("grant_type=client_credentials&x={}", "a".repeat(9_000));
    let long = post(&gateway, &long).send().await;
    assert_eq!(
        (long.status, &long.json()["error"]),
        (413, &json!("invalid_request"))
    );
    let get = gateway
        .get("/oauth2/token?grant_type=client_credentials")
        .send()
        .await;
    assert_eq!(get.status, 405);
    assert_eq!(get.header("allow"), Some("OPTIONS, POST"));
    let options = gateway.request("OPTIONS", "/oauth2/token").send().await;
    assert_eq!(options.status, 204);
}
