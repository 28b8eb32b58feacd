//! Which pages of other origins may call the API: the configured ones, with
//! credentials (the Fetch standard, "CORS protocol").

use http::{HeaderMap, HeaderValue, Method, header};

use crate::config::Config;

const ALLOW_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, \
     traceparent, tracestate, x-request-id",
);
const EXPOSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "etag, idempotency-replayed, ratelimit, ratelimit-policy, retry-after, www-authenticate, \
     x-request-id",
);
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origins that are known.
pub(crate) struct Origins {
    own: String,
    configured: Vec<String>,
}

impl Origins {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            own: config.public_url.to_ascii_lowercase(),
            configured: config.cors_origins.clone(),
        }
    }

    /// Whether a browser sent a request from a page of an origin that is neither
    /// ours nor configured.
    pub(crate) fn is_foreign(&self, headers: &HeaderMap) -> bool {
        headers
            .get(header::ORIGIN)
            .is_some_and(|origin| origin != self.own.as_str() && !self.is_configured(origin))
    }

    fn is_configured(&self, origin: &HeaderValue) -> bool {
        self.configured.iter().any(|known| origin == known.as_str())
    }

    /// Tells a browser what a page of another origin may do and read.
    pub(crate) fn write(&self, method: &Method, asked: &HeaderMap, answer: &mut HeaderMap) {
        if self.configured.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("origin"));
        let origin = asked.get(header::ORIGIN);
        let Some(origin) = origin.filter(|origin| self.is_configured(origin)) else {
            return;
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let yes = HeaderValue::from_static("true");
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        if method != Method::OPTIONS {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
        } else if let Some(methods) = answer.get(header::ALLOW).cloned() {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOW_HEADERS);
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> Origins {
        Origins {
            own: "https://portico.example".to_owned(),
            configured: vec!["https://app.example".to_owned()],
        }
    }

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn any_origin_but_ours_and_the_configured_ones_is_foreign() {
        assert!(!origins().is_foreign(&HeaderMap::new()));
        assert!(!origins().is_foreign(&from("https://portico.example")));
        assert!(!origins().is_foreign(&from("https://app.example")));
        for origin in [
            "https://evil.example",
            "null",
            "http://portico.example",
            "https://app.example.evil",
        ] {
            assert!(origins().is_foreign(&from(origin)), "{origin}");
        }
    }

    #[test]
    fn only_configured_origins_may_read_answers() {
        let mut known = HeaderMap::new();
        origins().write(&Method::GET, &from("https://app.example"), &mut known);
        assert_eq!(known["access-control-allow-origin"], "https://app.example");
        assert_eq!(known["access-control-allow-credentials"], "true");
        assert!(
            known["access-control-expose-headers"]
                .to_str()
                .expect("text")
                .contains("etag")
        );
        let mut foreign = HeaderMap::new();
        origins().write(&Method::GET, &from("https://evil.example"), &mut foreign);
        assert!(!foreign.contains_key("access-control-allow-origin"));
        assert_eq!(foreign["vary"], "origin");
    }

    #[test]
    fn a_preflight_says_what_may_be_sent() {
        let mut answer =
            HeaderMap::from_iter([(header::ALLOW, HeaderValue::from_static("GET, PATCH"))]);
        origins().write(&Method::OPTIONS, &from("https://app.example"), &mut answer);
        assert_eq!(answer["access-control-allow-methods"], "GET, PATCH");
        assert!(
            answer["access-control-allow-headers"]
                .to_str()
                .expect("text")
                .contains("if-match")
        );
    }
}
