//! Who gets in: before the body is read, in the order that the contract states.

use std::time::Duration;

use portico_chassis::{clock::new_id, token::ApiKeySecret};
use portico_proto::{auth, projects, users};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    client::Answer,
    fixture::{Gateway, NOW},
    services::Reply,
};

const LOGIN: &str = "{\"email\":\"ada@example.org\",\"password\":\"b\"}";

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to() {
    let gateway = Gateway::start().await;
    for authorization in [
        None,
        Some("Bearer nonsense"),
        Some("Basic YTpi"),
        Some("Bearer a.b.c"),
        Some("Bearer"),
    ] {
        let mut request = gateway.get("/api/v1/auth/me");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await;
        assert_eq!(
            answer.failure(),
            (401, "UNAUTHENTICATED".to_owned()),
            "{authorization:?}"
        );
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn a_token_must_be_of_our_making_and_still_valid() {
    let gateway = Gateway::start().await;
    let other = Gateway::start().await;
    let forged = other.member();
    let answer = gateway.get("/api/v1/auth/me").bearer(&forged).send().await;
    assert_eq!(answer.failure(), (401, "UNAUTHENTICATED".to_owned()));

    gateway
        .services
        .reply("GetMe", Reply::message(&users::User::default()));
    let user = new_id(NOW);
    let token = gateway.token(user, "MEMBER");
    assert_eq!(
        gateway
            .get("/api/v1/auth/me")
            .bearer(&token)
            .send()
            .await
            .status,
        200
    );
    gateway.revoke(user);
    let revoked = gateway.get("/api/v1/auth/me").bearer(&token).send().await;
    assert_eq!(revoked.failure(), (401, "TOKEN_REVOKED".to_owned()));

    let token = gateway.member();
    gateway.clock.advance(Duration::from_secs(601));
    let expired = gateway.get("/api/v1/auth/me").bearer(&token).send().await;
    assert_eq!(expired.failure(), (401, "TOKEN_EXPIRED".to_owned()));
}

#[tokio::test]
async fn a_method_for_admins_is_closed_before_the_body_is_read() {
    let gateway = Gateway::start().await;
    let token = gateway.member();
    // The body that is announced never comes.
    let request = format!(
        "POST /api/v1/users HTTP/1.1\r\nhost: portico\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n"
    );
    let mut stream = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    stream.write_all(request.as_bytes()).await.expect("written");
    let answer = Answer::read(&mut stream).await;
    assert_eq!(answer.failure(), (403, "FORBIDDEN".to_owned()));
}

#[tokio::test]
async fn a_stale_token_is_no_obstacle_to_a_new_sign_in() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .reply("Login", Reply::message(&auth::LoginResponse::default()));
    let request = gateway
        .post("/api/v1/auth/login")
        .bearer("stale.token.here");
    assert_eq!(request.json(LOGIN).send().await.status, 200);
    assert!(
        !gateway
            .services
            .only()
            .metadata
            .contains_key("authorization")
    );
}

#[tokio::test]
async fn nobody_can_speak_as_the_gateway_or_as_a_service() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .reply("GetProject", Reply::message(&projects::Project::default()));
    let token = gateway.member();
    let mut request = gateway.get("/api/v1/projects/p").bearer(&token);
    for (name, value) in [
        ("portico-service", "forged"),
        ("portico-client-ip", "198.51.100.1"),
        ("portico-client-agent", "forged"),
        ("portico-refresh-cookie", "forged"),
        ("portico-foreign-origin", "forged"),
        ("x-forwarded-for", "198.51.100.1"),
        ("x-user-id", "forged"),
        ("grpc-timeout", "1n"),
        ("grpc-trace-bin", "AAAA"),
        ("forged-bin", "AAAA"),
        ("cookie", "portico_refresh=secret"),
        ("user-agent", "tests/1"),
    ] {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.status, 200);
    let metadata = gateway.services.only().metadata;
    let mut names: Vec<_> = metadata.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "authorization",
        "content-type",
        "grpc-timeout",
        "portico-client-agent",
        "portico-client-ip",
        "portico-service",
        "te",
        "traceparent",
        "x-request-id",
    ];
    assert_eq!(names, expected);
    assert_eq!(metadata["authorization"], format!("Bearer {token}"));
    assert_ne!(metadata["portico-service"], "forged");
    assert_eq!(metadata["portico-client-ip"], "127.0.0.1");
    assert_eq!(metadata["portico-client-agent"], "tests/1");
    assert_eq!(metadata["grpc-timeout"], "10S");
}

