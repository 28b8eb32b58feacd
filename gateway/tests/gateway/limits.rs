//! How often clients may call.

use portico_chassis::clock::new_id;
use portico_proto::{auth, users};

use crate::{
    client::{Answer, Request},
    fixture::{Gateway, NOW, config},
    services::Reply,
};

async fn gateway(limit: &str, value: &str) -> Gateway {
    let gateway = Gateway::with(config(&[
        (&format!("RATE_LIMIT_{limit}"), value),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ]));
    let gateway = gateway.await;
    gateway
        .services
        .reply("GetMe", Reply::message(&users::User::default()));
    gateway
        .services
        .reply("Login", Reply::message(&auth::LoginResponse::default()));
    gateway
        .services
        .reply("ChangePassword", Reply::message(&()));
    gateway
}

fn assert_limited(answer: &Answer, policy: &str) {
    assert_eq!(
        answer.failure(),
        (429, "RATE_LIMITED".to_owned()),
        "{policy}"
    );
    let wait: u64 = answer
        .header("retry-after")
        .expect("a time")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(
        answer
            .header("ratelimit")
            .expect("a standing")
            .starts_with(&format!("\"{policy}\";r=0"))
    );
}

fn from(request: Request, address: &str) -> Request {
    request.header("x-forwarded-for", address)
}

#[tokio::test]
async fn an_address_has_its_limit_until_somebody_signs_in() {
    let gateway = gateway("ANONYMOUS", "2/1m").await;
    let me = || gateway.get("/api/v1/auth/me");
    let first = me().send().await;
    assert_eq!(first.status, 401);
    assert_eq!(
        first.header("ratelimit-policy"),
        Some("\"anonymous\";q=2;w=60")
    );
    assert_eq!(first.header("ratelimit"), Some("\"anonymous\";r=1;t=30"));
    assert_eq!(gateway.get("/api/v1/nothing").send().await.status, 404);
    assert_limited(&me().send().await, "anonymous");
    assert_limited(&me().bearer("made.up.token").send().await, "anonymous");
    assert_limited(&gateway.get("/api/v1/nothing").send().await, "anonymous");
    let token = gateway.member();
    assert_eq!(me().bearer(&token).send().await.status, 200);
    assert_eq!(gateway.get("/health").send().await.status, 200);
}

#[tokio::test]
async fn a_token_that_fails_counts_against_the_address() {
    let gateway = gateway("ANONYMOUS", "1/1m").await;
    let request = || gateway.get("/api/v1/auth/me").bearer("made.up.token");
    assert_eq!(request().send().await.status, 401);
    assert_limited(&request().send().await, "anonymous");
}

#[tokio::test]
async fn each_address_behind_a_trusted_proxy_is_counted_by_itself() {
    let gateway = gateway("ANONYMOUS", "1/1m").await;
    let me = || gateway.get("/api/v1/auth/me");
    assert_eq!(from(me(), "203.0.113.1").send().await.status, 401);
    assert_eq!(from(me(), "203.0.113.2").send().await.status, 401);
    assert_limited(&from(me(), "203.0.113.1").send().await, "anonymous");
    assert_limited(
        &from(me(), "198.51.100.7, 203.0.113.1").send().await,
        "anonymous",
    );
    assert_eq!(from(me(), "2001:db8::1").send().await.status, 401);
    assert_limited(&from(me(), "2001:db8::2").send().await, "anonymous");
}

#[tokio::test]
async fn each_person_has_a_limit_wherever_it_calls_from() {
    let gateway = gateway("USER", "1/1m").await;
    let token = gateway.member();
    let me = |token: &str| gateway.get("/api/v1/auth/me").bearer(token);
    let first = from(me(&token), "203.0.113.1").send().await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), Some("\"user\";q=1;w=60"));
    assert_limited(&from(me(&token), "203.0.113.2").send().await, "user");
    let somebody_else = gateway.member();
    assert_eq!(me(&somebody_else).send().await.status, 200);
}

#[tokio::test]
async fn a_limit_is_told_before_a_refusal() {
    let gateway = gateway("USER", "1/1m").await;
    let token = gateway.member();
    let list = || gateway.get("/api/v1/users").bearer(&token);
    assert_eq!(list().send().await.status, 403);
    assert_limited(&list().send().await, "user");
}

#[tokio::test]
async fn passwords_are_tried_slowly_from_one_address() {
    let gateway = gateway("CREDENTIALS", "2/1m").await;
    let login = |email: &str, address| {
        let body = format!("{{\"email\":\"{email}\",\"password\":\"b\"}}");
        from(gateway.post("/api/v1/auth/login"), address)
            .json(body)
            .send()
    };
    assert_eq!(login("a@example.org", "203.0.113.1").await.status, 200);
    assert_eq!(login("b@example.org", "203.0.113.1").await.status, 200);
    assert_limited(&login("c@example.org", "203.0.113.1").await, "credentials");
    let me = from(gateway.get("/api/v1/auth/me"), "203.0.113.1")
        .send()
        .await;
    assert_eq!((me.status, me.header("ratelimit")), (401, None));
}

#[tokio::test]
async fn passwords_are_tried_slowly_for_one_account_from_one_network() {
    let gateway = gateway("CREDENTIALS", "2/1m").await;
    let login = |email: &str, address| {
        let body = format!("{{\"email\":\"{email}\",\"password\":\"b\"}}");
        from(gateway.post("/api/v1/auth/login"), address)
            .json(body)
            .send()
    };
    assert_eq!(login("ada@example.org", "203.0.113.1").await.status, 200);
    assert_eq!(login("ADA@example.org", "203.0.113.2").await.status, 200);
    assert_limited(
        &login("ada@example.org", "203.0.113.3").await,
        "credentials",
    );
    assert_eq!(login("eve@example.org", "203.0.113.4").await.status, 200);
    // Nobody locks the owner out, who is elsewhere.
    assert_eq!(login("ada@example.org", "198.51.100.7").await.status, 200);
    assert_eq!(gateway.services.asked().len(), 4);
}

#[tokio::test]
async fn a_call_that_names_no_account_counts_against_the_caller() {
    let gateway = gateway("CREDENTIALS", "1/1m").await;
    let token = gateway.token(new_id(NOW), "MEMBER");
    let change = |address| {
        let request = from(gateway.post("/api/v1/auth/password/change"), address).bearer(&token);
        request
            .json("{\"currentPassword\":\"a\",\"newPassword\":\"b\"}")
            .send()
    };
    assert_eq!(change("203.0.113.1").await.status, 200);
    assert_limited(&change("203.0.113.2").await, "credentials");
}

#[tokio::test]
async fn refusals_are_counted() {
    let gateway = gateway("ANONYMOUS", "1/1m").await;
    for _ in 0..3 {
        gateway.get("/api/v1/auth/me").send().await;
    }
    let text = gateway.metrics.text();
    assert!(
        text.contains("portico_rate_limited_requests_total{policy=\"anonymous\"} 2"),
        "{text}"
    );
}
