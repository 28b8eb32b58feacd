//! The page at `/dev/mailbox`: the mails of a development installation without
//! a mail server. They open accounts, so the page is there in no other.
//!
//! Their texts are by strangers. All of it is escaped, and the HTML of a mail
//! is shown as a document of its own that may run and fetch nothing.

use std::{io, net::IpAddr, path::Path, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::{Path as Segment, Request, State},
    middleware::{self, Next},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use http::{
    StatusCode, Uri,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST},
};
use portico_chassis::{
    clock::parse_id,
    mailbox::{Letter, Mailbox},
};

use crate::envelope::write_timestamp;

pub(crate) const PATH: &str = "/dev/mailbox";

/// The pages need their style and frame a mail, no more.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A mail brings its style and opens its links elsewhere, no more.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'self'; \
                           sandbox allow-popups allow-popups-to-escape-sandbox";

const STYLE: &str = include_str!("mailbox/style.css");

/// The pages over the mails in `folder`.
pub(crate) fn router(folder: &Path, public_url: &str) -> Router {
    let host = public_url
        .parse::<Uri>()
        .ok()
        .and_then(|url| url.host().map(Arc::from));
    let style = [(CONTENT_TYPE, "text/css; charset=utf-8")];
    Router::new()
        .route(PATH, get(list))
        .route("/dev/mailbox/style.css", get(async move || (style, STYLE)))
        .route("/dev/mailbox/{id}", get(letter))
        .route("/dev/mailbox/{id}/html", get(html))
        .layer(middleware::from_fn_with_state(host, only_by_own_name))
        .with_state(Mailbox::new(folder))
}

/// Refuses requests to a name that is not this installation's. A page elsewhere
/// could have its own name lead here, and read what is shown (DNS rebinding).
async fn only_by_own_name(
    State(own): State<Option<Arc<str>>>,
    request: Request,
    next: Next,
) -> Response {
    let stated = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let stated = stated.and_then(|host| host.parse::<http::uri::Authority>().ok());
    let authority = request.uri().authority().cloned().or(stated);
    let is_own = authority.is_some_and(|authority| {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        own.as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(host))
            || host.eq_ignore_ascii_case("localhost")
            || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    });
    if is_own {
        next.run(request).await
    } else {
        not_found()
    }
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct ListPage {
    letters: Vec<Letter>,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterPage {
    letter: Letter,
    parts: Vec<Part>,
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: String,
    is_link: bool,
}

/// A text, with its links told apart.
fn parts(text: &str) -> Vec<Part> {
    let words = text.split_inclusive(char::is_whitespace);
    words
        .flat_map(|word| {
            let bare = word.trim_end();
            let is_link = ["https://", "http://"]
                .iter()
                .any(|scheme| bare.starts_with(scheme));
            let part = |text: &str, is_link| Part {
                text: text.to_owned(),
                is_link,
            };
            [part(bare, is_link), part(&word[bare.len()..], false)]
        })
        .filter(|part| !part.text.is_empty())
        .collect()
}

fn moment(letter: &Letter) -> String {
    let mut text = Vec::new();
    write_timestamp(&mut text, letter.at);
    String::from_utf8(text).unwrap_or_default()
}

async fn list(State(mailbox): State<Mailbox>) -> Response {
    match mailbox.list().await {
        Ok(letters) => page(ListPage { letters }.render(), POLICY),
        Err(error) => failed(&error),
    }
}

async fn letter(State(mailbox): State<Mailbox>, Segment(id): Segment<String>) -> Response {
    match find(&mailbox, &id).await {
        Ok(Some(letter)) => {
            let parts = parts(&letter.text);
            page(LetterPage { letter, parts }.render(), POLICY)
        }
        Ok(None) => not_found(),
        Err(error) => failed(&error),
    }
}

async fn html(State(mailbox): State<Mailbox>, Segment(id): Segment<String>) -> Response {
    match find(&mailbox, &id).await {
        Ok(Some(letter)) => {
            // Its links open elsewhere: nothing else may be shown in the frame.
            let head = "<head><base target=\"_blank\">";
            page(Ok(letter.html.replacen("<head>", head, 1)), MAIL_POLICY)
        }
        Ok(None) => not_found(),
        Err(error) => failed(&error),
    }
}

async fn find(mailbox: &Mailbox, id: &str) -> io::Result<Option<Letter>> {
    match parse_id(id) {
        Some(id) => mailbox.get(id).await,
        None => Ok(None),
    }
}

fn page(html: askama::Result<String>, policy: &'static str) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
    ];
    match html {
        Ok(html) => (headers, Html(html)).into_response(),
        Err(error) => failed(&error),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "Not found.\n").into_response()
}

fn failed(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "the mailbox cannot be shown");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_as_it_is_and_its_links_are_told_apart() {
        let text = "See:\nhttps://portico.example/x#token=a&b\n\n  or <b>http</b> javascript:x ";
        let parts = parts(text);
        let joined: String = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(joined, text);
        let links: Vec<&str> = parts
            .iter()
            .filter(|part| part.is_link)
            .map(|part| part.text.as_str())
            .collect();
        assert_eq!(links, ["https://portico.example/x#token=a&b"]);
    }
}
