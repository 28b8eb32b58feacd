//! The web client, as browsers and others get it: one that was made up, and the
//! one in this program.

use portico_gateway::{Config, File, Form, Web};

use crate::{
    client::Answer,
    fixture::{Gateway, config},
};

/// Browsers ask so for a page.
const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const BROWSER: &str = "gzip, deflate, br, zstd";

const fn form(encoding: Option<&'static str>, etag: &'static str, content: &'static [u8]) -> Form {
    Form {
        encoding,
        etag,
        content,
    }
}

/// Large enough to be compressed, were it not compressed already.
const LARGE: &[u8] = &[b'x'; 5000];

const CLIENT: &[File] = &[
    File {
        path: "/index.html",
        forms: &[
            form(Some("br"), "\"page-br\"", b"page in br"),
            form(Some("gzip"), "\"page-gzip\"", b"page in gzip"),
            form(None, "\"page\"", LARGE),
        ],
    },
    File {
        path: "/assets/index-1a2b.js",
        forms: &[
            form(Some("br"), "\"script-br\"", b"script in br"),
            form(Some("gzip"), "\"script-gzip\"", b"script in gzip"),
            form(None, "\"script\"", LARGE),
        ],
    },
    File {
        path: "/assets/small-3c4d.css",
        forms: &[form(None, "\"style\"", b"a {}")],
    },
    File {
        path: "/sw.js",
        forms: &[form(None, "\"worker\"", b"worker")],
    },
    File {
        path: "/manifest.webmanifest",
        forms: &[form(None, "\"manifest\"", b"{}")],
    },
    File {
        path: "/icon.svg",
        forms: &[form(None, "\"icon\"", b"<svg/>")],
    },
];

async fn with_client() -> Gateway {
    with(Web::new(CLIENT)).await
}

async fn with(web: Web) -> Gateway {
    let config = Config {
        web: Some(web),
        ..config(&[("PUBLIC_URL", "https://portico.example")])
    };
    Gateway::with(config).await
}

fn is_page(answer: &Answer) -> bool {
    answer.body == LARGE && answer.header("content-type") == Some("text/html; charset=utf-8")
}

#[tokio::test]
async fn every_page_of_the_client_is_its_index() {
    let gateway = with_client().await;
    for path in [
        "/",
        "/login?redirect=%2Fprojects",
        "/register",
        "/dashboard",
        "/projects",
        "/projects/apollo-11",
        "/projects/apollo-11/members",
        "/settings/security",
        "/admin/mail-jobs",
        "/index.html",
    ] {
        for accept in [PAGE, "*/*", "text/html"] {
            let answer = gateway.get(path).header("accept", accept).send().await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(is_page(&answer), "{path}: {answer:?}");
        }
    }
    assert!(is_page(&gateway.get("/dashboard").send().await));
}

