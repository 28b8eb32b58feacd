//! Clients of Socket.IO. The engine below it, Engine.IO, is `engineioxide`'s:
//! long polling, WebSocket and the change from one to the other. What Socket.IO
//! says on top stands here, because a refusal must carry its code in `data`,
//! and a change must be written once for all who hear of it; `socketioxide`,
//! which has the same engine, does neither.

mod packet;
mod session;
mod talk;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use engineioxide::{
    DisconnectReason, Socket, Str, config::EngineIoConfig, handler::EngineIoHandler,
    service::EngineIoService,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, uri::PathAndQuery,
};
use hyper::upgrade::OnUpgrade;
use portico_chassis::status::{Error, Kind};
use tower::ServiceExt as _;

use self::{packet::Packet, session::Session};
use super::{
    Live,
    hub::{End, Outlet, Told},
    places::Place,
};
use crate::{
    api::{Api, NO_STORE},
    failure::{Failure, allow},
    limits::{Policy, Subject},
    visit::Visit,
};

/// Where sockets are; stock clients ask for the second.
pub(crate) const PATHS: [&str; 2] = ["/socket.io", "/socket.io/"];

/// What the paths take.
const METHODS: [Method; 3] = [Method::GET, Method::OPTIONS, Method::POST];

/// Packets that wait for a slow client. They are shared, so that this bounds
/// what waits and not what it costs.
const QUEUE: usize = 256;

/// What each connection reads at a time, and the least memory that it keeps for
/// that. Clients say little: more than this, but for their tokens, hardly ever.
const READ_BUFFER: usize = 256;

/// How long a client may take to say who it is.
const SIGN_IN: Duration = Duration::from_secs(10);

/// How long a client may take to hear that it is signed out.
const LAST_WORD: Duration = Duration::from_secs(2);

/// How long a client may take to send a body.
const BODY: Duration = Duration::from_secs(15);

/// The headers of a request that the engine needs. The others are not kept for
/// as long as the connection.
const NEEDED: [HeaderName; 2] = [header::CONTENT_TYPE, header::SEC_WEBSOCKET_KEY];

/// The sockets of this process.
pub(crate) struct Sockets {
    engine: EngineIoService<Handler>,
    live: Arc<Live>,
}

/// Where a client comes from.
#[derive(Clone)]
struct Origin {
    address: IpAddr,
    _place: Arc<Place>,
}

impl Sockets {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        let limit = live.config.message_limit;
        let config = EngineIoConfig::builder()
            .req_path(PATHS[0])
            .max_buffer_size(QUEUE)
            .max_payload(limit as u64)
            .ws_read_buffer_size(READ_BUFFER)
            .ws_max_message_size(limit)
            .ws_max_frame_size(limit)
            .build();
        let handler = Arc::new(Handler(live.clone()));
        Self {
            engine: EngineIoService::with_config(handler, config),
            live,
        }
    }

    /// Answers a request of a client.
    pub(crate) async fn answer(
        &self,
        api: &Api,
        request: Request<Body>,
        visit: &mut Visit,
    ) -> Response {
        visit.route = PATHS[0];
        visit.cache_control = Some(NO_STORE);
        let (method, asked) = (request.method().clone(), request.headers().clone());
        let answered = self.pass_on(api, request, visit).await;
        let mut response = answered.unwrap_or_else(|failure| api.refuse(&failure, visit));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        api.origins.write(&method, &asked, headers);
        response
    }

    async fn pass_on(
        &self,
        api: &Api,
        request: Request<Body>,
        visit: &mut Visit,
    ) -> Result<Response, Failure> {
        if request.method() == Method::OPTIONS {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(header::ALLOW, allow(&METHODS));
            return Ok(response);
        }
        if !METHODS.contains(request.method()) {
            return Err(Failure::method_not_allowed(allow(&METHODS)));
        }
        if api.origins.is_foreign(request.headers()) {
            let message = "Pages of this origin may not open sockets.";
            return Err(Error::new(Kind::PermissionDenied, "ORIGIN_NOT_ALLOWED", message).into());
        }
        let query = request.uri().query().unwrap_or_default();
        let has = |name: &str| query.split('&').any(|pair| pair.starts_with(name));
        let (is_known, is_websocket) = (has("sid="), has("transport=websocket"));
        let upgrade = request.extensions().get::<OnUpgrade>().cloned();
        if is_websocket && upgrade.is_none() {
            let message = "This is no request for a WebSocket.";
            return Err(Error::new(Kind::Invalid, "MALFORMED_REQUEST", message).into());
        }
        let is_post = request.method() == Method::POST;
        let mut bare = bare(request)
            .map_err(|_| Error::internal("what the engine needs of a request makes none"))?;
        if !is_known {
            let address = Subject::address(visit.address);
            api.count(Policy::Anonymous, address, visit).await?;
            bare.extensions_mut().insert(Origin {
                address: visit.address,
                _place: Arc::new(self.live.places.take(visit.address)?),
            });
        }
        if let Some(upgrade) = upgrade {
            bare.extensions_mut().insert(upgrade);
        }
        let answered = self.engine.clone().oneshot(bare);
        let answered = if is_post {
            let answered = tokio::time::timeout(BODY, answered).await;
            answered.map_err(|_| {
                let message = "The body did not arrive in time.";
                Error::new(Kind::Invalid, "MALFORMED_REQUEST", message)
            })?
        } else {
            answered.await
        };
        let Ok(response) = answered;
        Ok(response.map(Body::new))
    }
}

