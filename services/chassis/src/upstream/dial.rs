//! How an address of a role is dialled, and whether somebody answers there whom
//! this process trusts, and who trusts it.

use std::{
    collections::BTreeMap,
    error::Error as _,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, timeout},
};
use tonic::transport::{ClientTlsConfig, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::Target;
use crate::tls::{Credentials, Tls, reason};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A handshake takes the peer's CPU, which may have much to do.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it is asked whether somebody is still there, and how long for an
/// answer is waited: a connection that was lost without a sign is given up after
/// both.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the addresses of a name are known without its being resolved again.
const KNOWN: Duration = Duration::from_secs(30);

/// How a role is dialled.
pub(super) struct Dial {
    target: Target,
    tls: Option<Arc<Tls>>,
    resolved: Resolved,
}

/// What each name was resolved to the last time, and when.
#[derive(Default)]
struct Resolved(Mutex<BTreeMap<String, (Instant, Vec<SocketAddr>)>>);

impl Resolved {
    /// The addresses of a name: those that were found now or, where it could not
    /// be looked up, for a while those of the last time.
    fn note(&self, host: &str, found: io::Result<Vec<SocketAddr>>) -> Vec<SocketAddr> {
        let mut resolved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(addresses) => {
                let known = (Instant::now(), addresses.clone());
                resolved.insert(host.to_owned(), known);
                addresses
            }
            Err(error) => {
                tracing::debug!(host, %error, "the name is not resolved");
                let known = resolved.get(host).filter(|(at, _)| at.elapsed() < KNOWN);
                known.map(|(_, known)| known.clone()).unwrap_or_default()
            }
        }
    }
}

impl Dial {
    pub(super) fn new(target: Target, tls: Option<Arc<Tls>>) -> Self {
        Self {
            target,
            tls,
            resolved: Resolved::default(),
        }
    }

    /// Tells when connections would begin otherwise.
    pub(super) fn changes(&self) -> Option<watch::Receiver<Arc<Credentials>>> {
        let tls = self.tls.as_ref().filter(|_| self.is_encrypted());
        tls.map(|tls| tls.changes())
    }

    pub(super) fn hosts(&self) -> &[String] {
        &self.target.hosts
    }

    /// Whether connections begin with TLS.
    pub(super) fn is_encrypted(&self) -> bool {
        self.target.is_encrypted(self.tls.is_some())
    }

    /// The addresses behind the target's names, each with its name.
    pub(super) async fn addresses(&self) -> BTreeMap<SocketAddr, &str> {
        let mut addresses = BTreeMap::new();
        for host in &self.target.hosts {
            let name = host
                .rsplit_once(':')
                .map_or(host.as_str(), |(name, _)| name);
            let name = name.trim_matches(['[', ']']);
            let found = tokio::net::lookup_host(host).await;
            let found = self.resolved.note(host, found.map(Iterator::collect));
            addresses.extend(found.into_iter().map(|address| (address, name)));
        }
        addresses
    }

    /// A connection to come, by what is in use now.
    pub(super) fn endpoint(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> Result<Endpoint, tonic::transport::Error> {
        let scheme = if self.is_encrypted() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true)
            .http2_adaptive_window(true);
        if !self.is_encrypted() {
            return Ok(endpoint);
        }
        let client = match &self.tls {
            Some(tls) => tls.client(name),
            None => ClientTlsConfig::new().domain_name(name).with_native_roots(),
        };
        endpoint.tls_config(client.timeout(HANDSHAKE_TIMEOUT))
    }
}

/// Why somebody who accepts connections there cannot be talked to by TLS, if that
/// is so; for who looks for faults.
pub async fn refusal(target: Target, tls: Option<Arc<Tls>>) -> Option<String> {
    let dial = Dial::new(target, tls);
    if !dial.is_encrypted() {
        return None;
    }
    for (address, name) in dial.addresses().await {
        if !is_open(address).await {
            continue;
        }
        let tried = match dial.endpoint(address, name) {
            Ok(endpoint) => answers(&endpoint).await,
            Err(error) => Err(reason(&error)),
        };
        if let Err(reason) = tried {
            return Some(reason);
        }
    }
    None
}

/// Whether an address accepts connections.
pub(super) async fn is_open(address: SocketAddr) -> bool {
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    matches!(connected, Ok(Ok(_)))
}

/// Asks whether somebody answers by TLS. The peer's word on our certificate
/// comes only after the handshake, with the first answer.
pub(super) async fn answers(endpoint: &Endpoint) -> Result<(), String> {
    let asked = async {
        let channel = endpoint.connect().await.map_err(|error| reason(&error))?;
        let mut health = HealthClient::new(channel);
        match health.check(HealthCheckRequest::default()).await {
            // What has a source is of the connection, and no answer.
            Err(status) if status.source().is_some() => Err(reason(&status)),
            Ok(_) | Err(_) => Ok(()),
        }
    };
    let answered = timeout(HANDSHAKE_TIMEOUT, asked).await;
    answered.unwrap_or_else(|_| Err(format!("no answer within {HANDSHAKE_TIMEOUT:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_that_cannot_be_looked_up_for_a_moment_keeps_its_addresses() {
        let resolved = Resolved::default();
        let lost = || Err(io::Error::other("no answer from the name server"));
        let first = SocketAddr::from(([10, 0, 0, 1], 50_061));
        let second = SocketAddr::from(([10, 0, 0, 2], 50_061));
        assert_eq!(resolved.note("users", lost()), []);
        assert_eq!(resolved.note("users", Ok(vec![first])), [first]);
        assert_eq!(resolved.note("users", lost()), [first]);
        assert_eq!(resolved.note("projects", lost()), []);
        assert_eq!(resolved.note("users", Ok(vec![second])), [second]);
        tokio::time::advance(KNOWN / 2).await;
        assert_eq!(resolved.note("users", lost()), [second]);
        tokio::time::advance(KNOWN / 2).await;
        assert_eq!(resolved.note("users", lost()), []);
    }
}
