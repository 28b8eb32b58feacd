//! Stands before every route of every service: finds out who calls and whether
//! the method is for such a caller, keeps the caller's deadline, and records
//! span and metrics. It sits on the routes, so that a call within one process
//! and one over the network go through the same checks.
//!
//! A deadline is that of the answer's beginning: a stream goes on for as long as
//! its reader reads, and may.

mod revocable;
mod rule;

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
pub use self::rule::{Access, Rule};
use crate::{
    caller::{Call, Caller, Pass, Principal, metadata, unauthenticated},
    status::Error,
    telemetry::{self, Metrics},
    token::{ServiceIdentity, Verifier},
};

/// The longest that a call may take, whatever its caller says.
const MAX_DEADLINE: Duration = Duration::from_secs(30);

/// What the guard needs to know and to check.
pub struct Guard {
    /// Checks the tokens of people and of service accounts.
    pub verifier: Arc<Verifier>,
    /// Checks services' tokens.
    pub identity: Arc<ServiceIdentity>,
    /// Which callers each method is for, by its path. Other paths are not
    /// guarded: health and reflection.
    pub rules: HashMap<&'static str, Rule>,
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

    async fn identify(&self, map: &MetadataMap, rule: &Rule) -> Result<Call, Error> {
        let text = |name: &str| map.get(name).and_then(|value| value.to_str().ok());
        let is_public = rule.access == Access::Public;
        let mut caller = Caller::default();
        let mut passed_on = None;
        if let Some(token) = text(metadata::SERVICE) {
            caller.service = Some(self.identity.verify(token)?);
        }
        let bearer = text(metadata::AUTHORIZATION).map(parse_bearer);
        match bearer {
            None => {}
            Some(Err(_)) if is_public => {}
            Some(Err(error)) => return Err(error),
            Some(Ok(token)) => match self.identity.verify(token) {
                Ok(service) => caller.service = Some(service),
                Err(_) => match self.verifier.verify(token).await {
                    Ok(known) => {
                        passed_on = match known.exchanged {
                            Some(token) => format!("Bearer {token}").parse().ok(),
                            None => map.get(metadata::AUTHORIZATION).cloned(),
                        };
                        match known.principal {
                            Principal::User(user) => caller.user = Some(user),
                            Principal::ServiceAccount(account) => {
                                caller.service_account = Some(account);
                            }
                        }
                    }
                    // A stale token is no reason to refuse a new sign-in.
                    Err(_) if is_public => {}
                    Err(error) => return Err(error),
                },
            },
        }
        rule.check(&caller)?;
        Ok(Call::read(map, caller.service.is_some()).with_caller(caller, passed_on))
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
    let Some((path, rule)) = guard.rules.get_key_value(request.uri().path()) else {
        return next.run(request).await;
    };
    let started = Instant::now();
    let _in_progress = guard.metrics.begin_rpc();
    let span = telemetry::rpc_span(path, request.headers());
    let is_stream = guard.streams.contains(path);
    let response = check(&guard, rule, is_stream, request, next)
        .instrument(span.clone())
        .await;
    let code = telemetry::grpc_code(response.headers());
    span.record("rpc.grpc.status_code", code);
    guard
        .metrics
        .observe_rpc(path, code, started.elapsed(), &span);
    response
}

async fn check(
    guard: &Guard,
    rule: &Rule,
    is_stream: bool,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let map = MetadataMap::from_headers(std::mem::take(&mut parts.headers));
    let call = match guard.identify(&map, rule).await {
        Ok(call) => call.seen_from(parts.extensions.get::<TcpConnectInfo>(), &map),
        Err(error) => return Status::from(error).into_http(),
    };
    tracing::Span::current().record("request_id", &*call.request_id);
    parts.headers = map.into_headers();
    let deadline = deadline(&parts.headers);
    let reader = reader(&call.caller).filter(|_| is_stream);
    parts.extensions.insert(Arc::new(call));
    let handled = next.run(Request::from_parts(parts, body));
    match tokio::time::timeout(deadline, handled).await {
        Ok(response) => match reader {
            Some(pass) => {
                let verifier = guard.verifier.clone();
                response.map(|body| Body::new(Revocable::new(body, verifier, pass)))
            }
            None => response,
        },
        Err(_) => Status::from(Error::deadline_exceeded()).into_http(),
    }
}

/// Whose stream ends when a token is revoked.
fn reader(caller: &Caller) -> Option<Pass> {
    match (&caller.user, &caller.service_account) {
        (Some(user), _) => Some((&**user).into()),
        (None, account) => account.as_deref().map(Into::into),
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
    fn only_the_bearer_scheme_carries_a_token() {
        assert_eq!(parse_bearer("bearer abc").expect("token"), "abc");
        assert!(parse_bearer("Basic abc").is_err());
        assert!(parse_bearer("abc").is_err());
    }
}
