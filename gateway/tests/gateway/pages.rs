//! What the gateway answers itself, and what methods a path takes.

use portico_chassis::serve::Readiness;

use crate::{
    fixture::{Gateway, config},
    services::Services,
};

#[tokio::test]
async fn health_says_how_the_process_is() {
    let gateway = Gateway::start().await;
    let health = gateway.get("/health").send().await;
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["status"], "ok");
    assert_eq!(health.json()["timestamp"], "2027-01-15T08:00:00.000Z");
    assert_eq!(gateway.get("/livez").send().await.status, 200);
    assert_eq!(gateway.get("/readyz").send().await.status, 200);
}

#[tokio::test]
async fn a_process_without_its_peers_is_alive_but_not_ready() {
    let services = Services::default();
    let upstream = services.upstream();
    let check = Box::new(|| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
        Box::pin(async { Err("it does not answer".to_owned()) })
    });
    let readiness = Readiness::new(vec![("users", check)], Vec::new());
    let gateway = Gateway::over(config(&[]), services, upstream, readiness).await;
    let health = gateway.get("/health").send().await;
    assert_eq!(
        (health.status, health.json()["failing"][0].as_str()),
        (503, Some("users"))
    );
    assert_eq!(gateway.get("/readyz").send().await.status, 503);
    assert_eq!(gateway.get("/livez").send().await.status, 200);
}

#[tokio::test]
async fn the_openapi_document_is_sent_once() {
    let gateway = Gateway::start().await;
    let document = gateway.get("/api/openapi.json").send().await;
    assert_eq!(document.json()["openapi"], "3.1.0");
    let etag = document.header("etag").expect("a tag").to_owned();
    let again = gateway
        .get("/api/openapi.json")
        .header("if-none-match", &etag)
        .send()
        .await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn pages_have_strict_policies_and_unknown_ones_are_not_found() {
    let gateway = Gateway::with(config(&[("PUBLIC_URL", "https://portico.example")])).await;
    for (path, status) in [
        ("/", 200),
        ("/docs", 200),
        ("/docs/nothing.js", 404),
        ("/x", 404),
    ] {
        let answer = gateway.get(path).send().await;
        assert_eq!(answer.status, status, "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let security = answer
            .header("strict-transport-security")
            .expect("it is https");
        assert!(security.starts_with("max-age="));
    }
}

#[tokio::test]
async fn a_program_without_the_web_client_says_so() {
    let gateway = Gateway::start().await;
    let page = gateway.get("/").send().await;
    assert_eq!(page.status, 200);
    for part in ["was left out", "href=\"/docs\""] {
        assert!(page.text().contains(part), "{}", page.text());
    }
    for path in ["/dashboard", "/assets/index.js", "/index.html"] {
        let answer = gateway.get(path).send().await;
        assert_eq!(
            (answer.status, answer.text()),
            (404, "Not found.\n"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_below_api_have_the_envelope() {
    let gateway = Gateway::start().await;
    for path in [
        "/api",
        "/api/",
        "/api/v1/nothing",
        "/api/v1/users/",
        "/api/v1//users",
        "/api/v2/users",
    ] {
        let answer = gateway.get(path).send().await;
        assert_eq!(
            answer.failure(),
            (404, "ROUTE_NOT_FOUND".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_told_which_are_allowed() {
    let gateway = Gateway::start().await;
    for (method, path, allow) in [
        (
            "PUT",
            "/api/v1/users/u",
            "DELETE, GET, HEAD, OPTIONS, PATCH",
        ),
        ("BREW", "/api/v1/auth/login", "OPTIONS, POST"),
        ("TRACE", "/api/v1/auth/me", "GET, HEAD, OPTIONS"),
        ("POST", "/api/openapi.json", "GET,HEAD"),
    ] {
        let answer = gateway.request(method, path).send().await;
        assert_eq!(
            answer.failure(),
            (405, "METHOD_NOT_ALLOWED".to_owned()),
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[tokio::test]
async fn options_says_which_methods_are_allowed() {
    let gateway = Gateway::start().await;
    for (path, allow) in [
        ("/api/v1/users", "GET, HEAD, OPTIONS, POST"),
        ("/health", "GET,HEAD"),
        ("/api/openapi.json", "GET,HEAD"),
    ] {
        let answer = gateway.request("OPTIONS", path).send().await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
    assert_eq!(
        gateway
            .request("OPTIONS", "/api/v1/nothing")
            .send()
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_configured_origin_may_ask_before_it_sends() {
    let gateway = Gateway::with(config(&[("CORS_ORIGINS", "https://app.example")])).await;
    let preflight = |origin| {
        let request = gateway
            .request("OPTIONS", "/api/v1/users/u")
            .header("origin", origin);
        request
            .header("access-control-request-method", "PATCH")
            .send()
    };
    let known = preflight("https://app.example").await;
    assert_eq!(known.status, 204);
    assert_eq!(
        known.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert!(
        known
            .header("access-control-allow-methods")
            .expect("methods")
            .contains("PATCH")
    );
    let foreign = preflight("https://evil.example").await;
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    let answer = gateway
        .get("/api/v1/users/u")
        .header("origin", "https://app.example");
    let answer = answer.send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
}

#[tokio::test]
async fn a_client_that_takes_no_json_is_refused() {
    let gateway = Gateway::start().await;
    let token = gateway.member();
    let request = gateway
        .get("/api/v1/users/u")
        .bearer(&token)
        .header("accept", "text/html");
    assert_eq!(
        request.send().await.failure(),
        (406, "NOT_ACCEPTABLE".to_owned())
    );
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn requests_are_counted_by_their_templates() {
    let gateway = Gateway::start().await;
    gateway.get("/api/v1/users/u?secret=1").send().await;
    gateway.get("/api/v1/made-up").send().await;
    let text = gateway.metrics.text();
    assert!(text.contains("http_route=\"/api/v1/users/{id}\",http_response_status_code=\"401\""));
    assert!(text.contains("http_route=\"unmatched\",http_response_status_code=\"404\""));
    assert!(!text.contains("made-up"));
    for path in ["/projects/apollo-11", "/assets/index-made-up.js"] {
        gateway.get(path).send().await;
    }
    let text = gateway.metrics.text();
    assert!(text.contains("http_route=\"/projects/{slug}\""), "{text}");
    assert!(text.contains("http_route=\"/assets/{file}\""), "{text}");
    assert!(!text.contains("apollo-11") && !text.contains("made-up"));
}