#[tokio::test]
async fn a_page_that_is_not_there_is_the_clients_own_but_not_found() {
    let gateway = with_client().await;
    for path in [
        "/nothing",
        "/projects/apollo-11/nothing",
        "/projects/",
        "//evil",
        "/docs/nothing",
        "/socket.io/nothing",
        "/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer = gateway.get(path).header("accept", PAGE);
        let answer = answer.header("if-none-match", "*").send().await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(is_page(&answer), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn who_takes_no_page_or_sends_something_gets_none() {
    let gateway = with_client().await;
    for (path, accept) in [
        ("/nothing", "application/json"),
        ("/projects", "application/json"),
        ("/projects", "text/html;q=0, */*"),
    ] {
        let answer = gateway.get(path).header("accept", accept).send().await;
        assert_eq!(
            (answer.status, answer.text()),
            (404, "Not found.\n"),
            "{path}"
        );
    }
    for (path, status) in [("/nothing", 404), ("/projects", 405), ("/sw.js", 405)] {
        for method in ["POST", "PUT", "DELETE", "BREW"] {
            let answer = gateway.request(method, path).header("accept", PAGE);
            let answer = answer.send().await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert!(!is_page(&answer));
            let allow = (status == 405).then_some("GET,HEAD");
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }
    let options = gateway.request("OPTIONS", "/projects").send().await;
    assert_eq!(options.status, 204);
    assert_eq!(options.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn files_that_are_not_there_are_not_found() {
    let gateway = with_client().await;
    for path in [
        "/assets/gone-1a2b.js",
        "/assets/",
        "/assets/nothing",
        "/favicon.ico",
        "/projects/robots.txt",
        "/assets/index-1a2b.js/",
        "/assets/index-1a2b.js.br",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/assets/%2e%2e/sw.js",
        "/assets/..\\sw.js",
        "/../Cargo.toml",
        "/..%2f..%2fCargo.toml",
        "/.env",
        "/assets/%00",
        "/assets/index-1a2b.js%00.css",
    ] {
        let answer = gateway.get(path).header("accept", PAGE).send().await;
        assert_eq!(
            (answer.status, answer.text()),
            (404, "Not found.\n"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_the_rest_is_asked_for_again() {
    let gateway = with_client().await;
    for path in ["/assets/index-1a2b.js", "/assets/small-3c4d.css"] {
        let answer = gateway.get(path).send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable"),
            "{path}"
        );
    }
    for path in [
        "/",
        "/dashboard",
        "/nothing",
        "/sw.js",
        "/manifest.webmanifest",
        "/icon.svg",
    ] {
        let answer = gateway.get(path).send().await;
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let gateway = with_client().await;
    let ask = async |path: &str, etag: &str| {
        let request = gateway.get(path).header("accept-encoding", "br");
        request.header("if-none-match", etag).send().await
    };
    for (path, etag) in [
        ("/", "\"page-br\""),
        ("/dashboard", "\"other\", W/\"page-br\""),
        ("/sw.js", "\"worker\""),
        ("/assets/index-1a2b.js", "\"script-br\""),
        ("/", "*"),
    ] {
        let answer = ask(path, etag).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{path}");
        assert!(
            answer
                .header("etag")
                .is_some_and(|own| etag.contains(own) || etag == "*")
        );
        assert_eq!(answer.header("content-type"), None, "{path}");
        assert_eq!(answer.header("content-encoding"), None, "{path}");
        // It replaces what the browser has kept.
        has_strict_headers(&answer, path);
        let vary = answer.header("vary").expect("what it depends on");
        assert_eq!(vary, "accept-encoding", "{path}");
    }
    // Another form is another one.
    for etag in ["\"page\"", "\"page-gzip\"", "\"old\"", "page-br"] {
        let answer = ask("/", etag).await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, "page in br"),
            "{etag}"
        );
    }
}

#[tokio::test]
async fn the_best_form_that_a_client_takes_is_sent() {
    let gateway = with_client().await;
    for (accepted, encoding, text) in [
        (BROWSER, Some("br"), "in br"),
        ("gzip", Some("gzip"), "in gzip"),
        ("gzip, br;q=0", Some("gzip"), "in gzip"),
        ("br;q=0.1, gzip;q=0.9", Some("br"), "in br"),
        ("*", Some("br"), "in br"),
        ("identity", None, "xxx"),
        ("zstd", None, "xxx"),
        ("deflate, br;q=0", None, "xxx"),
        ("", None, "xxx"),
    ] {
        for path in ["/", "/assets/index-1a2b.js"] {
            let answer = gateway.get(path).header("accept-encoding", accepted);
            let answer = answer.send().await;
            assert_eq!(answer.status, 200, "{path}: {accepted}");
            assert_eq!(
                answer.header("content-encoding"),
                encoding,
                "{path}: {accepted}"
            );
            assert!(answer.text().contains(text), "{path}: {accepted}");
            let length = answer.body.len().to_string();
            assert_eq!(answer.header("content-length"), Some(&*length), "{path}");
            let etag = answer.header("etag").expect("a tag");
            assert!(etag.ends_with(&encoding.map_or("\"".to_owned(), |name| format!("{name}\""))));
            let vary = answer.header("vary").expect("what it depends on");
            assert!(vary.contains("accept-encoding"), "{path}: {vary}");
        }
    }
    let plain = gateway.get("/assets/small-3c4d.css");
    let plain = plain.header("accept-encoding", BROWSER).send().await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.text(), "a {}");
}

#[tokio::test]
async fn a_file_is_of_the_type_that_its_name_says() {
    let gateway = with_client().await;
    for (path, media_type) in [
        ("/assets/index-1a2b.js", "text/javascript; charset=utf-8"),
        ("/assets/small-3c4d.css", "text/css; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/index.html", "text/html; charset=utf-8"),
    ] {
        let answer = gateway.get(path).send().await;
        assert_eq!(answer.header("content-type"), Some(media_type), "{path}");
    }
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let gateway = with_client().await;
    for (path, status) in [
        ("/dashboard", 200),
        ("/assets/index-1a2b.js", 200),
        ("/nothing", 404),
    ] {
        let ask = async |method| {
            let request = gateway.request(method, path);
            request.header("accept-encoding", BROWSER).send().await
        };
        let (get, head) = (ask("GET").await, ask("HEAD").await);
        assert_eq!((head.status, head.body.len()), (status, 0), "{path}");
        assert!(!get.body.is_empty());
        let names = [
            "content-length",
            "content-type",
            "content-encoding",
            "etag",
            "vary",
        ];
        for name in names
            .into_iter()
            .chain(["cache-control", "content-security-policy"])
        {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn nothing_runs_in_a_page_but_the_client() {
    let gateway = with_client().await;
    for path in ["/", "/nothing", "/sw.js", "/assets/index-1a2b.js"] {
        has_strict_headers(&gateway.get(path).send().await, path);
    }
}

fn has_strict_headers(answer: &Answer, path: &str) {
    let policy = answer.header("content-security-policy");
    let mut rules: Vec<&str> = policy.expect("a policy").split("; ").collect();
    rules.sort_unstable();
    let expected = [
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data: https:",
        "manifest-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "worker-src 'self'",
    ];
    assert_eq!(rules, expected, "{path}");
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        ),
    ] {
        assert_eq!(answer.header(name), Some(value), "{path}");
    }
    let permissions = answer.header("permissions-policy").expect("permissions");
    for permission in ["publickey-credentials-get=(self)", "camera=()"] {
        assert!(permissions.contains(permission), "{permissions}");
    }
}

#[tokio::test]
async fn the_api_and_the_other_pages_are_as_without_the_client() {
    let gateway = with_client().await;
    for path in ["/api", "/api/v1/nothing", "/api/nothing.js"] {
        let answer = gateway.get(path).header("accept", PAGE).send().await;
        assert_eq!(
            answer.failure(),
            (404, "ROUTE_NOT_FOUND".to_owned()),
            "{path}"
        );
    }
    let nothing = gateway.get("/.well-known/nothing").header("accept", PAGE);
    assert!(!is_page(&nothing.send().await));
    for path in [
        "/health",
        "/livez",
        "/readyz",
        "/docs",
        "/docs/app.js",
        "/api/openapi.json",
    ] {
        let answer = gateway.get(path).header("accept", PAGE).send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!is_page(&answer), "{path}");
    }
    let users = gateway.get("/api/v1/users").send().await;
    assert_eq!(users.failure(), (401, "UNAUTHENTICATED".to_owned()));
}

#[tokio::test]
async fn links_in_mails_lead_to_the_client_and_looking_changes_nothing() {
    let gateway = with_client().await;
    for path in [
        "/verify-email",
        "/verify-email?token=plk_x",
        "/confirm-email",
        "/undo-email-change",
        "/reset-password",
        "/set-password",
        "/invitations",
    ] {
        let answer = gateway.get(path).header("accept", PAGE).send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(is_page(&answer), "{path}");
        assert_eq!(gateway.post(path).send().await.status, 405, "{path}");
    }
    assert!(gateway.services.asked().is_empty());
    // Their stand-ins are gone with their files.
    assert_eq!(gateway.get("/links/app.js").send().await.status, 404);
}

/// Whatever `index.html` loads is there, as it is in this program.
#[tokio::test]
async fn the_client_in_this_program_is_whole() {
    let Some(web) = Web::embedded() else {
        // It was left out, and a page says so.
        let gateway = Gateway::start().await;
        let page = gateway.get("/").send().await;
        assert!(page.text().contains("was left out"));
        return;
    };
    let gateway = with(web).await;
    let index = gateway.get("/").send().await;
    has_strict_headers(&index, "/");
    let quoted = index.text().split('"');
    let loaded: Vec<&str> = quoted.filter(|text| text.starts_with('/')).collect();
    assert!(
        loaded.iter().any(|path| path.starts_with("/assets/")),
        "{loaded:?}"
    );
    for path in loaded {
        for (accepted, encoding) in [(BROWSER, "br"), ("gzip", "gzip"), ("identity", "")] {
            let answer = gateway.get(path).header("accept-encoding", accepted);
            let answer = answer.send().await;
            assert_eq!(answer.status, 200, "{path}");
            if path.starts_with("/assets/") {
                let sent = answer.header("content-encoding").unwrap_or_default();
                assert_eq!(sent, encoding, "{path}");
            }
        }
    }
    for inline in ["<style", " style=", " onclick=", "<script>", "://"] {
        assert!(!index.text().contains(inline), "{inline}");
    }
}
