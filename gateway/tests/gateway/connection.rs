//! Connections: clients that go away or are slow, services that are away or
//! slow, and the end of the process.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portico_chassis::{clock::Clock, serve::Readiness, token::ServiceIdentity, upstream::Upstream};
use portico_proto::projects;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};

use crate::{
    client::Answer,
    fixture::{Gateway, config},
    services::{Reply, Services},
};

const SOON: Duration = Duration::from_secs(5);

async fn waits_for_ever(gateway: &Gateway) -> mpsc::UnboundedReceiver<()> {
    let (gone, is_gone) = mpsc::unbounded_channel();
    gateway.services.reply("GetProject", Reply::Never(gone));
    is_gone
}

/// Sends a request whose answer is not waited for.
async fn ask(gateway: &Gateway) -> TcpStream {
    let token = gateway.member();
    let mut stream = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    let request = format!(
        "GET /api/v1/projects/p HTTP/1.1\r\nhost: portico\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    stream
}

async fn until_asked(gateway: &Gateway) {
    while gateway.services.asked().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_call() {
    let gateway = Gateway::start().await;
    let mut is_gone = waits_for_ever(&gateway).await;
    let stream = ask(&gateway).await;
    until_asked(&gateway).await;
    assert!(is_gone.try_recv().is_err());
    drop(stream);
    let gone = tokio::time::timeout(SOON, is_gone.recv())
        .await
        .expect("soon");
    assert_eq!(gone, Some(()));
    let text = gateway.metrics.text();
    assert!(text.contains("http_response_status_code=\"499\""), "{text}");
    assert!(text.contains("http_server_active_requests 0"), "{text}");
}

#[tokio::test]
async fn a_client_that_resets_its_stream_ends_the_call() {
    let gateway = Gateway::start().await;
    let mut is_gone = waits_for_ever(&gateway).await;
    let mut sender = http2(&gateway).await;
    let answer = sender.send_request(http2_request(&gateway, "/api/v1/projects/p"));
    let asked = async {
        tokio::select! {
            _ = answer => panic!("answered"),
            () = until_asked(&gateway) => {}
        }
    };
    asked.await;
    let gone = tokio::time::timeout(SOON, is_gone.recv())
        .await
        .expect("soon");
    assert_eq!(gone, Some(()));
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable() {
    let identity = ServiceIdentity::new("gateway", b"a secret of tests", Clock::system());
    let target = "http://127.0.0.1:1".parse().expect("a target");
    let upstream = Upstream::remote(target, None, Arc::new(identity), Arc::new(HashSet::new()));
    let gateway = Gateway::over(
        config(&[]),
        Services::default(),
        upstream,
        Readiness::new(vec![], vec![]),
    );
    let gateway = gateway.await;
    let token = gateway.member();
    let answer = gateway
        .get("/api/v1/projects/p")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.failure(), (503, "SERVICE_UNAVAILABLE".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_slow_is_given_up() {
    let gateway = Gateway::start().await;
    let mut is_gone = waits_for_ever(&gateway).await;
    let answer = Answer::read(&mut ask(&gateway).await).await;
    assert_eq!(answer.failure(), (504, "DEADLINE_EXCEEDED".to_owned()));
    assert_eq!(is_gone.recv().await, Some(()));
}

#[tokio::test]
async fn a_fault_in_one_request_leaves_the_connection_alone() {
    let gateway = Gateway::start().await;
    gateway.services.reply("GetProject", Reply::Panic);
    let mut sender = http2(&gateway).await;
    let failed = sender.send_request(http2_request(&gateway, "/api/v1/projects/p"));
    assert_eq!(failed.await.expect("an answer").status(), 500);
    let next = sender.send_request(http2_request(&gateway, "/health"));
    assert_eq!(next.await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn before_a_stop_each_answer_is_the_last_on_its_connection() {
    let services = Services::default();
    let upstream = services.upstream();
    let readiness = Readiness::new(vec![], vec![]);
    let gateway = Gateway::over(config(&[]), services, upstream, readiness.clone()).await;
    let mut connection = TcpStream::connect(gateway.address)
        .await
        .expect("it listens");
    let request = b"GET /livez HTTP/1.1\r\nhost: portico\r\n\r\n";
    connection.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        connection.read_buf(&mut answer).await.expect("answered");
    }
    readiness.stop();
    connection
        .write_all(request)
        .await
        .expect("it is still open");
    let mut last = String::new();
    connection.read_to_string(&mut last).await.expect("it ends");
    assert!(last.starts_with("HTTP/1.1 200 "), "{last}");
    assert!(last.contains("\r\nconnection: close\r\n"), "{last}");
    // HTTP/2 tells in its own way, when the time has come.
    let mut sender = http2(&gateway).await;
    let answer = sender.send_request(http2_request(&gateway, "/livez")).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers().get("connection"), None);
}

#[tokio::test]
async fn http_2_is_served_on_the_same_port() {
    let gateway = Gateway::start().await;
    let project = projects::Project {
        name: "Engine".into(),
        ..projects::Project::default()
    };
    gateway
        .services
        .reply("GetProject", Reply::message(&project));
    let mut sender = http2(&gateway).await;
    let answer = sender
        .send_request(http2_request(&gateway, "/api/v1/projects/p"))
        .await;
    let body = answer
        .expect("an answer")
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(json["data"]["name"], "Engine");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_too_slow_is_cut_off() {
    let gateway = Gateway::start().await;
    for beginning in ["", "GET / HTTP/1.1\r\nhost: por", "P", "PRI * HTTP/2.0\r\n"] {
        let mut stream = TcpStream::connect(gateway.address)
            .await
            .expect("connected");
        stream
            .write_all(beginning.as_bytes())
            .await
            .expect("written");
        let mut rest = Vec::new();
        // It ends, one way or the other: what was not read makes it a reset.
        let _ = stream.read_to_end(&mut rest).await;
    }
}

#[tokio::test]
async fn requests_in_progress_are_answered_after_a_stop() {
    let gateway = Gateway::start().await;
    let project = Reply::message(&projects::Project::default());
    let late = Reply::Late(Duration::from_millis(200), Box::new(project));
    gateway.services.reply("GetProject", late);
    let mut stream = ask(&gateway).await;
    until_asked(&gateway).await;
    gateway.stop.cancel();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
    gateway.served.await.expect("no panic").expect("served");
    assert!(TcpStream::connect(gateway.address).await.is_err());
}

#[tokio::test]
async fn connections_that_rest_do_not_delay_a_stop() {
    let gateway = Gateway::start().await;
    let mut stream = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: portico\r\n\r\n")
        .await
        .expect("written");
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.expect("an answer");
    let silent = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    let started = Instant::now();
    gateway.stop.cancel();
    gateway.served.await.expect("no panic").expect("served");
    assert!(started.elapsed() < Duration::from_secs(2));
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_a_bounded_time() {
    let gateway = Gateway::start().await;
    // Slower than the grace time, though no service may be: a client that does
    // not read counts as well.
    let mut stream = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: ")
        .await
        .expect("written");
    tokio::task::yield_now().await;
    gateway.stop.cancel();
    gateway.served.await.expect("no panic").expect("served");
}

pub(crate) type Sender = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

pub(crate) async fn http2(gateway: &Gateway) -> Sender {
    let stream = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

pub(crate) fn http2_request(gateway: &Gateway, path: &str) -> http::Request<Empty<Bytes>> {
    http::Request::get(format!("http://{}{path}", gateway.address))
        .header("authorization", format!("Bearer {}", gateway.member()))
        .body(Empty::new())
        .expect("a request")
}
