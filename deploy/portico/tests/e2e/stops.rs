//! A stop waits for requests, and for nobody who has asked for nothing.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Instance;

/// Less than what requests in progress are given.
const SOON: Duration = Duration::from_secs(10);

/// Connections to each port on which not a byte was sent: of a client that
/// keeps some ready, or was stopped while it connected.
async fn silent(portico: &Instance) -> Vec<TcpStream> {
    let mut urls: Vec<String> = portico.grpc.values().cloned().collect();
    urls.extend([portico.http.clone(), portico.admin()]);
    let mut streams = Vec::new();
    for url in urls {
        let (_, address) = url.split_once("://").expect("a URL");
        streams.push(TcpStream::connect(address).await.expect("it listens"));
    }
    // Whoever is answered was met after those who are silent.
    portico.admin_person().await;
    streams
}

async fn stops_soon(portico: Instance) {
    let streams = silent(&portico).await;
    let begun = Instant::now();
    portico.stop().await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    drop(streams);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_waits_for_nobody_who_is_silent() {
    stops_soon(Instance::in_one_process().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn separate_roles_wait_for_nobody_who_is_silent() {
    stops_soon(Instance::as_separate_roles().await).await;
}
