//! One gRPC call with bytes as they are: the gateway never decodes a message
//! (gRPC over HTTP/2, "Requests" and "Responses"). [`unary`] waits for the one
//! message of the answer, [`stream`] for the first of many.

mod messages;

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full};
use portico_chassis::{status::Error, upstream::Upstream};
use tonic::{Code, Status, body::Body};
use tower::ServiceExt as _;

pub(crate) use self::messages::Messages;

/// How long a service may take, and what it is told of it.
const DEADLINE: Duration = Duration::from_secs(10);
const GRPC_DEADLINE: HeaderValue = HeaderValue::from_static("10S");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// The greatest answer that is passed on.
const MAX_MESSAGE: usize = 16 << 20;
/// What stands before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) message: Bytes,
    pub(crate) metadata: HeaderMap,
}

/// Calls a method with a message.
///
/// # Errors
///
/// Whatever the service refuses with; `SERVICE_UNAVAILABLE` if it does not
/// answer and `DEADLINE_EXCEEDED` if it is too slow.
pub(crate) async fn unary(
    upstream: &Upstream,
    path: &PathAndQuery,
    metadata: HeaderMap,
    message: Vec<u8>,
) -> Result<Answer, Error> {
    let request = request(path, metadata, message)?;
    match tokio::time::timeout(DEADLINE, exchange(upstream, request)).await {
        Ok(answered) => answered,
        Err(_) => Err(Error::deadline_exceeded()),
    }
}

/// Calls a method with a message, and waits for the first message of the
/// answer, or its end without one. What the answer says beside its messages is
/// not passed on.
///
/// # Errors
///
/// As [`unary`], as far as it is known by then.
pub(crate) async fn stream(
    upstream: &Upstream,
    path: &PathAndQuery,
    metadata: HeaderMap,
    message: Vec<u8>,
) -> Result<(Option<Bytes>, Messages), Error> {
    let mut request = request(path, metadata, message)?;
    // It would be that of the whole stream.
    request.headers_mut().remove(GRPC_TIMEOUT);
    let begun = async {
        let (_, body) = open(upstream, request).await?;
        let mut messages = Messages::new(body);
        Ok((messages.next().await?, messages))
    };
    match tokio::time::timeout(DEADLINE, begun).await {
        Ok(begun) => begun,
        Err(_) => Err(Error::deadline_exceeded()),
    }
}

fn request(
    path: &PathAndQuery,
    metadata: HeaderMap,
    mut message: Vec<u8>,
) -> Result<Request<Body>, Error> {
    let length = u32::try_from(message.len()).map_err(Error::internal)?;
    let [a, b, c, d] = length.to_be_bytes();
    message.splice(..0, [0, a, b, c, d]);
    let mut request = Request::new(Body::new(Full::new(Bytes::from(message))));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.clone().into();
    *request.headers_mut() = metadata;
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(GRPC_TIMEOUT, GRPC_DEADLINE);
    Ok(request)
}

/// Sends a request; the head of the answer, if it is not a refusal, and what
/// follows.
async fn open(upstream: &Upstream, request: Request<Body>) -> Result<(HeaderMap, Body), Error> {
    let Ok(response) = upstream.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers) {
        check(&status)?;
    }
    if !parts.status.is_success() {
        let text = format!("the service answered with HTTP status {}", parts.status);
        return Err(match parts.status.as_u16() {
            429 | 502..=504 => Error::unavailable(text),
            _ => Error::internal(text),
        });
    }
    Ok((parts.headers, body))
}

async fn exchange(upstream: &Upstream, request: Request<Body>) -> Result<Answer, Error> {
    let (metadata, mut body) = open(upstream, request).await?;
    let mut data = Data::default();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|status| lost(&status))?;
        match frame.into_data() {
            Ok(bytes) => data.push(bytes)?,
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let status = trailers.as_ref().and_then(Status::from_header_map);
    check(&status.ok_or_else(|| Error::unavailable("the answer was cut off"))?)?;
    Ok(Answer {
        message: data.message()?,
        metadata,
    })
}

fn check(status: &Status) -> Result<(), Error> {
    match status.code() {
        Code::Ok => Ok(()),
        _ => Err(Error::from_status(status)),
    }
}

/// A connection that broke while the answer was on its way.
fn lost(status: &Status) -> Error {
    match status.code() {
        Code::DeadlineExceeded => Error::deadline_exceeded(),
        _ => Error::unavailable(status.clone()),
    }
}

/// The bytes of an answer; nothing is copied if they come in one piece.
#[derive(Default)]
struct Data {
    whole: Bytes,
    pieces: BytesMut,
}

impl Data {
    fn push(&mut self, bytes: Bytes) -> Result<(), Error> {
        if self.whole.len() + self.pieces.len() + bytes.len() > MAX_MESSAGE + PREFIX {
            return Err(Error::internal("the answer of the service is too large"));
        }
        if self.whole.is_empty() && self.pieces.is_empty() {
            self.whole = bytes;
            return Ok(());
        }
        if self.pieces.is_empty() {
            self.pieces
                .extend_from_slice(&std::mem::take(&mut self.whole));
        }
        self.pieces.extend_from_slice(&bytes);
        Ok(())
    }

    /// The one message, without what stands before it.
    fn message(self) -> Result<Bytes, Error> {
        let mut bytes = if self.pieces.is_empty() {
            self.whole
        } else {
            self.pieces.freeze()
        };
        if bytes.len() < PREFIX {
            return Err(Error::internal("the service answered with no message"));
        }
        let is_compressed = bytes.get_u8() != 0;
        let length = bytes.get_u32() as usize;
        if is_compressed || length != bytes.len() {
            return Err(Error::internal(
                "the service did not answer with one plain message",
            ));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(pieces: &[&'static [u8]]) -> Result<Bytes, Error> {
        let mut data = Data::default();
        for piece in pieces {
            data.push(Bytes::from_static(piece))?;
        }
        data.message()
    }

    #[test]
    fn a_message_may_come_in_any_pieces() {
        assert_eq!(message(&[b"\0\0\0\0\x02hi"]).expect("a message"), "hi");
        assert_eq!(
            message(&[b"\0\0", b"\0\0\x02h", b"i"]).expect("a message"),
            "hi"
        );
        assert_eq!(message(&[b"\0\0\0\0\0"]).expect("a message"), "");
    }

    #[test]
    fn anything_but_one_plain_message_is_an_error() {
        for bytes in [
            &b""[..],
            b"\0\0",
            b"\x01\0\0\0\x01a",
            b"\0\0\0\0\x02a",
            b"\0\0\0\0\x01ab",
        ] {
            assert!(message(&[bytes]).is_err(), "{bytes:?}");
        }
    }
}
