//! The web client. Its files are in the binary, as its build has made them, with
//! their compressed forms: nothing is read, compressed or hashed while serving.
//!
//! The client finds the page for an address by itself, so each address of a page
//! has the same answer, `index.html`. Browsers ask for it again each time; what
//! it loads is named by its content, and can be kept for ever.

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
    },
};

use crate::{
    compression::AsItIs,
    headers::{accepts, accepts_encoding, none_match_names},
    links,
};

/// The addresses of the client's pages, as its router has them.
const PAGES: [&str; 22] = [
    "/",
    "/login",
    "/register",
    "/forgot-password",
    links::PATHS[0],
    links::PATHS[1],
    links::PATHS[2],
    links::PATHS[3],
    links::PATHS[4],
    "/dashboard",
    "/projects",
    "/projects/{slug}",
    "/projects/{slug}/members",
    "/projects/{slug}/settings",
    "/invitations",
    "/settings",
    "/settings/security",
    "/settings/api-keys",
    "/admin",
    "/admin/users",
    "/admin/audit-log",
    "/admin/mail-jobs",
];

/// The page behind all of them.
const INDEX: &str = "/index.html";
/// The folder of what is named by its content.
const ASSETS: &str = "/assets/";

/// The client needs its own files and calls this server, no more; only people's
/// avatars are wherever they are.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data: https:; font-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Of what a browser can do for a page, the client uses passkeys and the
/// clipboard.
const PERMISSIONS: &str = "publickey-credentials-create=(self), \
                           publickey-credentials-get=(self), clipboard-write=(self), \
                           clipboard-read=(), accelerometer=(), camera=(), display-capture=(), \
                           geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
                           payment=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()";

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(PERMISSIONS),
    ),
];

/// The client's files, as `build.rs` found them; none, where it was not built.
const EMBEDDED: &[File] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// A web client.
#[derive(Clone, Copy)]
pub struct Web(&'static [File]);

/// A file of a web client.
pub struct File {
    /// Where it is served, such as `/assets/index-7c1f.js`.
    pub path: &'static str,
    /// Its forms, the best one first. The last one is as everybody takes it.
    pub forms: &'static [Form],
}

/// A file as it is sent.
pub struct Form {
    /// How it is compressed, as HTTP calls that.
    pub encoding: Option<&'static str>,
    /// Its entity tag, in quotes.
    pub etag: &'static str,
    /// What is sent.
    pub content: &'static [u8],
}

impl Web {
    /// A client of these files, which `index.html` is among.
    #[must_use]
    pub const fn new(files: &'static [File]) -> Self {
        Self(files)
    }

    /// The client in this binary, unless it was left out.
    #[must_use]
    pub fn embedded() -> Option<Self> {
        let web = Self(EMBEDDED);
        web.file(INDEX).map(|_| web)
    }

    fn file(self, path: &str) -> Option<&'static File> {
        self.0.iter().find(|file| file.path == path)
    }

    /// Answers with a file, with a page, or with the page that says that there is
    /// none.
    pub(crate) fn answer(self, request: &Request) -> Response {
        let (path, asked) = (request.uri().path(), request.headers());
        let file = self.file(path);
        let page = page(path);
        let is_reading = [Method::GET, Method::HEAD].contains(request.method());
        if !is_reading && (file.is_some() || page.is_some()) {
            return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET,HEAD")]).into_response();
        }
        if let Some(file) = file {
            return file.answer(asked, StatusCode::OK);
        }
        let is_for_people = is_reading && !names_file(path) && accepts(asked, "text/html");
        let Some(index) = self.file(INDEX).filter(|_| is_for_people) else {
            return not_found();
        };
        let status = page.map_or(StatusCode::NOT_FOUND, |_| StatusCode::OK);
        let mut response = index.answer(asked, status);
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("accept"));
        response
    }
}

impl File {
    /// Answers with the form that suits the client, unless it has that already.
    fn answer(&self, asked: &HeaderMap, status: StatusCode) -> Response {
        let mut forms = self.forms.iter();
        let suits = |form: &&Form| {
            let encoding = form.encoding;
            encoding.is_none_or(|encoding| accepts_encoding(asked, encoding))
        };
        let Some(form) = forms.find(suits) else {
            return not_found();
        };
        let etag = HeaderValue::from_static(form.etag);
        let is_known = status == StatusCode::OK && none_match_names(asked, &etag);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut headers = HeaderMap::new();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static(media_type(self.path)),
            );
            if let Some(encoding) = form.encoding {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            (status, headers, Bytes::from_static(form.content)).into_response()
        };
        let cached = if self.path.starts_with(ASSETS) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        // A browser replaces what it has kept of these by what a 304 says.
        let headers = response.headers_mut();
        headers.extend(HEADERS);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cached));
        headers.insert(ETAG, etag);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        response.extensions_mut().insert(AsItIs);
        response
    }
}

/// What is answered where there is nothing.
pub(crate) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "Not found.\n").into_response()
}

/// The name that a path of the client has in metrics, whether there is a client
/// or not.
pub(crate) fn route(path: &str) -> Option<&'static str> {
    if path.starts_with(ASSETS) {
        Some("/assets/{file}")
    } else {
        page(path)
    }
}

/// The page that a path leads to.
fn page(path: &str) -> Option<&'static str> {
    let is_at = |page: &&&str| {
        page.split('/').count() == path.split('/').count()
            && page.split('/').zip(path.split('/')).all(|(named, given)| {
                named == given || (named.starts_with('{') && !given.is_empty())
            })
    };
    PAGES.iter().find(is_at).copied()
}

/// Whether a path is the one of a file, not of a page.
fn names_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.starts_with(ASSETS) || name.contains('.')
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_the_client_are_told_from_other_paths() {
        for (path, expected) in [
            ("/", Some("/")),
            ("/projects", Some("/projects")),
            ("/projects/apollo-11", Some("/projects/{slug}")),
            (
                "/projects/apollo-11/members",
                Some("/projects/{slug}/members"),
            ),
            ("/verify-email", Some("/verify-email")),
            ("/projects/", None),
            ("/projects//members", None),
            ("/projects/apollo-11/nothing", None),
            ("/Projects", None),
            ("//login", None),
            ("/%6cogin", None),
            ("", None),
        ] {
            assert_eq!(page(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_embedded_is_of_a_known_type() {
        for path in EMBEDDED.iter().map(|file| file.path) {
            assert_ne!(media_type(path), "application/octet-stream", "{path}");
        }
    }
}
