//! The refresh token in a browser's cookie.

use portico_proto::{auth, users};

use crate::{
    fixture::{Gateway, config},
    services::Reply,
};

#[tokio::test]
async fn a_browser_keeps_its_refresh_token_in_a_cookie() {
    let gateway = Gateway::start().await;
    let reply = Reply::with(
        &auth::LoginResponse::default(),
        &[("portico-refresh-cookie", "2592000 secret")],
    );
    gateway.services.reply("Login", reply);
    let request = gateway.post("/api/v1/auth/login");
    let body = "{\"email\":\"a\",\"password\":\"b\",\"cookie\":true}";
    let answer = request.json(body).send().await;
    assert_eq!(
        answer.header("set-cookie"),
        Some(
            "portico_refresh=secret; Path=/api/v1/auth; HttpOnly; SameSite=Strict; Max-Age=2592000"
        )
    );
    assert_eq!(answer.header("portico-refresh-cookie"), None);
}

#[tokio::test]
async fn the_cookie_is_secure_where_the_public_url_is() {
    let gateway = Gateway::with(config(&[("PUBLIC_URL", "https://portico.example")])).await;
    let reply = Reply::with(
        &auth::RefreshTokenResponse::default(),
        &[("portico-refresh-cookie", "")],
    );
    gateway.services.reply("RefreshToken", reply);
    let request = gateway.post("/api/v1/auth/refresh");
    let request = request.header("cookie", "a=b; __Secure-portico_refresh=secret");
    let answer = request.send().await;
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with("__Secure-portico_refresh=; "),
        "{cookie}"
    );
    assert!(
        cookie.contains("; Secure") && cookie.ends_with("; Max-Age=0"),
        "{cookie}"
    );
    assert_eq!(
        gateway.services.only().metadata["portico-refresh-cookie"],
        "secret"
    );
}

#[tokio::test]
async fn only_methods_that_use_the_cookie_see_it_or_set_it() {
    let gateway = Gateway::start().await;
    let reply = Reply::with(
        &users::User::default(),
        &[("portico-refresh-cookie", "2592000 secret")],
    );
    gateway.services.reply("GetMe", reply);
    let token = gateway.member();
    let request = gateway.get("/api/v1/auth/me").bearer(&token);
    let request = request.header("origin", "https://evil.example");
    let answer = request
        .header("cookie", "portico_refresh=secret")
        .send()
        .await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    let metadata = gateway.services.only().metadata;
    assert!(!metadata.contains_key("portico-refresh-cookie"));
    assert!(!metadata.contains_key("portico-foreign-origin"));
}

#[tokio::test]
async fn a_service_learns_of_a_foreign_origin() {
    let gateway = Gateway::with(config(&[("CORS_ORIGINS", "https://app.example")])).await;
    let reply = Reply::message(&auth::RefreshTokenResponse::default());
    gateway.services.reply("RefreshToken", reply);
    for (origin, is_foreign) in [
        (None, false),
        (Some("http://localhost:8080"), false),
        (Some("https://app.example"), false),
        (Some("https://evil.example"), true),
        (Some("null"), true),
    ] {
        let mut request = gateway
            .post("/api/v1/auth/refresh")
            .header("cookie", "portico_refresh=s");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(request.send().await.status, 200);
        let metadata = gateway.services.asked().pop().expect("a call").metadata;
        assert_eq!(
            metadata.contains_key("portico-foreign-origin"),
            is_foreign,
            "{origin:?}"
        );
    }
}
