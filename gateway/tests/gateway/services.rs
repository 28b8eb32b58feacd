//! Services in the gateway's process that note what they are asked and answer
//! what a test tells them to.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use portico_chassis::{clock::Clock, status::Error, token::ServiceIdentity, upstream::Upstream};
use portico_proto::METHODS;
use prost::Message;
use tonic::Status;

/// What a service was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) metadata: HeaderMap,
    pub(crate) message: Bytes,
}

/// What a service answers.
#[derive(Clone)]
pub(crate) enum Reply {
    Message(Bytes, Vec<(&'static str, &'static str)>),
    Failure(Arc<dyn Fn() -> Error + Send + Sync>),
    /// Anything, byte for byte.
    Raw(Bytes),
    Panic,
    /// Nothing; tells when it is no longer waited for.
    Never(tokio::sync::mpsc::UnboundedSender<()>),
    /// Frames as they come.
    Frames(Frames),
    /// Something, after a while.
    Late(Duration, Box<Reply>),
}

/// Makes the frames of an answer.
pub(crate) type Frames = Arc<dyn Fn() -> BoxStream<'static, Frame<Bytes>> + Send + Sync>;

/// All services.
#[derive(Clone, Default)]
pub(crate) struct Services {
    asked: Arc<Mutex<Vec<Asked>>>,
    replies: Arc<Mutex<HashMap<&'static str, Reply>>>,
}

impl Reply {
    pub(crate) fn message(message: &impl Message) -> Self {
        Self::with(message, &[])
    }

    pub(crate) fn with(message: &impl Message, metadata: &[(&'static str, &'static str)]) -> Self {
        Self::Message(message.encode_to_vec().into(), metadata.to_vec())
    }

    pub(crate) fn failure(error: impl Fn() -> Error + Send + Sync + 'static) -> Self {
        Self::Failure(Arc::new(error))
    }
}

impl Services {
    /// From now on the method of this name answers so.
    pub(crate) fn reply(&self, method: &'static str, reply: Reply) {
        self.replies.lock().expect("lock").insert(method, reply);
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("lock").clone()
    }

    /// The way to each service of the contracts, which is always this one.
    pub(crate) fn upstreams(upstream: &Upstream) -> HashMap<&'static str, Upstream> {
        let paths = METHODS.iter().map(|method| method.path);
        let names = paths.filter_map(|path| path.trim_start_matches('/').split('/').next());
        names.map(|name| (name, upstream.clone())).collect()
    }

    /// The one thing that was asked.
    pub(crate) fn only(&self) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "one call");
        asked.remove(0)
    }

    pub(crate) fn upstream(&self) -> Upstream {
        let services = self.clone();
        let handle = async move |request: Request| services.clone().answer(request).await;
        let identity = ServiceIdentity::new("gateway", b"a secret of tests", Clock::system());
        Upstream::local(
            Router::new().fallback(handle),
            Arc::new(identity),
            Arc::new(HashSet::new()),
        )
    }

    async fn answer(self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let method = parts
            .uri
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let reply = self
            .replies
            .lock()
            .expect("lock")
            .get(method.as_str())
            .cloned();
        assert_eq!(
            body.len(),
            5 + usize::from(body[4]) + 256 * usize::from(body[3])
        );
        self.asked.lock().expect("lock").push(Asked {
            method,
            metadata: parts.headers,
            message: body.slice(5..),
        });
        match reply {
            Some(reply) => write(reply).await,
            None => Status::unimplemented("the test has no reply for it").into_http(),
        }
    }
}

async fn write(mut reply: Reply) -> Response {
    while let Reply::Late(time, later) = reply {
        tokio::time::sleep(time).await;
        reply = *later;
    }
    match reply {
        Reply::Message(message, metadata) => with_body(framed(message), metadata),
        Reply::Raw(bytes) => with_body(bytes, Vec::new()),
        Reply::Frames(frames) => with_frames(frames(), Vec::new()),
        Reply::Failure(error) => Status::from(error()).into_http(),
        Reply::Panic => panic!("as the test asked for"),
        Reply::Never(gone) => {
            struct Waiting(tokio::sync::mpsc::UnboundedSender<()>);
            impl Drop for Waiting {
                fn drop(&mut self) {
                    let _ = self.0.send(());
                }
            }
            let _waiting = Waiting(gone);
            std::future::pending().await
        }
        Reply::Late(..) => unreachable!("waited for above"),
    }
}

/// A message with what stands before it on the wire.
pub(crate) fn framed(message: Bytes) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put(message);
    framed.freeze()
}

/// The end of an answer that is a success.
pub(crate) fn success() -> Frame<Bytes> {
    Frame::trailers(HeaderMap::from_iter([(
        HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]))
}

/// The end of an answer that is a failure.
pub(crate) fn failure(error: Error) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    let added = Status::from(error).add_header(&mut trailers);
    added.expect("a status fits into headers");
    Frame::trailers(trailers)
}

fn with_body(bytes: Bytes, metadata: Vec<(&'static str, &'static str)>) -> Response {
    let frames = [Frame::data(bytes), success()];
    with_frames(stream::iter(frames).boxed(), metadata)
}

fn with_frames(
    frames: BoxStream<'static, Frame<Bytes>>,
    metadata: Vec<(&'static str, &'static str)>,
) -> Response {
    let frames = frames.map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    for (name, value) in metadata {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
