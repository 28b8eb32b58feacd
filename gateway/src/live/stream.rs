//! Server-sent events (WHATWG HTML, section 9.2): all that a person may see, in
//! one response that does not end. Each event has an id, from which a client
//! that comes back goes on.

mod reader;
mod replay;

use std::{borrow::Cow, collections::HashSet, convert::Infallible, sync::Arc};

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};
use portico_chassis::{
    caller::{Principal, User, unauthenticated},
    status::{Error, Violations},
    token::Known,
};
use tokio::sync::mpsc;

use self::{reader::Reader, replay::Replay};
use super::{
    LISTENING, Live,
    hub::{ConnectionId, Outlet, Scope, Told},
    places::Place,
    position::Position,
};
use crate::{
    api::{Api, NO_STORE},
    authenticate::Credential,
    failure::Failure,
    headers::accepts,
    limits::{Policy, Subject},
    transcode::{Rejection, query_pairs},
    visit::Visit,
};

/// Where the stream is.
pub(crate) const PATH: &str = "/api/v1/events";

/// What the path takes.
pub(crate) const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

const EVENT_STREAM: &str = "text/event-stream";

/// Changes that wait for a slow client.
const QUEUE: usize = 256;

/// A longer ticket is none of ours.
const MAX_TICKET: usize = 128;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What a client says in the query.
#[derive(Default)]
struct Asked<'q> {
    ticket: Option<Cow<'q, str>>,
    last_event_id: Option<Cow<'q, str>>,
    violations: Violations,
}

/// A client of the stream, until it is dropped.
struct Attendance {
    live: Arc<Live>,
    id: ConnectionId,
    _place: Place,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.live.hub.disconnect(self.id);
    }
}

/// What waits for the client.
struct Queue(mpsc::Sender<Told>);

impl Outlet for Queue {
    fn transport(&self) -> &'static str {
        "stream"
    }

    fn tell(&self, told: &Told) -> bool {
        // One who has left is not behind.
        !matches!(
            self.0.try_send(told.clone()),
            Err(mpsc::error::TrySendError::Full(_))
        )
    }
}

impl Live {
    /// Answers a GET or HEAD of the stream.
    pub(crate) async fn stream(
        self: &Arc<Self>,
        api: &Api,
        parts: &Parts,
        visit: &mut Visit,
    ) -> Result<Response, Failure> {
        visit.route = PATH;
        visit.cache_control = Some(NO_STORE);
        let asked = Asked::read(parts.uri.query());
        let ticket = asked
            .as_ref()
            .ok()
            .and_then(|asked| asked.ticket.as_deref());
        let verified = match (Credential::of(&parts.headers), ticket) {
            (Credential::None, Some(ticket)) => {
                let address = Subject::address(visit.address);
                api.count(Policy::Anonymous, address, visit).await?;
                self.redeem(ticket).await.map(Some)
            }
            (credential, _) => api.verify(&credential, visit).await?,
        };
        api.admit_as(verified, &LISTENING, visit).await?;
        let user = visit.caller.user.clone().ok_or_else(unauthenticated)?;
        if !accepts(&parts.headers, EVENT_STREAM) {
            return Err(Failure::not_acceptable(EVENT_STREAM));
        }
        let from = asked?.position(&parts.headers)?;
        let body = if parts.method == Method::HEAD {
            Body::from_stream(futures::stream::empty::<Result<String, Infallible>>())
        } else {
            let reader = self.open(&user, from, visit).await?;
            Body::from_stream(futures::stream::unfold(reader, async |mut reader| {
                let text = reader.next().await?;
                Some((Ok::<_, Infallible>(text), reader))
            }))
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, EVENT_STREAM),
            (header::CACHE_CONTROL, "no-store"),
            // nginx would gather what must arrive at once.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }

    async fn redeem(&self, ticket: &str) -> Result<Known, Error> {
        if !(1..=MAX_TICKET).contains(&ticket.len()) {
            return Err(unauthenticated());
        }
        let user = self.services.redeem(ticket).await?;
        self.verifier.check(&user)?;
        Ok(Known {
            principal: Principal::User(Arc::new(user)),
            exchanged: None,
        })
    }

    /// Connects a client, which goes on after a position or begins now.
    ///
    /// It hears of what happens from here on before it is known which projects
    /// it may see; what happened until that was known is replayed.
    async fn open(
        self: &Arc<Self>,
        user: &User,
        from: Option<Position>,
        visit: &Visit,
    ) -> Result<Reader, Error> {
        let place = self.places.take(visit.address)?;
        let listening = self.listen().await?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let outlet = Arc::new(Queue(sender));
        let id = self.hub.connect(user, Scope::All, outlet)?;
        let attendance = Attendance {
            live: self.clone(),
            id,
            _place: place,
        };
        drop(listening);
        // It may have been revoked just before it could be told so.
        self.verifier.check(user)?;
        let begin = self.hub.position();
        let projects = self.services.memberships(user.id).await?;
        let until = self.hub.enter_all(id, &projects);
        let (Some(begin), Some(until)) = (begin, until) else {
            return Err(Error::unavailable("the services are not followed"));
        };
        let (from, is_brought) = match from {
            Some(from) => (from, true),
            None => (begin, false),
        };
        let projects = HashSet::from_iter(projects);
        let from_where = (&from, is_brought);
        let replay = Replay::open(self, user.id, projects, from_where, &until).await?;
        Ok(Reader::new(attendance, queue, from, until, replay))
    }
}

impl<'q> Asked<'q> {
    /// # Errors
    ///
    /// `MALFORMED_REQUEST` for a query that cannot be read.
    fn read(query: Option<&'q str>) -> Result<Self, Failure> {
        let mut asked = Self::default();
        for pair in query_pairs(query.unwrap_or_default()) {
            let (name, value) = pair.map_err(Rejection::Malformed)?;
            let slot = match &*name {
                "ticket" => &mut asked.ticket,
                "lastEventId" => &mut asked.last_event_id,
                _ => {
                    let message = "there is no such parameter";
                    asked.violations.add(&name, "UNKNOWN_FIELD", message);
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                let message = "the parameter may be there only once";
                asked.violations.add(&name, "NOT_ALLOWED", message);
            }
        }
        Ok(asked)
    }

    /// Where the client goes on, if it was here before: the header, which
    /// browsers send when they come back by themselves, goes before the
    /// parameter.
    fn position(mut self, headers: &HeaderMap) -> Result<Option<Position>, Error> {
        if self.ticket.is_some() && headers.contains_key(header::AUTHORIZATION) {
            let message = "stands beside an Authorization header: send one of them";
            self.violations.add("ticket", "NOT_ALLOWED", message);
        }
        self.violations.finish()?;
        let header = headers.get(&LAST_EVENT_ID);
        let header = header.map(|value| value.to_str().unwrap_or("?"));
        let id = header.or(self.last_event_id.as_deref());
        id.map(|id| id.parse().map_err(|_| no_id())).transpose()
    }
}

/// The failure of a client that would go on after something that was no event.
fn no_id() -> Error {
    let message = "is no id of an event of this stream";
    Error::invalid_field("Last-Event-ID", "CURSOR_INVALID", message)
}
