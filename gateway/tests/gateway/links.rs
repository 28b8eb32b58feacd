//! The pages that links in mails lead to.

use crate::fixture::Gateway;

const PAGES: [&str; 5] = [
    "/verify-email",
    "/confirm-email",
    "/undo-email-change",
    "/reset-password",
    "/set-password",
];

#[tokio::test]
async fn looking_at_a_page_changes_nothing() {
    let gateway = Gateway::start().await;
    for page in PAGES {
        for (method, path) in [
            ("GET", page.to_owned()),
            ("HEAD", page.to_owned()),
            ("GET", format!("{page}?token=plk_x")),
        ] {
            let answer = gateway.request(method, &path).send().await;
            assert_eq!(answer.status, 200, "{method} {path}");
        }
        let posted = gateway.post(page).send().await;
        assert_eq!(posted.status, 405, "{page}");
    }
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn a_page_lets_nothing_else_run_and_tells_nobody_where_it_was() {
    let gateway = Gateway::start().await;
    let files = ["/links/app.js", "/links/style.css"];
    for path in PAGES.iter().chain(&files) {
        let answer = gateway.get(path).send().await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
}
