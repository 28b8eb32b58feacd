//! A stand-in for the service that makes the tokens of links.

use std::sync::{Mutex, MutexGuard};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response},
};
use http_body_util::{BodyExt as _, Full};
use portico_chassis::{token::ServiceIdentity, upstream::Upstream};
use portico_proto::auth::{
    MintLinkRequest, MintLinkResponse, links_service_client::LinksServiceClient,
};
use prost::Message as _;

use super::*;

/// What makes the tokens of links, as far as a test tells it.
#[derive(Default)]
pub(super) struct Auth {
    /// What it refuses, while it refuses.
    refusal: Mutex<Option<fn() -> Error>>,
    asked: Mutex<Vec<MintLinkRequest>>,
}

impl Auth {
    pub(super) fn refuse(&self, refusal: Option<fn() -> Error>) {
        *self.refusal.lock().expect("lock") = refusal;
    }

    pub(super) fn asked(&self) -> MutexGuard<'_, Vec<MintLinkRequest>> {
        self.asked.lock().expect("lock")
    }

    pub(super) fn minter(self: &Arc<Self>, clock: &Clock) -> Minter {
        let routes = Router::new().fallback(mint).with_state(self.clone());
        let identity = Arc::new(ServiceIdentity::new("test", b"secret", clock.clone()));
        let upstream = Upstream::local(routes, identity, Arc::default());
        Minter {
            links: LinksServiceClient::new(upstream),
        }
    }
}

/// Answers with a token that counts the calls.
async fn mint(State(auth): State<Arc<Auth>>, request: Request) -> Response<Body> {
    let body = request.into_body().collect().await.expect("a body");
    let asked = MintLinkRequest::decode(&body.to_bytes()[5..]).expect("a message");
    let number = {
        let mut all = auth.asked();
        all.push(asked);
        all.len()
    };
    if let Some(refusal) = *auth.refusal.lock().expect("lock") {
        return tonic::Status::from(refusal()).into_http();
    }
    let message = MintLinkResponse {
        token: format!("plk_{number}"),
        expires_at: None,
    };
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("a short message");
    let frame = [&[0][..], &length.to_be_bytes(), &message].concat();
    let trailers = HeaderMap::from_iter([(
        HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Full::from(frame).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    response
}