#[tokio::test]
async fn the_method_override_header_is_ignored() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .reply("GetProject", Reply::message(&projects::Project::default()));
    let token = gateway.member();
    let request = gateway.get("/api/v1/projects/p").bearer(&token);
    let request = request.header("x-http-method-override", "DELETE");
    assert_eq!(
        request
            .header("x-http-method", "DELETE")
            .send()
            .await
            .status,
        200
    );
    assert_eq!(gateway.services.only().method, "GetProject");
}

#[tokio::test]
async fn a_trace_is_continued_and_a_request_id_taken_over() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .reply("GetProject", Reply::message(&projects::Project::default()));
    let token = gateway.member();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = gateway.get("/api/v1/projects/p").bearer(&token);
    let request = request
        .header("traceparent", parent)
        .header("x-request-id", "a-1");
    assert_eq!(request.send().await.header("x-request-id"), Some("a-1"));
    let asked = gateway.services.only();
    assert_eq!(asked.metadata["traceparent"], parent);
    assert_eq!(asked.metadata["x-request-id"], "a-1");

    let request = gateway.get("/api/v1/projects/p").bearer(&token);
    let request = request
        .header("traceparent", "nonsense")
        .header("x-request-id", "a b");
    let answer = request.send().await;
    let asked = gateway.services.asked().pop().expect("a call");
    let made = asked.metadata["traceparent"].to_str().expect("text");
    assert_eq!((made.len(), &made[..3]), (55, "00-"));
    assert_eq!(
        answer.header("x-request-id"),
        asked.metadata["x-request-id"].to_str().ok()
    );
    assert_ne!(answer.header("x-request-id"), Some("a b"));
}

#[tokio::test]
async fn an_api_key_is_exchanged_once_and_goes_no_further() {
    let gateway = Gateway::start().await;
    let reply = Reply::message(&users::User::default());
    gateway.services.reply("GetMe", reply);
    let (key, token) = gateway.api_key(new_id(NOW), "MEMBER", "account:read");
    let me = || gateway.get("/api/v1/auth/me").bearer(&key).send();
    for answer in futures::future::join_all((0..20).map(|_| me())).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(gateway.keys.asked(), 1);
    for asked in gateway.services.asked() {
        let shown = asked.metadata["authorization"].to_str().expect("text");
        assert_eq!(shown, format!("Bearer {token}"));
        assert!(!format!("{:?}", asked.metadata).contains(&key));
    }
}

#[tokio::test]
async fn an_api_key_is_refused_before_the_body_is_read() {
    let gateway = Gateway::start().await;
    let (key, _) = gateway.api_key(new_id(NOW), "ADMIN", "users:read");
    for (path, code) in [
        ("/api/v1/users", "SCOPE_MISSING"),
        ("/api/v1/projects", "SCOPE_MISSING"),
        ("/api/v1/auth/password/change", "FORBIDDEN"),
    ] {
        // The body that is announced never comes.
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: portico\r\nconnection: close\r\n\
             authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n"
        );
        let mut stream = TcpStream::connect(gateway.address).await.expect("open");
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("sent");
        let answer = Answer::read(&mut stream).await;
        assert_eq!(answer.failure(), (403, code.to_owned()), "{path}");
    }
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn an_address_may_not_try_any_number_of_api_keys() {
    let limits = [("RATE_LIMIT_ANONYMOUS", "3/1m")];
    let gateway = Gateway::with(crate::fixture::config(&limits)).await;
    gateway
        .services
        .reply("GetMe", Reply::message(&users::User::default()));
    let (good, _) = gateway.api_key(new_id(NOW), "MEMBER", "account:read");
    let known = gateway.get("/api/v1/auth/me").bearer(&good);
    assert_eq!(known.send().await.status, 200);
    for _ in 0..10 {
        let ApiKeySecret { text, .. } = ApiKeySecret::generate();
        gateway.get("/api/v1/auth/me").bearer(&text).send().await;
    }
    assert!(gateway.keys.asked() <= 3, "{}", gateway.keys.asked());
    // Whoever is known goes on.
    let known = gateway.get("/api/v1/auth/me").bearer(&good);
    assert_eq!(known.send().await.status, 200);
}
