//! How one role reaches another: in one process by calling its routes, without
//! a socket; else by channels balanced over every address that a name has.
//! Either way a call shows who makes it, keeps its own deadline, and a failure
//! of the transport arrives as UNAVAILABLE.

mod balance;
mod dial;
mod unsent;

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

pub use self::dial::refusal;
use self::{balance::Balanced, unsent::was_never_sent};
use crate::{caller::metadata, status::Error, telemetry, tls::Tls, token::ServiceIdentity};

/// How long a call may take unless its caller states less.
const DEADLINE: Duration = Duration::from_secs(10);

/// Pauses before the second and the third try of a call that may be repeated.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// Where a role is reached over the network: `http(s)://host:port`, several by
/// comma, or `dns:///host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host and port of each.
    pub(crate) hosts: Vec<String>,
    pub(crate) encryption: Encryption,
}

/// Whether connections begin with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// `https://`
    Always,
    /// `http://`
    Never,
    /// `dns:///`: where this process has a certificate.
    Configured,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "http(s)://host:port, several by comma, or dns:///host:port".to_owned();
        let mut hosts = Vec::new();
        let mut found = None;
        for part in text.split(',').map(str::trim) {
            let (scheme, host) = part.split_once("://").ok_or_else(expected)?;
            let (encryption, host) = match (scheme, host.strip_prefix('/')) {
                ("https", None) => (Encryption::Always, host),
                ("http", None) => (Encryption::Never, host),
                ("dns", Some(host)) => (Encryption::Configured, host),
                _ => return Err(expected()),
            };
            if *found.get_or_insert(encryption) != encryption {
                return Err("one scheme for all of them".to_owned());
            }
            let host = host.trim_end_matches('/');
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
            if !has_port {
                return Err(expected());
            }
            hosts.push(host.to_owned());
        }
        let encryption = found.ok_or_else(expected)?;
        Ok(Self { hosts, encryption })
    }
}

impl Target {
    /// Each of its hosts, with its port.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Whether what is said there is encrypted, by a process that has a
    /// certificate or not.
    #[must_use]
    pub fn is_encrypted(&self, has_certificate: bool) -> bool {
        match self.encryption {
            Encryption::Always => true,
            Encryption::Never => false,
            Encryption::Configured => has_certificate,
        }
    }

    /// The same target with one of its hosts only.
    #[must_use]
    pub fn only(&self, host: &str) -> Self {
        Self {
            hosts: vec![host.to_owned()],
            ..self.clone()
        }
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
    /// on trying. Where connections are encrypted, `tls` says what is shown and
    /// who is trusted; without it nothing is shown, and whom the system trusts.
    #[must_use]
    pub fn remote(
        target: Target,
        tls: Option<Arc<Tls>>,
        identity: Arc<ServiceIdentity>,
        idempotent: Arc<HashSet<&'static str>>,
    ) -> Self {
        Self {
            transport: Transport::Remote(Balanced::new(target, tls)),
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
/// repeated, as every call may be that nobody has looked at.
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
        let sent = balanced.send(request).await;
        let may_repeat = match &sent {
            Ok(response) => {
                let code = telemetry::grpc_code(response.headers());
                may_repeat && code == Code::Unavailable as i32
            }
            Err(error) => may_repeat || was_never_sent(&**error),
        };
        match pauses.next().filter(|_| may_repeat) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => {
                return match sent {
                    Ok(response) => response.map(|body| Body::new(body.map_err(lost))),
                    Err(error) => Status::from(Error::unavailable(error)).into_http(),
                };
            }
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
        assert_eq!(target.encryption, Encryption::Never);
        let dns: Target = "dns:///users.portico:50061".parse().expect("a name");
        assert_eq!(dns.hosts, ["users.portico:50061"]);
        assert_eq!(dns.encryption, Encryption::Configured);
        let tls: Target = "https://users:443/".parse().expect("tls");
        assert_eq!(tls.encryption, Encryption::Always);
        for text in [
            "",
            "users:50061",
            "http://users",
            "ftp://a:1",
            "http://:1",
            "http:///a:1",
            "dns://a:1",
            "https://a:1,http://b:1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
