//! Answers that are streams: a message a line, as they come.

use std::{
    io::Read as _,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use http_body::Frame;
use http_body_util::BodyExt as _;
use portico_chassis::status::{Error, Kind};
use portico_proto::{
    auth::ExportAuditEntriesRequest,
    events::{self, AuditEntry, audit_entry::Target},
    wkt,
};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};

use crate::{
    client::Answer,
    connection::{http2, http2_request},
    fixture::Gateway,
    services::{Reply, failure, framed, success},
};

const EXPORT: &str = "/api/v1/audit-log/export";

fn entry(number: u32) -> AuditEntry {
    AuditEntry {
        id: format!("{number}"),
        created_at: Some(wkt::Timestamp {
            seconds: 1_700_000_000,
            nanos: 0,
        }),
        actor: Some(events::Actor {
            r#type: events::actor::Type::System.into(),
            id: None,
            name: None,
        }),
        action: "project.\n\"updated\"".to_owned(),
        target: Some(Target {
            r#type: "project".to_owned(),
            id: "p".to_owned(),
        }),
        ip: None,
        request_id: "r".to_owned(),
        details: Some(wkt::Struct::default()),
    }
}

/// An entry as it comes from the service.
fn piece(number: u32) -> Bytes {
    framed(entry(number).encode_to_vec().into())
}

fn line(number: u32) -> Value {
    json!({
        "id": number.to_string(),
        "createdAt": "2023-11-14T22:13:20.000Z",
        "actor": {"type": "SYSTEM", "id": null, "name": null},
        "action": "project.\n\"updated\"",
        "target": {"type": "project", "id": "p"},
        "ip": null,
        "requestId": "r",
        "details": {},
    })
}

/// What the service answers from now on.
fn reply(
    gateway: &Gateway,
    frames: impl Fn() -> BoxStream<'static, Frame<Bytes>> + Send + Sync + 'static,
) {
    let frames = Reply::Frames(Arc::new(frames));
    gateway.services.reply("ExportAuditEntries", frames);
}

fn all(frames: Vec<Frame<Bytes>>) -> BoxStream<'static, Frame<Bytes>> {
    stream::iter(frames).boxed()
}

async fn export(gateway: &Gateway) -> Answer {
    let token = gateway.admin();
    gateway.get(EXPORT).bearer(&token).send().await
}

fn lines(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).expect("text");
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let parse = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn each_message_is_a_line_however_it_comes() {
    let gateway = Gateway::start().await;
    reply(&gateway, || {
        let wire = [piece(1), piece(2), piece(3)].concat();
        let mut frames: Vec<_> = wire
            .chunks(7)
            .map(|piece| Frame::data(Bytes::copy_from_slice(piece)))
            .collect();
        frames.push(success());
        all(frames)
    });
    let token = gateway.admin();
    let path = format!("{EXPORT}?action=project.&since=2023-11-14T22:13:20Z");
    let answer = gateway.get(&path).bearer(&token).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert!(answer.header("x-request-id").is_some());
    assert_eq!(lines(&answer.body), [line(1), line(2), line(3)]);
    let asked = gateway.services.only();
    assert!(!asked.metadata.contains_key("grpc-timeout"));
    let request = ExportAuditEntriesRequest::decode(asked.message).expect("a message");
    assert_eq!(request.action.as_deref(), Some("project."));
    assert_eq!(request.since.expect("a time").seconds, 1_700_000_000);
}

#[tokio::test]
async fn a_stream_without_messages_is_an_empty_body() {
    let gateway = Gateway::start().await;
    reply(&gateway, || all(vec![success()]));
    let answer = export(&gateway).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
}

