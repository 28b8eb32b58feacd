//! The documentation page at `/docs`, which shows the OpenAPI document and
//! calls what it describes. Its files are in the binary; it asks nobody else
//! for anything, and runs under a policy that allows nothing inline.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName},
    routing::get,
};

/// The page needs its own scripts and styles and calls this server, no more.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct File {
    path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

const FILES: [File; 4] = [
    File {
        path: "/docs",
        media_type: "text/html; charset=utf-8",
        text: include_str!("docs/index.html"),
    },
    File {
        path: "/docs/app.js",
        media_type: "text/javascript; charset=utf-8",
        text: include_str!("docs/app.js"),
    },
    File {
        path: "/docs/style.css",
        media_type: "text/css; charset=utf-8",
        text: include_str!("docs/style.css"),
    },
    File {
        path: "/docs/icon.svg",
        media_type: "image/svg+xml",
        text: include_str!("docs/icon.svg"),
    },
];

/// The page and its files.
pub fn router() -> Router {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(move || async move { answer(file) }))
    })
}

fn answer(file: &File) -> ([(HeaderName, &'static str); 3], &'static str) {
    let headers = [
        (CONTENT_TYPE, file.media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, file.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_only_files_that_are_served() {
        let page = FILES[0].text;
        let named: Vec<_> = page
            .split(['"', '\''])
            .filter(|text| text.starts_with("/docs/") || text.contains("://"))
            .collect();
        assert!(!named.is_empty());
        for path in named {
            assert!(FILES.iter().any(|file| file.path == path), "{path}");
        }
    }

    #[test]
    fn nothing_in_the_page_needs_a_laxer_policy() {
        let page = FILES[0].text;
        for inline in ["<style", " style=", " onclick=", "<script>"] {
            assert!(!page.contains(inline), "{inline}");
        }
        for laxer in ["innerHTML", "eval(", ".style", "://"] {
            assert!(!FILES[1].text.contains(laxer), "{laxer}");
        }
    }
}