/// A request with nothing but what the engine needs, and that in copies: the
/// parts of a request share the buffer into which its connection was read, which
/// would stay for as long as the client is connected.
fn bare(request: Request<Body>) -> http::Result<Request<Body>> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.path_and_query();
    let mut bare = Request::builder()
        .method(parts.method)
        .uri(uri.map_or(PATHS[0], PathAndQuery::as_str))
        .body(body)?;
    let headers = bare.headers_mut();
    *headers = HeaderMap::with_capacity(NEEDED.len());
    for name in NEEDED {
        if let Some(value) = parts.headers.get(&name) {
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes())?);
        }
    }
    Ok(bare)
}

/// What becomes of what clients send.
struct Handler(Arc<Live>);

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handler")
    }
}

impl EngineIoHandler for Handler {
    type Data = Session;

    fn on_connect(self: Arc<Self>, socket: Arc<Socket<Session>>) {
        let socket = Arc::downgrade(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(SIGN_IN).await;
            if let Some(socket) = socket.upgrade()
                && !socket.data.is_signed_in()
            {
                socket.close(DisconnectReason::TransportClose);
            }
        });
    }

    fn on_disconnect(&self, socket: Arc<Socket<Session>>, _: DisconnectReason) {
        if let Some(id) = socket.data.close() {
            self.0.hub.disconnect(id);
        }
    }

    /// What one client sends is dealt with in order, one after the other.
    fn on_message(self: &Arc<Self>, text: Str, socket: Arc<Socket<Session>>) {
        let Some(packet) = Packet::parse(&text) else {
            socket.close(DisconnectReason::PacketParsingError);
            return;
        };
        match socket.data.take_in(packet, self.0.config.messages) {
            session::Taken::First => {
                let handler = self.clone();
                tokio::spawn(async move { handler.work_off(&socket).await });
            }
            session::Taken::Queued => {}
            session::Taken::Refused(packet) => talk::refuse(&socket, &packet),
        }
    }

    /// Nothing here has a binary form.
    fn on_binary(self: &Arc<Self>, _: Bytes, socket: Arc<Socket<Session>>) {
        socket.close(DisconnectReason::PacketParsingError);
    }
}

/// The way to a client.
struct Wire(Arc<Socket<Session>>);

impl Outlet for Wire {
    fn transport(&self) -> &'static str {
        "socket"
    }

    fn begin(&self) {
        self.send(packet::connected(self.0.id.as_str()));
    }

    fn tell(&self, told: &Told) -> bool {
        self.send(match told {
            Told::Change(change) => change.printed.packet(),
            Told::Resync => packet::RESYNC.into(),
        })
    }

    fn end(&self, end: End) {
        self.0.data.close();
        match end {
            End::SignedOut => {
                self.send(packet::DISCONNECT.into());
                let socket = self.0.clone();
                tokio::spawn(async move {
                    // A client that polls must come by to hear of it.
                    tokio::time::sleep(LAST_WORD).await;
                    socket.close(DisconnectReason::TransportClose);
                });
            }
            // Without a word, so that stock clients come back by themselves.
            End::GoingAway => self.0.close(DisconnectReason::ClosingServer),
        }
    }
}

impl Wire {
    /// False if too much waits already; one who has left is not behind.
    fn send(&self, text: Str) -> bool {
        !matches!(
            self.0.emit(text),
            Err(tokio::sync::mpsc::error::TrySendError::Full(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_keeps_of_its_request_does_not_keep_what_was_read_of_it() {
        let head = Bytes::from(b"/socket.io/?EIO=4 c2VjcmV0".to_vec());
        let (uri, key) = (head.slice(..17), head.slice(18..));
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_maybe_shared(uri).expect("a path");
        let key = HeaderValue::from_maybe_shared(key).expect("a value");
        request.headers_mut().insert(header::SEC_WEBSOCKET_KEY, key);
        request
            .headers_mut()
            .insert(header::COOKIE, HeaderValue::from_static("not=needed"));
        assert!(!head.is_unique());

        let bare = bare(request).expect("a request");
        assert!(head.is_unique());
        assert_eq!(bare.uri(), "/socket.io/?EIO=4");
        assert_eq!(bare.headers().len(), 1);
        assert!(bare.headers().capacity() <= 2);
        assert_eq!(bare.headers()[header::SEC_WEBSOCKET_KEY], "c2VjcmV0");
    }
}
