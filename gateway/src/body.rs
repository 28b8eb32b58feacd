//! The body of a request: as whole bytes, plain, not too large and in time.

use std::{io::Read as _, time::Duration};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use portico_chassis::status::{Error, Kind};

use crate::failure::Failure;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads a body that is to be JSON; empty if there is none.
///
/// # Errors
///
/// 415 for another media type or coding, 413 if it is too large, sent or
/// inflated, and `MALFORMED_REQUEST` if it does not arrive as it was announced.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    if body.is_end_stream() || body.size_hint().exact() == Some(0) {
        return Ok(Bytes::new());
    }
    check_json(headers)?;
    receive(headers, body, limit).await
}

/// Reads a body that is to be a form, as `application/x-www-form-urlencoded`.
///
/// # Errors
///
/// As [`read`].
pub(crate) async fn read_form(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, Failure> {
    if !is_media_type(headers, FORM) {
        return Err(unsupported(
            "Send the body as Content-Type: application/x-www-form-urlencoded, in UTF-8.",
        ));
    }
    receive(headers, body, limit).await
}

async fn receive(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let is_gzip = is_gzip(headers)?;
    // A length that is announced is refused before anything is sent.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, limit).collect()).await;
    let bytes = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(limit)),
        Ok(Err(_)) => return Err(malformed("The body broke off.").into()),
        Err(_) => return Err(malformed("The body did not arrive in time.").into()),
    };
    if is_gzip {
        inflate(&bytes, limit)
    } else {
        Ok(bytes)
    }
}

fn inflate(bytes: &[u8], limit: usize) -> Result<Bytes, Failure> {
    let mut plain = Vec::with_capacity((bytes.len() * 4).min(limit));
    let more_than_enough = limit as u64 + 1;
    MultiGzDecoder::new(bytes)
        .take(more_than_enough)
        .read_to_end(&mut plain)
        .map_err(|_| malformed("The body is not the gzip that its Content-Encoding says."))?;
    if plain.len() > limit {
        return Err(too_large(limit));
    }
    Ok(BytesMut::from(plain.as_slice()).freeze())
}

fn check_json(headers: &HeaderMap) -> Result<(), Failure> {
    if is_media_type(headers, JSON) {
        return Ok(());
    }
    Err(unsupported(
        "Send the body as Content-Type: application/json, in UTF-8.",
    ))
}

/// Whether the body is said to be of this kind, and in UTF-8.
fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let is_kind = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(expected));
    let is_utf8 = parts
        .filter_map(|parameter| parameter.split_once('='))
        .all(|(name, value)| {
            !name.eq_ignore_ascii_case("charset")
                || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        });
    is_kind && is_utf8
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let coding = match (codings.next(), codings.next()) {
        (None, _) => return Ok(false),
        (Some(coding), None) => coding.as_bytes().to_ascii_lowercase(),
        (Some(_), Some(_)) => Vec::new(),
    };
    match coding.as_slice() {
        b"identity" => Ok(false),
        b"gzip" | b"x-gzip" => Ok(true),
        _ => Err(
            unsupported("Send the body plain or as Content-Encoding: gzip.")
                .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        ),
    }
}

fn unsupported(message: &'static str) -> Failure {
    Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        message,
    )
}

fn too_large(limit: usize) -> Failure {
    let message = format!("The body is larger than {limit} bytes.");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
}

fn malformed(message: &'static str) -> Error {
    Error::new(Kind::Invalid, "MALFORMED_REQUEST", message)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    async fn read_with(
        headers: &[(&'static str, &'static str)],
        body: impl Into<Body>,
    ) -> Result<Bytes, (u16, String)> {
        let headers = headers.iter().map(|(name, value)| {
            (
                name.parse().expect("a name"),
                HeaderValue::from_static(value),
            )
        });
        read(&headers.collect(), body.into(), 100)
            .await
            .map_err(|failure| (failure.status.as_u16(), failure.error.reason.into_owned()))
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).expect("written");
        encoder.finish().expect("finished")
    }

    const JSON: (&str, &str) = ("content-type", "application/json");
    const GZIP: (&str, &str) = ("content-encoding", "gzip");

    #[tokio::test]
    async fn no_body_needs_no_media_type() {
        assert_eq!(read_with(&[], "").await.expect("nothing"), "");
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(read_with(&[form], "").await.expect("nothing"), "");
    }

    #[tokio::test]
    async fn only_json_in_utf8_is_read() {
        for kind in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;a=b",
        ] {
            assert_eq!(
                read_with(&[("content-type", kind)], "{}")
                    .await
                    .expect("a body"),
                "{}"
            );
        }
        for kind in [
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "",
        ] {
            let (status, reason) = read_with(&[("content-type", kind)], "{}")
                .await
                .expect_err(kind);
            assert_eq!((status, reason.as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
        }
        assert_eq!(read_with(&[], "{}").await.expect_err("no type").0, 415);
    }

    #[tokio::test]
    async fn gzip_is_inflated_and_nothing_else() {
        assert_eq!(
            read_with(&[JSON, GZIP], gzip(b"{}")).await.expect("a body"),
            "{}"
        );
        let brotli = ("content-encoding", "br");
        assert_eq!(
            read_with(&[JSON, brotli], "{}")
                .await
                .expect_err("brotli")
                .0,
            415
        );
        let (status, reason) = read_with(&[JSON, GZIP], "{}").await.expect_err("no gzip");
        assert_eq!((status, reason.as_str()), (400, "MALFORMED_REQUEST"));
        let mut cut = gzip(b"{\"a\":1}");
        cut.truncate(cut.len() - 4);
        assert_eq!(
            read_with(&[JSON, GZIP], cut).await.expect_err("cut off").0,
            400
        );
    }

    #[tokio::test]
    async fn the_limit_counts_what_is_sent_and_what_is_inflated() {
        assert_eq!(
            read_with(&[JSON], "x".repeat(100))
                .await
                .expect("a body")
                .len(),
            100
        );
        assert_eq!(
            read_with(&[JSON], "x".repeat(101))
                .await
                .expect_err("too large")
                .0,
            413
        );
        let pieces = futures::stream::iter(vec![Ok::<_, std::convert::Infallible>("x"); 101]);
        assert_eq!(
            read_with(&[JSON], Body::from_stream(pieces))
                .await
                .expect_err("too")
                .0,
            413
        );
        let bomb = gzip(&[b' '; 10_000]);
        assert!(bomb.len() < 100);
        assert_eq!(
            read_with(&[JSON, GZIP], bomb)
                .await
                .expect_err("too large")
                .0,
            413
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let (status, reason) = read_with(&[JSON], never).await.expect_err("given up");
        assert_eq!((status, reason.as_str()), (400, "MALFORMED_REQUEST"));
    }
}