#[tokio::test]
async fn a_failure_before_the_first_message_is_an_ordinary_one() {
    let gateway = Gateway::start().await;
    let refusal = || Error::new(Kind::Unavailable, "SERVICE_UNAVAILABLE", "Not now.");
    for frames in [
        Reply::failure(refusal),
        Reply::Frames(Arc::new(move || all(vec![failure(refusal())]))),
        // Cut off.
        Reply::Frames(Arc::new(|| all(Vec::new()))),
    ] {
        gateway.services.reply("ExportAuditEntries", frames);
        let answer = export(&gateway).await;
        assert_eq!(answer.failure(), (503, "SERVICE_UNAVAILABLE".to_owned()));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

/// A connection on which the export was asked for.
async fn asked_for(gateway: &Gateway) -> TcpStream {
    let token = gateway.admin();
    let mut stream = TcpStream::connect(gateway.address)
        .await
        .expect("connected");
    let request = format!(
        "GET {EXPORT} HTTP/1.1\r\nhost: portico\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    stream
}

/// What the service answers from now on: the frames that are sent here.
fn reply_as_sent(gateway: &Gateway) -> mpsc::UnboundedSender<Frame<Bytes>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Mutex::new(Some(receiver));
    reply(gateway, move || {
        let receiver = receiver.lock().expect("lock").take();
        let receiver = receiver.expect("asked once");
        let next = async |mut receiver: mpsc::UnboundedReceiver<_>| {
            receiver.recv().await.map(|frame| (frame, receiver))
        };
        stream::unfold(receiver, next).boxed()
    });
    sender
}

#[tokio::test]
async fn a_failure_on_the_way_breaks_the_answer_off() {
    let gateway = Gateway::start().await;
    let sender = reply_as_sent(&gateway);
    sender.send(Frame::data(piece(1))).expect("sent");
    let mut stream = asked_for(&gateway).await;
    let mut bytes = Vec::new();
    let has_line = |bytes: &[u8]| bytes.windows(3).any(|end| end == b"}\n\r");
    while !has_line(&bytes) {
        stream.read_buf(&mut bytes).await.expect("a line");
    }
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
    let broken = failure(Error::unavailable("a peer is down"));
    sender.send(broken).expect("sent");
    // Closed one way or another.
    let _ = stream.read_to_end(&mut bytes).await;
    // Without the chunk that would be the end.
    assert!(!bytes.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn a_failure_on_the_way_resets_the_stream_of_http_2() {
    let gateway = Gateway::start().await;
    let sender = reply_as_sent(&gateway);
    sender.send(Frame::data(piece(1))).expect("sent");
    let mut connection = http2(&gateway).await;
    let mut request = http2_request(&gateway, EXPORT);
    let token = format!("Bearer {}", gateway.admin());
    let headers = request.headers_mut();
    headers.insert("authorization", token.parse().expect("a header"));
    let answer = connection.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let first = body.frame().await.expect("a frame").expect("data");
    assert_eq!(lines(&first.into_data().expect("data")), [line(1)]);
    let broken = failure(Error::unavailable("a peer is down"));
    sender.send(broken).expect("sent");
    assert!(body.frame().await.expect("an end").is_err());
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_stream() {
    let gateway = Gateway::start().await;
    let (gone, mut is_gone) = mpsc::unbounded_channel::<()>();
    reply(&gateway, move || {
        // Dropped with the stream.
        let gone = gone.clone();
        stream::repeat_with(move || {
            let _ = &gone;
            Frame::data(piece(1))
        })
        .boxed()
    });
    let mut stream = asked_for(&gateway).await;
    let mut beginning = [0; 64];
    stream.read_exact(&mut beginning).await.expect("an answer");
    drop(stream);
    // The last sender but the one that makes streams.
    gateway
        .services
        .reply("ExportAuditEntries", Reply::Raw(Bytes::new()));
    assert_eq!(is_gone.recv().await, None);
}

#[tokio::test]
async fn head_asks_for_no_more_than_the_beginning() {
    let gateway = Gateway::start().await;
    reply(&gateway, || {
        stream::repeat_with(|| Frame::data(piece(1))).boxed()
    });
    let token = gateway.admin();
    let head = gateway.request("HEAD", EXPORT).bearer(&token).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(head.header("content-length"), None);
}

#[tokio::test]
async fn a_client_that_takes_no_lines_is_told_so() {
    let gateway = Gateway::start().await;
    reply(&gateway, || all(vec![success()]));
    let token = gateway.admin();
    let ask = async |accept: &str| {
        let request = gateway.get(EXPORT).bearer(&token);
        request.header("accept", accept).send().await
    };
    for accept in ["application/x-ndjson", "*/*", "application/json, */*;q=0.1"] {
        assert_eq!(ask(accept).await.status, 200, "{accept}");
    }
    for accept in ["application/json", "text/html", "application/x-ndjson;q=0"] {
        let answer = ask(accept).await;
        assert_eq!(answer.failure(), (406, "NOT_ACCEPTABLE".to_owned()));
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("application/x-ndjson"), "{message}");
    }
}

#[tokio::test]
async fn lines_are_compressed_for_a_client_that_asks() {
    let gateway = Gateway::start().await;
    reply(&gateway, || {
        let frames = (0..100).map(|number| Frame::data(piece(number)));
        all(frames.chain([success()]).collect())
    });
    let token = gateway.admin();
    let request = gateway.get(EXPORT).bearer(&token);
    let answer = request.header("accept-encoding", "gzip").send().await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut plain = Vec::new();
    let mut decoder = GzDecoder::new(&*answer.body);
    decoder.read_to_end(&mut plain).expect("gzip");
    assert!(answer.body.len() < plain.len() / 5);
    let expected: Vec<_> = (0..100).map(line).collect();
    assert_eq!(lines(&plain), expected);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_begin_is_given_up() {
    let gateway = Gateway::start().await;
    reply(&gateway, || stream::pending().boxed());
    let answer = Answer::read(&mut asked_for(&gateway).await).await;
    assert_eq!(answer.failure(), (504, "DEADLINE_EXCEEDED".to_owned()));
}
