//! A stream that a person reads ends as soon as the person's token is revoked.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::Status;

use crate::{caller::User, token::Verifier};

/// The body of a stream, and whom it is for.
pub(super) struct Revocable {
    pub(super) body: Body,
    pub(super) verifier: Arc<Verifier>,
    pub(super) user: Arc<User>,
}

impl HttpBody for Revocable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        let has_more = matches!(&polled, Some(Ok(frame)) if frame.is_data());
        let refusal = match self.verifier.check_revoked(&self.user) {
            Err(refusal) if has_more => refusal,
            _ => return Poll::Ready(polled),
        };
        // Nothing follows, and whoever makes the messages is told so.
        self.body = Body::empty();
        let mut trailers = HeaderMap::new();
        let written = Status::from(refusal).add_header(&mut trailers);
        let frame = written.map(|()| Frame::trailers(trailers));
        Poll::Ready(Some(frame.map_err(axum::Error::new)))
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
        status::Error,
        token::{KeySource, PublicKey, Revocations, Revoked},
    };

    struct NoKeys;

    #[async_trait]
    impl KeySource for NoKeys {
        async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn a_stream_ends_when_the_token_of_its_reader_is_revoked() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        let revocations = Arc::new(Revocations::default());
        let keys = Box::new(NoKeys);
        let verifier = Verifier::new("issuer", "portico", keys, revocations.clone(), clock);
        let user = User {
            id: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            is_admin: true,
            issued_at: Timestamp::from_seconds(90),
            expires_at: Timestamp::from_seconds(95),
        };
        let endless = stream::repeat_with(|| Ok::<_, axum::Error>(Frame::data(Bytes::new())));
        let mut body = Revocable {
            body: Body::new(StreamBody::new(endless)),
            verifier: Arc::new(verifier),
            user: Arc::new(user),
        };
        // Also past the time at which the token expires: it was good at the start.
        for _ in 0..3 {
            let frame = body.frame().await.expect("a frame").expect("a message");
            assert!(frame.is_data());
        }
        let (at, later) = (Timestamp::from_seconds(100), Timestamp::from_seconds(700));
        revocations.add(Revoked::Session(Uuid::from_u128(2)), at, later);
        let frame = body.frame().await.expect("a frame").expect("an end");
        let trailers = frame.into_trailers().expect("trailers");
        let status = Status::from_header_map(&trailers).expect("a status");
        assert_eq!(Error::from_status(&status).reason, "TOKEN_REVOKED");
        assert!(body.frame().await.is_none());
    }
}
