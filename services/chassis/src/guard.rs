//! Stands before every route of every service: finds out who calls and whether
//! the method is for such a caller, keeps the caller's deadline, and records
//! span and metrics. It sits on the routes, so that a call within one process
//! and one over the network go through the same checks.
//!
//! A deadline is that of the answer's beginning: a stream goes on for as long as
//! its reader reads, and may.

mod revocable;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tonic::{Status, metadata::MetadataMap, transport::server::TcpConnectInfo};
use tracing::Instrument as _;

use self::revocable::Revocable;
use crate::{
    caller::{Call, Caller, User, forbidden, metadata, unauthenticated},
    status::Error,
    telemetry::{self, Metrics},
    token::{ServiceIdentity, Verifier},
};

/// The longest that a call may take, whatever its caller says.
const MAX_DEADLINE: Duration = Duration::from_secs(30);

/// Which caller a method is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A signed-in person.
    User,
    /// A signed-in person with the instance role ADMIN.
    Admin,
    /// Another service of this installation.
    Service,
}

impl Access {
    /// Nothing, if the method is for this caller.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` or `FORBIDDEN`.
    pub fn check(self, caller: &Caller) -> Result<(), Error> {
        let user = caller.user.as_deref();
        let is_known = user.is_some() || caller.service.is_some();
        let is_allowed = match self {
            Self::Public => true,
            Self::User => user.is_some(),
            Self::Admin => user.is_some_and(|user| user.is_admin),
            Self::Service => caller.service.is_some(),
        };
        match (is_allowed, is_known) {
            (true, _) => Ok(()),
            (false, true) => Err(forbidden()),
            (false, false) => Err(unauthenticated()),
        }
    }
}

/// What the guard needs to know and to check.
pub struct Guard {
    /// Checks people's tokens.
    pub verifier: Arc<Verifier>,
    /// Checks services' tokens.
    pub identity: Arc<ServiceIdentity>,
    /// Which caller each method is for, by its path. Other paths are not
    /// guarded: health and reflection.
    pub access: HashMap<&'static str, Access>,
    /// The methods that answer with a stream.
    pub streams: HashSet<&'static str>,
    /// Where calls are counted.
    pub metrics: Arc<Metrics>,
}

impl Guard {
    /// The routes behind the guard.
    pub fn protect(self: &Arc<Self>, routes: tonic::service::Routes) -> axum::Router {
        routes
            .into_axum_router()
            .layer(axum::middleware::from_fn_with_state(self.clone(), pass))
    }

    fn revocable(&self, body: Body, user: Arc<User>) -> Body {
        Body::new(Revocable {
            body,
            verifier: self.verifier.clone(),
            user,
        })
    }

    async fn identify(&self, map: &MetadataMap, access: Access) -> Result<Call, Error> {
        let text = |name: &str| map.get(name).and_then(|value| value.to_str().ok());
        let mut caller = Caller::default();
        if let Some(token) = text(metadata::SERVICE) {
            caller.service = Some(self.identity.verify(token)?);
        }
        let bearer = text(metadata::AUTHORIZATION).map(parse_bearer);
        match bearer {
            None => {}
            Some(Err(_)) if access == Access::Public => {}
            Some(Err(error)) => return Err(error),
            Some(Ok(token)) => match self.identity.verify(token) {
                Ok(service) => caller.service = Some(service),
                Err(_) => match self.verifier.verify(token).await {
                    Ok(user) => caller.user = Some(user),
                    // A stale token is no reason to refuse a new sign-in.
                    Err(_) if access == Access::Public => {}
                    Err(error) => return Err(error),
                },
            },
        }
        access.check(&caller)?;
        let forwarded = caller
            .user
            .is_some()
            .then(|| map.get(metadata::AUTHORIZATION).cloned())
            .flatten();
        Ok(Call::read(map, caller.service.is_some()).with_caller(caller, forwarded))
    }
}

/// The token of an `Authorization` header (RFC 6750, section 2.1).
///
/// # Errors
///
/// `UNAUTHENTICATED` for another scheme.
pub fn parse_bearer(header: &str) -> Result<&str, Error> {
    let (scheme, token) = header.split_once(' ').ok_or_else(unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated());
    }
    Ok(token.trim())
}

