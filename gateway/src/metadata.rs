//! What of a client's headers reaches a service: a short list, and what the
//! gateway says itself. Everything else stays here, so that nobody can speak as
//! the gateway or as another service.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use portico_chassis::caller::metadata;

use crate::{headers::X_REQUEST_ID, trace};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(metadata::IDEMPOTENCY_KEY);
const CLIENT_IP: HeaderName = HeaderName::from_static(metadata::CLIENT_IP);
const CLIENT_AGENT: HeaderName = HeaderName::from_static(metadata::CLIENT_AGENT);
const REFRESH_COOKIE: HeaderName = HeaderName::from_static(metadata::REFRESH_COOKIE);
const FOREIGN_ORIGIN: HeaderName = HeaderName::from_static(metadata::FOREIGN_ORIGIN);

/// What the gateway knows of a request.
pub(crate) struct Facts<'r> {
    pub(crate) is_authenticated: bool,
    pub(crate) request_id: &'r HeaderValue,
    pub(crate) address: IpAddr,
    pub(crate) refresh_cookie: Option<&'r str>,
    pub(crate) is_foreign_origin: bool,
}

/// The metadata of the call that a request becomes.
pub(crate) fn of(headers: &HeaderMap, facts: &Facts<'_>) -> HeaderMap {
    // Room for these and for those that the call itself needs.
    let mut map = HeaderMap::with_capacity(16);
    let mut pass_on = |name: HeaderName| {
        if let Some(value) = headers.get(&name) {
            map.insert(name, value.clone());
        }
    };
    if facts.is_authenticated {
        pass_on(header::AUTHORIZATION);
    }
    pass_on(IDEMPOTENCY_KEY);
    pass_on(trace::TRACEPARENT);
    pass_on(trace::TRACESTATE);
    if let Some(tags) = joined(headers, &header::IF_MATCH) {
        map.insert(header::IF_MATCH, tags);
    }
    map.insert(X_REQUEST_ID, facts.request_id.clone());
    let own = [
        (CLIENT_IP, Some(facts.address.to_string())),
        (CLIENT_AGENT, agent(headers)),
        (REFRESH_COOKIE, facts.refresh_cookie.map(str::to_owned)),
        (
            FOREIGN_ORIGIN,
            facts.is_foreign_origin.then(|| "1".to_owned()),
        ),
    ];
    for (name, text) in own {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            map.insert(name, value);
        }
    }
    map
}

/// A list that may stand in several lines, in one.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?.clone();
    let mut all = first.as_bytes().to_vec();
    for line in lines {
        all.extend_from_slice(b", ");
        all.extend_from_slice(line.as_bytes());
    }
    Some(HeaderValue::try_from(all).unwrap_or(first))
}

/// The client's program, cut to a length that is worth keeping.
fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(256).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(lines: &[(&'static str, &'static str)], is_authenticated: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let facts = Facts {
            is_authenticated,
            request_id: &HeaderValue::from_static("r-1"),
            address: [192, 0, 2, 1].into(),
            refresh_cookie: Some("abc"),
            is_foreign_origin: true,
        };
        of(&headers, &facts)
    }

    #[test]
    fn only_what_is_listed_is_passed_on() {
        let map = metadata(
            &[
                ("authorization", "Bearer a"),
                ("if-match", "\"1.0\""),
                ("if-match", "\"2.0\""),
                ("idempotency-key", "k"),
                ("traceparent", "t"),
                ("x-request-id", "forged"),
                ("portico-client-ip", "198.51.100.1"),
                ("portico-service", "forged"),
                ("portico-refresh-cookie", "forged"),
                ("grpc-timeout", "1n"),
                ("secret-bin", "AAAA"),
                ("x-http-method-override", "DELETE"),
                ("cookie", "portico_refresh=abc"),
                ("user-agent", "curl/8"),
            ],
            true,
        );
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "authorization",
                "idempotency-key",
                "if-match",
                "portico-client-agent",
                "portico-client-ip",
                "portico-foreign-origin",
                "portico-refresh-cookie",
                "traceparent",
                "x-request-id",
            ]
        );
        assert_eq!(map["portico-client-ip"], "192.0.2.1");
        assert_eq!(map["portico-refresh-cookie"], "abc");
        assert_eq!(map["x-request-id"], "r-1");
        assert_eq!(map["if-match"], "\"1.0\", \"2.0\"");
    }

    #[test]
    fn a_token_that_was_ignored_goes_no_further() {
        let map = metadata(&[("authorization", "Bearer stale")], false);
        assert!(!map.contains_key("authorization"));
    }
}
