//! What of a client's headers reaches a service: a short list, and what the
//! gateway says itself. Everything else stays here, so that nobody can speak as
//! the gateway or as another service.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use portico_chassis::{caller::metadata, status::Error};

use crate::{headers::X_REQUEST_ID, trace};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(metadata::IDEMPOTENCY_KEY);
const CLIENT_IP: HeaderName = HeaderName::from_static(metadata::CLIENT_IP);
const CLIENT_AGENT: HeaderName = HeaderName::from_static(metadata::CLIENT_AGENT);
const REFRESH_COOKIE: HeaderName = HeaderName::from_static(metadata::REFRESH_COOKIE);
const FOREIGN_ORIGIN: HeaderName = HeaderName::from_static(metadata::FOREIGN_ORIGIN);

/// What the gateway knows of a request.
pub(crate) struct Facts<'r> {
    /// What stands for the caller, if somebody is known.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) request_id: &'r HeaderValue,
    pub(crate) address: IpAddr,
    pub(crate) refresh_cookie: Option<&'r str>,
    pub(crate) is_foreign_origin: bool,
}

/// The metadata of the call that a request becomes.
///
/// # Errors
///
/// `VALIDATION_FAILED` for an idempotency key that a service would not see: a
/// client that sends one relies on it.
pub(crate) fn of(headers: &HeaderMap, facts: &Facts<'_>) -> Result<HeaderMap, Error> {
    check_idempotency_key(headers)?;
    // Room for these and for those that the call itself needs.
    let mut map = HeaderMap::with_capacity(16);
    let mut pass_on = |name: HeaderName| {
        if let Some(value) = headers.get(&name) {
            map.insert(name, value.clone());
        }
    };
    pass_on(IDEMPOTENCY_KEY);
    pass_on(trace::TRACEPARENT);
    pass_on(trace::TRACESTATE);
    if let Some(authorization) = &facts.authorization {
        map.insert(header::AUTHORIZATION, authorization.clone());
    }
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
    Ok(map)
}

fn check_idempotency_key(headers: &HeaderMap) -> Result<(), Error> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (keys.next().map(HeaderValue::to_str), keys.next()) {
        (None | Some(Ok(_)), None) => Ok(()),
        _ => Err(Error::invalid_field(
            "Idempotency-Key",
            "NOT_ALLOWED",
            "must be 1 to 255 printable ASCII characters",
        )),
    }
}

/// A list that may stand in several lines, in one. One that is no text becomes
/// an empty list, which names nothing: it must not count as absent.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let texts: Result<Vec<&str>, _> = lines.map(HeaderValue::to_str).collect();
    let text = texts.unwrap_or_default().join(", ");
    HeaderValue::try_from(text).ok()
}

/// The client's program, cut to a length that is worth keeping.
fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(256).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(
        lines: &[(&'static str, &'static str)],
        authorization: Option<&'static str>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let facts = Facts {
            authorization: authorization.map(HeaderValue::from_static),
            request_id: &HeaderValue::from_static("r-1"),
            address: [192, 0, 2, 1].into(),
            refresh_cookie: Some("abc"),
            is_foreign_origin: true,
        };
        of(&headers, &facts).expect("metadata")
    }

    #[test]
    fn only_what_is_listed_is_passed_on() {
        let map = metadata(
            &[
                ("authorization", "Bearer shown"),
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
            Some("Bearer a"),
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
        assert_eq!(map["authorization"], "Bearer a");
        assert_eq!(map["portico-client-ip"], "192.0.2.1");
        assert_eq!(map["portico-refresh-cookie"], "abc");
        assert_eq!(map["x-request-id"], "r-1");
        assert_eq!(map["if-match"], "\"1.0\", \"2.0\"");
    }

    #[test]
    fn a_token_that_was_ignored_goes_no_further() {
        let map = metadata(&[("authorization", "Bearer stale")], None);
        assert!(!map.contains_key("authorization"));
    }

    #[test]
    fn a_condition_that_is_no_text_is_kept_as_one_that_nothing_meets() {
        let mut headers = HeaderMap::new();
        let bytes = HeaderValue::from_bytes(b"\"1.\xff\"").expect("a header");
        headers.insert(header::IF_MATCH, bytes);
        assert_eq!(joined(&headers, &header::IF_MATCH).expect("a list"), "");
    }

    #[test]
    fn an_idempotency_key_that_would_be_lost_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        assert!(check_idempotency_key(&headers).is_ok());
        headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static("b"));
        assert!(check_idempotency_key(&headers).is_err());
        let bytes = HeaderValue::from_bytes(b"\xff").expect("a header");
        headers.insert(IDEMPOTENCY_KEY, bytes);
        assert!(check_idempotency_key(&headers).is_err());
    }
}