async fn pass(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let Some((path, access)) = guard.access.get_key_value(request.uri().path()) else {
        return next.run(request).await;
    };
    let started = Instant::now();
    let span = telemetry::rpc_span(path, request.headers());
    let is_stream = guard.streams.contains(path);
    let response = check(&guard, *access, is_stream, request, next)
        .instrument(span.clone())
        .await;
    let code = telemetry::grpc_code(response.headers());
    span.record("rpc.grpc.status_code", code);
    guard.metrics.observe_rpc(path, code, started.elapsed());
    response
}

async fn check(
    guard: &Guard,
    access: Access,
    is_stream: bool,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let map = MetadataMap::from_headers(std::mem::take(&mut parts.headers));
    let call = match guard.identify(&map, access).await {
        Ok(call) => call.seen_from(parts.extensions.get::<TcpConnectInfo>(), &map),
        Err(error) => return Status::from(error).into_http(),
    };
    tracing::Span::current().record("request_id", &*call.request_id);
    parts.headers = map.into_headers();
    let deadline = deadline(&parts.headers);
    let reader = call.caller.user.clone().filter(|_| is_stream);
    parts.extensions.insert(Arc::new(call));
    let handled = next.run(Request::from_parts(parts, body));
    match tokio::time::timeout(deadline, handled).await {
        Ok(response) => match reader {
            Some(user) => response.map(|body| guard.revocable(body, user)),
            None => response,
        },
        Err(_) => Status::from(Error::deadline_exceeded()).into_http(),
    }
}

/// How long the caller waits, from `grpc-timeout`: up to 8 digits and a unit.
fn deadline(headers: &http::HeaderMap) -> Duration {
    let parse = |text: &str| {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let amount: u64 = (digits.len() <= 8).then(|| digits.parse().ok())??;
        Some(match unit {
            "H" => Duration::from_secs(amount * 3600),
            "M" => Duration::from_secs(amount * 60),
            "S" => Duration::from_secs(amount),
            "m" => Duration::from_millis(amount),
            "u" => Duration::from_micros(amount),
            "n" => Duration::from_nanos(amount),
            _ => return None,
        })
    };
    headers
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok())
        .and_then(parse)
        .map_or(MAX_DEADLINE, |stated| stated.min(MAX_DEADLINE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_timeout(value: &'static str) -> Duration {
        let mut headers = http::HeaderMap::new();
        headers.insert("grpc-timeout", http::HeaderValue::from_static(value));
        deadline(&headers)
    }

    #[test]
    fn a_callers_deadline_is_kept_up_to_the_bound() {
        assert_eq!(with_timeout("250m"), Duration::from_millis(250));
        assert_eq!(with_timeout("3S"), Duration::from_secs(3));
        assert_eq!(with_timeout("1H"), MAX_DEADLINE);
        assert_eq!(with_timeout("99999999H"), MAX_DEADLINE);
    }

    #[test]
    fn a_malformed_deadline_counts_as_none() {
        for value in ["", "S", "5", "123456789S", "-1S", "1x"] {
            assert_eq!(with_timeout(value), MAX_DEADLINE, "{value}");
        }
    }

    #[test]
    fn a_stranger_is_asked_to_sign_in_and_others_are_forbidden() {
        let nobody = Caller::default();
        let service = Caller {
            service: Some("auth".into()),
            ..Caller::default()
        };
        assert_eq!(
            Access::User.check(&nobody).expect_err("refused").reason,
            "UNAUTHENTICATED"
        );
        assert_eq!(
            Access::Admin.check(&service).expect_err("refused").reason,
            "FORBIDDEN"
        );
        assert!(Access::Service.check(&service).is_ok());
        assert!(Access::Public.check(&nobody).is_ok());
    }

    #[test]
    fn only_the_bearer_scheme_carries_a_token() {
        assert_eq!(parse_bearer("bearer abc").expect("token"), "abc");
        assert!(parse_bearer("Basic abc").is_err());
        assert!(parse_bearer("abc").is_err());
    }
}
