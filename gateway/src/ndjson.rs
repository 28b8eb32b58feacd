//! An answer that is a stream, as newline-delimited JSON: each message on a line
//! of its own, without an envelope.
//!
//! Lines are written as the client takes them, and the service is asked for
//! more only then. A stream that fails on its way is broken off, so that nobody
//! takes what came of it for the whole.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use portico_chassis::status::Error;
use tokio::time::timeout;
use tracing::Span;

use crate::{
    call::Messages,
    failure::Failure,
    transcode::{MessageId, Schema},
};

pub(crate) const NDJSON: &str = "application/x-ndjson";

/// How long a service may be silent within a stream.
const IDLE: Duration = Duration::from_secs(30);

/// Lines are gathered until they are worth a piece of their own, as far as
/// their messages have come.
const PIECE: usize = 32 << 10;

/// The lines of a stream.
pub(crate) struct Lines {
    pub(crate) schema: Arc<Schema>,
    /// What each message is.
    pub(crate) output: MessageId,
    /// The message that came first.
    pub(crate) first: Option<Bytes>,
    pub(crate) messages: Messages,
    /// The request that they answer, for the log.
    pub(crate) span: Span,
}

impl Lines {
    pub(crate) fn into_body(self) -> Body {
        // Without a first message there is no other.
        let lines = self.first.is_some().then_some(self);
        Body::from_stream(stream::try_unfold(lines, |lines| async {
            let Some(mut lines) = lines else {
                return Ok(None);
            };
            match lines.piece().await {
                Ok(piece) => Ok(piece.map(|piece| (piece, Some(lines)))),
                Err(error) => Err(lines.broken_off(error)),
            }
        }))
    }

    /// The next lines; nothing at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let mut next = match self.first.take() {
            Some(first) => Some(first),
            None => match timeout(IDLE, self.messages.next()).await {
                Ok(next) => next?,
                Err(_) => return Err(Error::deadline_exceeded()),
            },
        };
        let mut out = Vec::new();
        while let Some(message) = next {
            let printed = self.schema.print(self.output, &message, &mut out);
            printed.map_err(Error::internal)?;
            out.push(b'\n');
            if out.len() >= PIECE {
                break;
            }
            next = self.messages.take()?;
        }
        Ok((!out.is_empty()).then(|| out.into()))
    }

    fn broken_off(&self, error: Error) -> Error {
        self.span.in_scope(|| {
            tracing::warn!(reason = %error.reason, "a stream was broken off");
            let failure = Failure::from(error);
            failure.log();
            *failure.error
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures::{Stream, StreamExt as _};
    use http_body::Frame;
    use http_body_util::{BodyExt as _, StreamBody};
    use portico_proto::FILE_DESCRIPTOR_SET;
    use prost_reflect::DescriptorPool;

    use super::*;

    /// `{"cursor": "7"}` of a message whose JSON is short.
    const MESSAGE: &[u8] = b"\0\0\0\0\x03\x0a\x017";
    const LINE: &str = "{\"cursor\":\"7\",\"event\":null}\n";

    fn body(frames: impl Stream<Item = Frame<Bytes>> + Send + 'static) -> Body {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("descriptors");
        let schema = Schema::new(&pool).expect("a schema");
        let output = schema.find("portico.events.v1.WatchEventsResponse");
        let frames = frames.map(Ok::<_, Infallible>);
        let body = tonic::body::Body::new(StreamBody::new(frames));
        let lines = Lines {
            schema: Arc::new(schema),
            output: output.expect("a message"),
            first: Some(Bytes::from_static(&MESSAGE[5..])),
            messages: Messages::new(body),
            span: Span::none(),
        };
        lines.into_body()
    }

    fn message() -> Frame<Bytes> {
        Frame::data(Bytes::from_static(MESSAGE))
    }

    #[tokio::test]
    async fn nothing_is_read_before_it_is_wanted() {
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let endless = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            message()
        });
        let mut body = body(endless);
        for after_the_first in 0..3 {
            let frame = body.frame().await.expect("a frame").expect("data");
            assert_eq!(frame.into_data().expect("data"), LINE);
            assert_eq!(read.load(Ordering::SeqCst), after_the_first);
        }
    }

    #[tokio::test]
    async fn messages_that_have_come_together_are_sent_together() {
        let together = Bytes::from(MESSAGE.repeat(3));
        let frames = stream::iter([Frame::data(together)]).chain(stream::pending());
        let mut body = body(frames);
        for expected in [LINE.to_owned(), LINE.repeat(3)] {
            let frame = body.frame().await.expect("a frame").expect("data");
            assert_eq!(frame.into_data().expect("data"), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_falls_silent_is_given_up() {
        let mut body = body(stream::iter([message()]).chain(stream::pending()));
        for _ in 0..2 {
            assert!(body.frame().await.expect("a frame").is_ok());
        }
        assert!(body.frame().await.expect("an end").is_err());
    }
}
