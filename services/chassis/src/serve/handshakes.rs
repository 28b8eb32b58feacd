//! Connections that begin with TLS: who cannot show what is asked for is sent
//! away before anything that it says is listened to.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Connected as _, TcpConnectInfo};

use crate::{
    telemetry::Metrics,
    tls::{ALPN, Tls, reason},
};

/// How long a client may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many may be at it at once; others wait to be accepted.
const AT_ONCE: usize = 4096;

/// A refusal is logged once in this time, and so many different ones: clients try
/// again at once, and without end.
const QUIET: Duration = Duration::from_secs(10);
const LINES: usize = 256;

/// How connections begin.
pub struct Handshakes {
    tls: Arc<Tls>,
    metrics: Arc<Metrics>,
    /// Who was refused lately, and why.
    logged: Mutex<HashMap<(Option<IpAddr>, String), Instant>>,
}

impl Handshakes {
    /// By what is in use whenever a connection begins.
    #[must_use]
    pub fn new(tls: Arc<Tls>, metrics: Arc<Metrics>) -> Self {
        Self {
            tls,
            metrics,
            logged: Mutex::default(),
        }
    }

    /// The connections that began well.
    pub(super) fn over(
        self,
        incoming: impl Stream<Item = io::Result<TcpStream>>,
        stop: CancellationToken,
    ) -> impl Stream<Item = io::Result<(TlsStream<TcpStream>, TcpConnectInfo)>> {
        let this = Arc::new(self);
        incoming
            .map(move |accepted| {
                let (this, stop) = (this.clone(), stop.clone());
                async move {
                    let stream = match accepted {
                        Ok(stream) => stream,
                        Err(error) => return Some(Err(error)),
                    };
                    // Each on its own: it is work for the CPU.
                    let begun = tokio::spawn(async move {
                        tokio::select! {
                            () = stop.cancelled() => None,
                            begun = this.begin(stream) => begun,
                        }
                    });
                    begun.await.ok().flatten().map(Ok)
                }
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
    }

    async fn begin(&self, stream: TcpStream) -> Option<(TlsStream<TcpStream>, TcpConnectInfo)> {
        let peer = stream.connect_info();
        // A probe looks whether somebody listens, and says nothing.
        if !matches!(
            tokio::time::timeout(TIMEOUT, stream.peek(&mut [0])).await,
            Ok(Ok(1..))
        ) {
            return None;
        }
        let acceptor = TlsAcceptor::from(self.tls.server());
        let reason = match tokio::time::timeout(TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(ALPN) => {
                return Some((stream, peer));
            }
            Ok(Ok(_)) => "it does not offer HTTP/2".to_owned(),
            Ok(Err(error)) => reason(&error),
            Err(_) => format!("it took longer than {TIMEOUT:?}"),
        };
        self.metrics.tls_refused();
        let peer = peer.remote_addr();
        if self.is_news(peer.map(|peer| peer.ip()), &reason) {
            let peer = peer.map(|peer| peer.to_string());
            tracing::warn!(peer, %reason, "refused a connection");
        }
        None
    }

    fn is_news(&self, peer: Option<IpAddr>, reason: &str) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.retain(|_, since| since.elapsed() < QUIET);
        let is_news = logged.len() < LINES && !logged.contains_key(&(peer, reason.to_owned()));
        if is_news {
            logged.insert((peer, reason.to_owned()), Instant::now());
        }
        is_news
    }
}
