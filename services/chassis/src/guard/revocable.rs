//! A stream that somebody reads ends as soon as the reader's token is revoked,
//! also while there is nothing to read.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::Status;

use crate::{caller::Pass, status::Error, token::Verifier};

/// How often it is looked whether the token still counts.
const LOOK: Duration = Duration::from_millis(500);

/// The body of a stream, and whom it is for.
pub(super) struct Revocable {
    body: Body,
    verifier: Arc<Verifier>,
    pass: Pass,
    look: Interval,
}

impl Revocable {
    pub(super) fn new(body: Body, verifier: Arc<Verifier>, pass: Pass) -> Self {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            body,
            verifier,
            pass,
            look,
        }
    }

    /// The last frame: nothing follows, and whoever makes the messages is told
    /// so.
    fn end(&mut self, refusal: Error) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.body = Body::empty();
        let mut trailers = HeaderMap::new();
        let written = Status::from(refusal).add_header(&mut trailers);
        let frame = written.map(|()| Frame::trailers(trailers));
        Poll::Ready(Some(frame.map_err(axum::Error::new)))
    }
}

impl HttpBody for Revocable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let has_ended = match &polled {
            Poll::Ready(Some(Ok(frame))) => !frame.is_data(),
            Poll::Ready(_) => true,
            Poll::Pending => false,
        };
        if has_ended {
            return polled;
        }
        if polled.is_pending() {
            while self.look.poll_tick(context).is_ready() {}
        }
        match self.verifier.check_begun(self.pass) {
            Ok(()) => polled,
            Err(refusal) => self.end(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures::stream;
    use http_body_util::{BodyExt as _, StreamBody};
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::{Clock, Timestamp},
        token::{KeySource, NoKeys, PublicKey, Revocations, Revoked},
    };

    struct NothingSigned;

    #[async_trait]
    impl KeySource for NothingSigned {
        async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
            Ok(Vec::new())
        }
    }

    const SESSION: Uuid = Uuid::from_u128(2);

    /// A body whose reader has a token that expires at second 95, exchanged for
    /// a key that expires at second 200.
    fn revocable(body: Body) -> (Revocable, Arc<Revocations>, Clock) {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        let revocations = Arc::new(Revocations::default());
        let verifier = Verifier::new(
            "issuer",
            "portico",
            Box::new(NothingSigned),
            Box::new(NoKeys),
            revocations.clone(),
            clock.clone(),
        );
        let pass = Pass {
            subject: Uuid::from_u128(1),
            session_id: SESSION,
            issued_at: Timestamp::from_seconds(90),
            expires_at: Timestamp::from_seconds(95),
            key_expires_at: Some(Timestamp::from_seconds(200)),
        };
        (
            Revocable::new(body, Arc::new(verifier), pass),
            revocations,
            clock,
        )
    }

    fn endless() -> Body {
        let frames = stream::repeat_with(|| Ok::<_, axum::Error>(Frame::data(Bytes::new())));
        Body::new(StreamBody::new(frames))
    }

    fn revoke(revocations: &Revocations) {
        let (at, later) = (Timestamp::from_seconds(100), Timestamp::from_seconds(700));
        revocations.add(Revoked::Session(SESSION), at, later);
    }

    async fn end(body: &mut Revocable) -> String {
        let frame = body.frame().await.expect("a frame").expect("an end");
        let trailers = frame.into_trailers().expect("trailers");
        let status = Status::from_header_map(&trailers).expect("a status");
        assert!(body.frame().await.is_none());
        Error::from_status(&status).reason.into_owned()
    }

    #[tokio::test]
    async fn a_stream_ends_when_the_token_of_its_reader_is_revoked() {
        let (mut body, revocations, _) = revocable(endless());
        // Also past the time at which the token expires: it was good at the start.
        for _ in 0..3 {
            let frame = body.frame().await.expect("a frame").expect("a message");
            assert!(frame.is_data());
        }
        revoke(&revocations);
        assert_eq!(end(&mut body).await, "TOKEN_REVOKED");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_in_which_nothing_happens_ends_as_well() {
        let silent = stream::pending::<Result<Frame<Bytes>, axum::Error>>();
        let (mut body, revocations, _) = revocable(Body::new(StreamBody::new(silent)));
        let revoked = async {
            tokio::time::sleep(LOOK / 2).await;
            revoke(&revocations);
        };
        let (ended, ()) = tokio::join!(end(&mut body), revoked);
        assert_eq!(ended, "TOKEN_REVOKED");
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_key_that_its_reader_has_shown() {
        let (mut body, _, clock) = revocable(endless());
        assert!(body.frame().await.is_some());
        clock.advance(std::time::Duration::from_secs(100));
        assert_eq!(end(&mut body).await, "TOKEN_EXPIRED");
    }
}
