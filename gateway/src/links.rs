//! The pages that links in mails lead to where the web client, which has its own,
//! was left out.
//!
//! A program that looks at mails follows their links, so a GET changes nothing:
//! each page has a button, which calls the API. The token stands in the fragment
//! of the address, which a browser sends to nobody; the page takes it from there
//! and out of the address bar. Its files are in the binary, and it runs under a
//! policy that allows nothing inline (OWASP ASVS 5.0, 3.4.3 and 14.2.1).

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

/// The pages need their own script and style and call this server, no more.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const STYLE_PATH: &str = "/links/style.css";
const SCRIPT_PATH: &str = "/links/app.js";

/// A page, and what its button does.
#[derive(Template)]
#[template(path = "link.html")]
struct Page {
    path: &'static str,
    title: &'static str,
    text: &'static str,
    button: &'static str,
    /// The route of the API that takes the token.
    action: &'static str,
    asks_password: bool,
    /// What is said once it is done.
    done: &'static str,
    /// Whether to choose a new password is the next thing to do.
    offers_reset: bool,
}

const PAGES: [Page; 5] = [
    Page {
        path: "/verify-email",
        title: "Confirm your e-mail address",
        text: "Confirm that the address to which the mail went is yours.",
        button: "Confirm the address",
        action: "/api/v1/auth/email/verify",
        asks_password: false,
        done: "The address is confirmed. You can close this page.",
        offers_reset: false,
    },
    Page {
        path: "/confirm-email",
        title: "Confirm your new e-mail address",
        text: "From then on you sign in with the new address.",
        button: "Confirm the new address",
        action: "/api/v1/auth/email/verify",
        asks_password: false,
        done: "Your account has the new address now. You can close this page.",
        offers_reset: false,
    },
    Page {
        path: "/undo-email-change",
        title: "Undo the change of your e-mail address",
        text: "Your account gets its former address back, and everybody who is signed in to it \
               is signed out.",
        button: "Undo the change",
        action: "/api/v1/auth/email/undo",
        asks_password: false,
        done: "Your account has its former address back. If it was not you who changed it, \
               somebody else may know your password: choose a new one.",
        offers_reset: true,
    },
    Page {
        path: "/reset-password",
        title: "Choose a new password",
        text: "You will be signed out everywhere, and sign in with the new password.",
        button: "Set the password",
        action: "/api/v1/auth/password/reset",
        asks_password: true,
        done: "You have a new password. Sign in with it.",
        offers_reset: false,
    },
    Page {
        path: "/set-password",
        title: "Choose a password",
        text: "You sign in with it and the address to which the mail went.",
        button: "Set the password",
        action: "/api/v1/auth/password/reset",
        asks_password: true,
        done: "Your account is ready. Sign in with your password.",
        offers_reset: false,
    },
];

/// The paths of the pages, as names for metrics.
pub(crate) const PATHS: [&str; 5] = [
    PAGES[0].path,
    PAGES[1].path,
    PAGES[2].path,
    PAGES[3].path,
    PAGES[4].path,
];

/// The pages and their files.
pub(crate) fn router() -> Router {
    let files = Router::new()
        .route(
            STYLE_PATH,
            get(async || answer("text/css; charset=utf-8", include_str!("links/style.css"))),
        )
        .route(
            SCRIPT_PATH,
            get(async || {
                answer(
                    "text/javascript; charset=utf-8",
                    include_str!("links/app.js"),
                )
            }),
        );
    PAGES.iter().fold(files, |router, page| {
        router.route(page.path, get(async move || show(page)))
    })
}

fn show(page: &Page) -> Response {
    match page.render() {
        Ok(html) => answer("text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn answer(media_type: &'static str, text: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text.into()).into_response()
}

#[cfg(test)]
mod tests {
    use portico_proto::FILE_DESCRIPTOR_SET;
    use prost_reflect::DescriptorPool;

    use super::*;
    use crate::{routes::RouteTable, transcode::Schema};

    #[test]
    fn the_pages_name_only_files_that_are_served_and_nothing_inline() {
        for page in &PAGES {
            let html = page.render().expect("written");
            let named = html.split('"').filter(|text| text.starts_with("/links/"));
            let mut named: Vec<&str> = named.collect();
            named.sort_unstable();
            assert_eq!(named, [SCRIPT_PATH, STYLE_PATH]);
            for inline in ["<style", " style=", " onclick=", "<script>", "://"] {
                assert!(!html.contains(inline), "{inline}");
            }
        }
        let script = include_str!("links/app.js");
        for laxer in ["innerHTML", "eval(", ".style", "://", "localStorage"] {
            assert!(!script.contains(laxer), "{laxer}");
        }
    }

    #[test]
    fn the_buttons_call_routes_that_there_are() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("a pool");
        let schema = Schema::new(&pool).expect("a schema");
        let table = RouteTable::new(&pool, &schema).expect("routes");
        for page in &PAGES {
            let mut paths = table
                .routes()
                .iter()
                .map(|route| route.template.to_string());
            assert!(paths.any(|path| path == page.action), "{}", page.action);
        }
    }
}
