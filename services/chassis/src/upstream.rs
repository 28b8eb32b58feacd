//! How one role reaches another: in one process by calling its routes, without
//! a socket; else by channels balanced over every address that a name has.
//! Either way a call shows who makes it, keeps its own deadline, and a failure
//! of the transport arrives as UNAVAILABLE.

mod balance;

use std::{
    collections::HashSet,
    future::Future,
    pin::Pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::{Code, Status, body::Body};
use tower::ServiceExt as _;

use self::balance::Balanced;
use crate::{caller::metadata, status::Error, telemetry, token::ServiceIdentity};

/// How long a call may take unless its caller states less.
const DEADLINE: Duration = Duration::from_secs(10);

/// Pauses before the second and the third try of an idempotent call.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// Where a role is reached over the network: `http://host:port`, several by
/// comma, or `dns:///host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host and port of each.
    pub(crate) hosts: Vec<String>,
    pub(crate) is_tls: bool,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "http(s)://host:port, several by comma, or dns:///host:port".to_owned();
        let mut target = Self {
            hosts: Vec::new(),
            is_tls: false,
        };
        for part in text.split(',').map(str::trim) {
            let (is_tls, host) = if let Some(host) = part.strip_prefix("https://") {
                (true, host)
            } else {
                let host = part
                    .strip_prefix("http://")
                    .or_else(|| part.strip_prefix("dns:///"))
                    .ok_or_else(expected)?;
                (false, host)
            };
            let host = host.trim_end_matches('/');
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
            if !has_port {
                return Err(expected());
            }
            target.is_tls |= is_tls;
            target.hosts.push(host.to_owned());
        }
        Ok(target)
    }
}

/// A way to another role, as the transport of its generated client.
#[derive(Clone)]
pub struct Upstream {
    transport: Transport,
    identity: Arc<ServiceIdentity>,
    /// The methods that may be repeated after a connection was lost.
    idempotent: Arc<HashSet<&'static str>>,
}

#[derive(Clone)]
enum Transport {
    Local(axum::Router),
    Remote(Balanced),
}

impl Upstream {
    /// The routes of a role in this process.
    #[must_use]
    pub fn local(
        routes: axum::Router,
        identity: Arc<ServiceIdentity>,
        idempotent: Arc<HashSet<&'static str>>,
    ) -> Self {
        Self {
            transport: Transport::Local(routes),
            identity,
            idempotent,
        }
    }

    /// A role behind the network. Connects when it is first called, and goes
    /// on trying.
    #[must_use]
    pub fn remote(
        target: Target,
        identity: Arc<ServiceIdentity>,
        idempotent: Arc<HashSet<&'static str>>,
    ) -> Self {
        Self {
            transport: Transport::Remote(Balanced::new(target)),
            identity,
            idempotent,
        }
    }

    /// Whether somebody answers there.
    pub async fn is_reachable(&self) -> bool {
        match &self.transport {
            Transport::Local(_) => true,
            Transport::Remote(balanced) => balanced.is_reachable().await,
        }
    }

    async fn send(self, mut request: Request<Body>) -> Response<Body> {
        if let Err(error) = self.sign(request.headers_mut()) {
            return Status::from(error).into_http();
        }
        telemetry::pass_trace_on(request.headers_mut());
        let answered = async {
            match self.transport {
                Transport::Local(routes) => match routes.oneshot(request).await {
                    Ok(response) => response.map(Body::new),
                    Err(never) => match never {},
                },
                Transport::Remote(balanced) => {
                    let may_repeat = self.idempotent.contains(request.uri().path());
                    send_remote(&balanced, request, may_repeat).await
                }
            }
        };
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(response) => response,
            Err(_) => Status::from(Error::deadline_exceeded()).into_http(),
        }
    }

    /// Shows who calls: by the service token alone where it acts for nobody.
    fn sign(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let token = self.identity.token()?;
        let value = HeaderValue::from_str(&token).map_err(Error::internal)?;
        headers.insert(metadata::SERVICE, value);
        Ok(())
    }
}

/// Sends a call that has one message, again if nobody answered and it may be
/// repeated.
async fn send_remote(
    balanced: &Balanced,
    request: Request<Body>,
    may_repeat: bool,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let message: Bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(status) => return status.into_http(),
    };
    let mut pauses = RETRY_PAUSES.iter();
    loop {
        let request = Request::from_parts(parts.clone(), Body::new(Full::new(message.clone())));
        let response = match balanced.send(request).await {
            Ok(response) => response.map(|body| Body::new(body.map_err(lost))),
            Err(error) => Status::from(Error::unavailable(error)).into_http(),
        };
        let is_unavailable = telemetry::grpc_code(response.headers()) == Code::Unavailable as i32;
        match pauses.next().filter(|_| may_repeat && is_unavailable) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return response,
        }
    }
}

/// A connection that broke while the answer was on its way.
fn lost(status: Status) -> Status {
    match status.code() {
        Code::DeadlineExceeded => status,
        _ => Error::unavailable(status).into(),
    }
}

impl tower::Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move { Ok(upstream.send(request).await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_name_hosts_with_ports() {
        let target: Target = "http://a:1, http://[::1]:2".parse().expect("two hosts");
        assert_eq!(target.hosts, ["a:1", "[::1]:2"]);
        assert!(!target.is_tls);
        let dns: Target = "dns:///users.portico:50061".parse().expect("a name");
        assert_eq!(dns.hosts, ["users.portico:50061"]);
        let tls: Target = "https://users:443/".parse().expect("tls");
        assert!(tls.is_tls);
        for text in ["", "users:50061", "http://users", "ftp://a:1", "http://:1"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
