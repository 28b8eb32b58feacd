//! What is known of a request while it is answered, and what is told of it at
//! its end: one line in the log and one observation in the metrics. Tokens,
//! bodies and query strings are part of neither.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use portico_chassis::{
    caller::{Caller, Grant, is_request_id, new_request_id},
    telemetry::{self, Metrics},
};
use tracing::{Span, field::Empty};
use uuid::Uuid;

use crate::{client, config::Network, headers::X_REQUEST_ID, limits::Standing, trace};

/// What the log says of a request whose client went away before the answer. No
/// client ever sees it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request on its way.
pub(crate) struct Visit {
    /// Made of characters that need no escape anywhere.
    pub(crate) request_id: HeaderValue,
    pub(crate) address: IpAddr,
    /// The path template that was found; never the path itself.
    pub(crate) route: &'static str,
    pub(crate) caller: Caller,
    /// The token that was taken in exchange for the caller's API key.
    pub(crate) exchanged: Option<Arc<str>>,
    /// The limit that leaves the least.
    pub(crate) standing: Option<Standing>,
    /// How a failure may be cached, if not as usual.
    pub(crate) cache_control: Option<HeaderValue>,
    /// The status of the answer, once there is one.
    pub(crate) status: Option<StatusCode>,
    pub(crate) span: Span,
    method: &'static str,
    metrics: Arc<Metrics>,
    started: Instant,
}

impl Visit {
    /// Begins with a request, which from now on names its trace.
    pub(crate) fn begin(
        request: &mut Request,
        trusted_proxies: &[Network],
        metrics: &Arc<Metrics>,
    ) -> Self {
        let started = Instant::now();
        let request_id = request_id(request.headers());
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv6Addr::UNSPECIFIED.into(), |peer| peer.0.ip());
        Self {
            address: client::address(peer, request.headers(), trusted_proxies),
            route: "unmatched",
            caller: Caller::default(),
            exchanged: None,
            standing: None,
            cache_control: None,
            status: None,
            span: span(request, &request_id),
            method: method(request.method()),
            metrics: metrics.clone(),
            started,
            request_id,
        }
    }
}

impl Visit {
    /// The id of the person or the service account that calls.
    pub(crate) fn caller_id(&self) -> Option<Uuid> {
        let user = self.caller.user.as_ref().map(|user| user.id);
        user.or_else(|| {
            self.caller
                .service_account
                .as_ref()
                .map(|account| account.id)
        })
    }

    /// What stands for the caller in calls to services, if somebody is known: an
    /// API key goes no further than here.
    pub(crate) fn authorization(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.caller_id()?;
        match &self.exchanged {
            Some(token) => HeaderValue::try_from(format!("Bearer {token}")).ok(),
            None => headers.get(header::AUTHORIZATION).cloned(),
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let status = self
            .status
            .map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16());
        let took = self.started.elapsed();
        self.metrics
            .observe_http(self.method, self.route, status, took, &self.span);
        telemetry::name_span(&self.span, format_args!("{} {}", self.method, self.route));
        self.span.record("http.route", self.route);
        self.span.record("http.response.status_code", status);
        let duration_ms = took.as_secs_f64() * 1000.0;
        let _entered = self.span.enter();
        match (&self.caller.user, self.caller_id()) {
            (Some(user), _) => match user.grant {
                Grant::Impersonation { by } => {
                    tracing::info!(status, duration_ms, user_id = %user.id, actor_id = %by, "answered");
                }
                Grant::Session | Grant::Key(_) => {
                    tracing::info!(status, duration_ms, user_id = %user.id, "answered");
                }
            },
            (None, Some(id)) => {
                tracing::info!(status, duration_ms, service_account_id = %id, "answered");
            }
            (None, None) => tracing::info!(status, duration_ms, "answered"),
        }
    }
}

/// The client's request id, if it may be taken over.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let mut given = headers.get_all(&X_REQUEST_ID).iter();
    match (given.next(), given.next()) {
        (Some(id), None) if id.to_str().is_ok_and(is_request_id) => id.clone(),
        _ => HeaderValue::try_from(&*new_request_id())
            .unwrap_or(const { HeaderValue::from_static("unknown") }),
    }
}

/// The span of a request, in the trace that it belongs to.
fn span(request: &mut Request, request_id: &HeaderValue) -> Span {
    let is_continued = trace::ensure(request.headers_mut());
    let none = HeaderMap::new();
    let headers = if is_continued {
        request.headers()
    } else {
        &none
    };
    let span = telemetry::enter(headers, || {
        tracing::info_span!(
            "request",
            otel.kind = "server",
            http.request.method = request.method().as_str(),
            url.path = request.uri().path(),
            http.route = Empty,
            http.response.status_code = Empty,
            request_id = request_id.to_str().unwrap_or_default(),
            trace_id = Empty,
        )
    });
    span.in_scope(|| telemetry::pass_trace_on(request.headers_mut()));
    span.record("trace_id", trace::id(request.headers()));
    span
}

/// The name of a method in metrics; made-up ones share one, so that the number
/// of series stays bounded (OpenTelemetry, "HTTP attributes").
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"];
    let known = KNOWN.iter().find(|known| **known == method.as_str());
    known.copied().unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn visit(request_ids: &[&str]) -> (Visit, Arc<Metrics>) {
        let mut request = Request::new(Body::empty());
        for id in request_ids {
            let id = HeaderValue::from_str(id).expect("a header");
            request.headers_mut().append(X_REQUEST_ID, id);
        }
        let metrics = Arc::new(Metrics::default());
        (Visit::begin(&mut request, &[], &metrics), metrics)
    }

    #[test]
    fn a_clients_request_id_is_taken_over_only_if_it_is_safe() {
        assert_eq!(visit(&["abc-1"]).0.request_id, "abc-1");
        for ids in [&["a b"][..], &["a", "b"], &[""], &["a\"b"], &[]] {
            let made = visit(ids).0.request_id.clone();
            assert_eq!(made.len(), 32, "{ids:?}");
        }
    }

    #[test]
    fn a_request_is_counted_also_if_its_client_went_away() {
        let (visit, metrics) = visit(&[]);
        drop(visit);
        let text = metrics.text();
        assert!(text.contains("http_response_status_code=\"499\""), "{text}");
    }

    #[test]
    fn a_made_up_method_has_no_series_of_its_own() {
        assert_eq!(method(&Method::PATCH), "PATCH");
        assert_eq!(
            method(&Method::from_bytes(b"BREW").expect("a method")),
            "_OTHER"
        );
    }
}
