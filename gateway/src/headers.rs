//! Headers that every answer has, and what a client's headers ask of an answer.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::Config;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer of the API is no page: nothing in it may run or load.
const NO_PAGE: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");

/// The headers that protect browsers.
pub(crate) struct Security {
    is_https: bool,
}

impl Security {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            is_https: config.is_https(),
        }
    }

    /// Adds them; a page that states a policy of its own keeps it.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(NO_PAGE);
        if self.is_https {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000; includeSubDomains"),
            );
        }
    }
}

/// Whether a client takes a media type, such as `application/json` (RFC 9110,
/// section 12.5.1). One that does not say takes all.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let kind = media_type.split('/').next().unwrap_or_default();
    let any_of_kind = format!("{kind}/*");
    let ranges = ["*/*", &any_of_kind, media_type];
    takes(headers, header::ACCEPT, &ranges).unwrap_or_else(|| {
        let mut lines = headers.get_all(header::ACCEPT).iter();
        let says = |text: &str| text.contains(|letter: char| !", \t".contains(letter));
        !lines.any(|line| line.to_str().is_ok_and(says))
    })
}

/// Whether a client takes a compressed form, such as `gzip` (RFC 9110, section
/// 12.5.3). One that does not say gets the plain one.
pub(crate) fn accepts_encoding(headers: &HeaderMap, encoding: &str) -> bool {
    takes(headers, header::ACCEPT_ENCODING, &["*", encoding]).unwrap_or(false)
}

/// What a list of what a client takes says of something: by the most specific
/// range that covers it, the last one of those given here.
fn takes(headers: &HeaderMap, list: HeaderName, ranges: &[&str]) -> Option<bool> {
    let mut best: Option<(usize, bool)> = None;
    let lines = headers.get_all(list);
    let items = lines
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','));
    for item in items {
        let mut parts = item.split(';').map(str::trim);
        let covered = parts.next().unwrap_or_default();
        let Some(precision) = ranges
            .iter()
            .position(|known| known.eq_ignore_ascii_case(covered))
        else {
            continue;
        };
        let weight = parts.find_map(|parameter| parameter.strip_prefix("q="));
        let is_taken = weight.is_none_or(|weight| weight.parse().is_ok_and(|q: f32| q > 0.0));
        if best.is_none_or(|(known, _)| precision >= known) {
            best = Some((precision, is_taken));
        }
    }
    best.map(|(_, is_taken)| is_taken)
}

/// Whether `If-None-Match` names an entity tag, compared weakly (RFC 9110,
/// section 13.1.2). The tag is the one of the header, in quotes.
pub(crate) fn none_match_names(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn accepts_json(headers: &HeaderMap) -> bool {
        accepts(headers, "application/json")
    }

    #[test]
    fn the_most_specific_range_decides_whether_json_is_accepted() {
        for accept in [
            "*/*",
            "application/json",
            "Application/*;q=0.1",
            "text/html, */*;q=0.1",
            "text/html;q=0, application/json",
            "*/*;q=0, application/json",
            "",
        ] {
            assert!(accepts_json(&one(header::ACCEPT, accept)), "{accept}");
        }
        for accept in [
            "text/html",
            "application/x-ndjson",
            "application/json;q=0",
            "*/*, application/json;q=0.0",
        ] {
            assert!(!accepts_json(&one(header::ACCEPT, accept)), "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
        let stream = one(header::ACCEPT, "text/event-stream");
        assert!(accepts(&stream, "text/event-stream") && !accepts_json(&stream));
    }

    #[test]
    fn a_compressed_form_is_for_those_who_ask_for_it() {
        for (accepted, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("GZIP;q=0.5", false, true),
            ("*", true, true),
            ("*;q=0, gzip", false, true),
            ("br;q=0, *", false, true),
            ("br;q=0.0,gzip;q=0", false, false),
            ("identity", false, false),
            ("brotli", false, false),
            ("", false, false),
        ] {
            let headers = one(header::ACCEPT_ENCODING, accepted);
            let taken = ["br", "gzip"].map(|encoding| accepts_encoding(&headers, encoding));
            assert_eq!(taken, [br, gzip], "{accepted}");
        }
        assert!(!accepts_encoding(&HeaderMap::new(), "br"));
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        let etag = HeaderValue::from_static("\"3.12\"");
        for tags in ["\"3.12\"", "W/\"3.12\"", "*", "\"1.0\", \"3.12\""] {
            assert!(
                none_match_names(&one(header::IF_NONE_MATCH, tags), &etag),
                "{tags}"
            );
        }
        for tags in ["\"3.1\"", "3.12", "", "W/3.12"] {
            assert!(
                !none_match_names(&one(header::IF_NONE_MATCH, tags), &etag),
                "{tags}"
            );
        }
    }

    #[test]
    fn a_page_keeps_its_own_policy() {
        let mut headers = one(header::CONTENT_SECURITY_POLICY, "default-src 'self'");
        Security { is_https: true }.write(&mut headers);
        assert_eq!(headers["content-security-policy"], "default-src 'self'");
        assert!(headers.contains_key("strict-transport-security"));
        let mut plain = HeaderMap::new();
        Security { is_https: false }.write(&mut plain);
        assert!(!plain.contains_key("strict-transport-security"));
        assert_eq!(plain["x-content-type-options"], "nosniff");
    }
}
