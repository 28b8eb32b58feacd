//! The messages of an answer that is a stream (gRPC over HTTP/2,
//! "Length-Prefixed-Message"). They come in pieces of any size: one message in
//! several, or several in one.

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use portico_chassis::status::Error;
use tonic::{Status, body::Body};

use super::{MAX_MESSAGE, PREFIX, check, lost};

/// Messages that are read as they are wanted. Dropped, it ends the call.
pub(crate) struct Messages {
    body: Body,
    /// What has come and is not read yet: never more than a message and a piece.
    received: BytesMut,
}

impl Messages {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            received: BytesMut::new(),
        }
    }

    /// The next message; nothing at the end.
    ///
    /// # Errors
    ///
    /// What the service ends the stream with; `SERVICE_UNAVAILABLE` if it is
    /// cut off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let frame = self.body.frame().await;
            let frame = frame.ok_or_else(cut_off)?;
            match frame.map_err(|status| lost(&status))?.into_data() {
                Ok(bytes) => self.received.extend_from_slice(&bytes),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return self.end(&trailers).map(|()| None);
                }
            }
        }
    }

    /// The next message, if all of it has come already.
    ///
    /// # Errors
    ///
    /// If it is none that could be passed on.
    pub(crate) fn take(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(mut prefix) = self.received.get(..PREFIX) else {
            return Ok(None);
        };
        let is_compressed = prefix.get_u8() != 0;
        let length = prefix.get_u32() as usize;
        if is_compressed {
            return Err(Error::internal("the service sent a compressed message"));
        }
        if length > MAX_MESSAGE {
            return Err(Error::internal("a message of the service is too large"));
        }
        if self.received.len() < PREFIX + length {
            return Ok(None);
        }
        self.received.advance(PREFIX);
        Ok(Some(self.received.split_to(length).freeze()))
    }

    fn end(&self, trailers: &HeaderMap) -> Result<(), Error> {
        check(&Status::from_header_map(trailers).ok_or_else(cut_off)?)?;
        if self.received.is_empty() {
            Ok(())
        } else {
            Err(cut_off())
        }
    }
}

fn cut_off() -> Error {
    Error::unavailable("the answer was cut off")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// Three messages: one, an empty one, and another.
    const WIRE: &[u8] = b"\0\0\0\0\x02hi\0\0\0\0\0\0\0\0\0\x05there";

    fn trailers(code: &'static str) -> Frame<Bytes> {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static(code));
        Frame::trailers(trailers)
    }

    fn messages(frames: Vec<Frame<Bytes>>) -> Messages {
        let frames = frames.into_iter().map(Ok::<_, Infallible>);
        Messages::new(Body::new(StreamBody::new(futures::stream::iter(frames))))
    }

    /// All messages, and how the stream ended.
    async fn read(frames: Vec<Frame<Bytes>>) -> (Vec<Bytes>, Result<(), String>) {
        let (mut messages, mut read) = (messages(frames), Vec::new());
        loop {
            match messages.next().await {
                Ok(Some(message)) => read.push(message),
                Ok(None) => return (read, Ok(())),
                Err(error) => return (read, Err(error.reason.into_owned())),
            }
        }
    }

    fn data(bytes: &'static [u8]) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn messages_may_come_in_any_pieces() {
        for size in 1..=WIRE.len() {
            let mut frames: Vec<_> = WIRE.chunks(size).map(data).collect();
            frames.push(trailers("0"));
            let (read, ended) = read(frames).await;
            assert_eq!(read, ["hi", "", "there"], "pieces of {size}");
            assert_eq!(ended, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_stream_may_have_no_message() {
        assert_eq!(read(vec![trailers("0")]).await, (Vec::new(), Ok(())));
    }

    #[tokio::test]
    async fn what_came_before_a_failure_is_told() {
        let frames = vec![data(&WIRE[..7]), trailers("14")];
        let (read, ended) = read(frames).await;
        assert_eq!(read, ["hi"]);
        assert_eq!(ended, Err("SERVICE_UNAVAILABLE".to_owned()));
    }

    #[tokio::test]
    async fn a_stream_that_does_not_end_as_it_should_is_a_failure() {
        for frames in [
            vec![],
            vec![data(WIRE)],
            vec![data(&WIRE[..9]), trailers("0")],
            vec![data(&WIRE[..13]), trailers("0")],
        ] {
            let (_, ended) = read(frames).await;
            assert_eq!(ended, Err("SERVICE_UNAVAILABLE".to_owned()));
        }
        for bytes in [&b"\x01\0\0\0\x01a"[..], b"\0\x01\0\0\x01"] {
            let (_, ended) = read(vec![data(bytes), trailers("0")]).await;
            assert_eq!(ended, Err("INTERNAL_ERROR".to_owned()));
        }
    }

    #[tokio::test]
    async fn only_what_has_come_is_taken_without_waiting() {
        let mut messages = messages(vec![data(&WIRE[..14]), data(&WIRE[14..])]);
        assert_eq!(messages.take().expect("nothing"), None);
        assert_eq!(messages.next().await.expect("one").expect("one"), "hi");
        assert_eq!(messages.take().expect("one").expect("one"), "");
        assert_eq!(messages.take().expect("nothing whole"), None);
        assert_eq!(messages.next().await.expect("one").expect("one"), "there");
    }
}
