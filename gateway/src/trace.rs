//! The trace that a request belongs to (W3C Trace Context): the client's, if it
//! names one as it should, else a new one, so that the log lines of all
//! processes share an id even where no spans are exported.

use http::{HeaderMap, HeaderName, HeaderValue};
use portico_chassis::{caller::metadata, clock::fill_random};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static(metadata::TRACEPARENT);
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Makes sure that the headers name a trace; whether it is the client's.
pub(crate) fn ensure(headers: &mut HeaderMap) -> bool {
    let mut values = headers.get_all(&TRACEPARENT).iter();
    let first = values.next().and_then(|value| value.to_str().ok());
    if values.next().is_none() && first.is_some_and(is_traceparent) {
        return true;
    }
    headers.remove(&TRACESTATE);
    let (mut trace, mut span) = ([0; 16], [0; 8]);
    fill_random(&mut trace);
    fill_random(&mut span);
    // Neither id may be all zeros (sections 3.2.2.3 and 3.2.2.4).
    let trace = u128::from_be_bytes(trace).max(1);
    let span = u64::from_be_bytes(span).max(1);
    let text = format!("00-{trace:032x}-{span:016x}-00");
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(TRACEPARENT, value);
    }
    false
}

/// The id of the trace that the headers name.
pub(crate) fn id(headers: &HeaderMap) -> &str {
    headers
        .get(&TRACEPARENT)
        .and_then(|value| value.to_str().ok()?.get(3..35))
        .unwrap_or_default()
}

/// Whether a text names a trace and a span (section 3.2). Later versions may
/// say more after the flags.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    let mut next = || parts.next().unwrap_or_default();
    let (version, trace, span, flags) = (next(), next(), next(), next());
    let is_whole = version != "00" || parts.next().is_none();
    is_hex(version, 2)
        && version != "ff"
        && is_id(trace, 32)
        && is_id(span, 16)
        && is_hex(flags, 2)
        && is_whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_clients_trace_is_continued() {
        let mut headers = HeaderMap::from_iter([
            (TRACEPARENT, HeaderValue::from_static(PARENT)),
            (TRACESTATE, HeaderValue::from_static("a=1")),
        ]);
        assert!(ensure(&mut headers));
        assert_eq!(id(&headers), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(headers[TRACESTATE], "a=1");
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        for text in [
            "",
            "nonsense",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            let mut headers = HeaderMap::from_iter([
                (TRACEPARENT, HeaderValue::from_static(text)),
                (TRACESTATE, HeaderValue::from_static("a=1")),
            ]);
            assert!(!ensure(&mut headers), "{text}");
            let made = headers[TRACEPARENT].to_str().expect("text");
            assert!(is_traceparent(made) && made.ends_with("-00"), "{made}");
            assert!(!headers.contains_key(TRACESTATE));
        }
    }

    #[test]
    fn later_versions_may_say_more() {
        assert!(is_traceparent(PARENT));
        assert!(is_traceparent(
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
        ));
    }
}
