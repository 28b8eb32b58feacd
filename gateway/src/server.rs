//! Serves HTTP/1.1 and HTTP/2 on one port, with bounds on what a connection may
//! cost, until it is told to stop.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use portico_chassis::serve::GRACE;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How long a client may take for the head of a request, and how long a
/// connection may rest between two. Longer than the 60 seconds for which load
/// balancers usually keep one, so that they never send into one just closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// What HTTP/2 begins with, and HTTP/1 never (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a client may take to tell which version it speaks; hyper would wait
/// for that for ever.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause before another look at the first bytes.
const VERSION_PAUSE: Duration = Duration::from_millis(20);
/// The greatest size of a request's head.
const MAX_HEAD: usize = 32 << 10;
const MAX_HEADERS: usize = 100;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How often a silent HTTP/2 connection is asked whether it is alive, and how
/// long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The pause after a connection could not be accepted, for want of descriptors
/// as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then until every request in progress has ended, but no
/// longer than [`GRACE`].
///
/// # Errors
///
/// None at present: a connection that fails is its client's affair.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let watcher = graceful.watcher();
                let (builder, router, stop) = (builder.clone(), router.clone(), stop.clone());
                connections.spawn(async move {
                    // It fails only for a socket that is of no use anyhow.
                    let _ = stream.set_nodelay(true);
                    let begins = tokio::select! {
                        begins = tells_version(&stream) => begins,
                        () = stop.cancelled() => false,
                    };
                    if !begins {
                        return;
                    }
                    let service = service_fn(move |request| answer(router.clone(), peer, request));
                    let io = TokioIo::new(stream);
                    let connection = builder.serve_connection_with_upgrades(io, service);
                    if let Err(error) = watcher.watch(connection.into_owned()).await {
                        tracing::debug!(%peer, error, "connection failed");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests in progress were cut off: the grace time is over");
    }
    Ok(())
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD as u32)
        .max_concurrent_streams(MAX_STREAMS)
        .adaptive_window(true)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    builder
}

/// Whether a client tells in time which version it speaks.
async fn tells_version(stream: &TcpStream) -> bool {
    let told = async {
        let mut start = [0; PREFACE.len()];
        loop {
            let length = stream.peek(&mut start).await?;
            if length == PREFACE.len() || !PREFACE.starts_with(&start[..length]) {
                return Ok(());
            }
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // To peek again does not wait for more than there is.
            sleep(VERSION_PAUSE).await;
        }
    };
    let told: Result<io::Result<()>, _> = timeout(VERSION_TIMEOUT, told).await;
    matches!(told, Ok(Ok(())))
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}
