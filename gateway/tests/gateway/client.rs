//! A client that sends exactly what a test says, right or wrong.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A request to be sent.
pub(crate) struct Request {
    address: SocketAddr,
    head: String,
    body: Vec<u8>,
    has_length: bool,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self {
            address,
            head: format!("{method} {path} HTTP/1.1\r\nhost: portico\r\nconnection: close\r\n"),
            body: Vec::new(),
            has_length: true,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A body that calls itself JSON.
    pub(crate) fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// A body in chunks, whose length is not announced.
    pub(crate) fn chunked(mut self) -> Self {
        let mut chunks = Vec::new();
        for chunk in self.body.chunks(1000) {
            chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunks.extend_from_slice(chunk);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\n\r\n");
        self.body = chunks;
        self.has_length = false;
        self.header("transfer-encoding", "chunked")
    }

    /// States the lengths itself, among its headers.
    pub(crate) fn without_length(mut self) -> Self {
        self.has_length = false;
        self
    }

    /// Sends it and waits for the answer.
    pub(crate) async fn send(mut self) -> Answer {
        if self.has_length && !self.body.is_empty() {
            let length = self.body.len().to_string();
            self = self.header("content-length", &length);
        }
        let mut bytes = (self.head + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        // A server may answer, and close, before it has read everything.
        let _ = stream.write_all(&bytes).await;
        Answer::read(&mut stream).await
    }
}

impl Answer {
    /// Reads until the server closes the connection.
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).expect("a head");
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self {
            status: status.parse().expect("a number"),
            headers,
            body: bytes[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = dechunk(&answer.body);
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(other, _)| other == name);
        named.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    /// The status, and the code of the failure.
    pub(crate) fn failure(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(json["success"], false, "{json}");
        assert_eq!(
            json["meta"]["requestId"],
            self.header("x-request-id").expect("an id")
        );
        let code = json["error"]["code"].as_str().expect("a code");
        (self.status, code.to_owned())
    }

    /// The fields at fault, with their codes.
    pub(crate) fn violations(&self) -> Vec<(String, String)> {
        assert_eq!(
            self.failure(),
            (400, "VALIDATION_FAILED".to_owned()),
            "{}",
            self.json()
        );
        let json = self.json();
        let details = json["error"]["details"].as_array().expect("details");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        details
            .iter()
            .map(|detail| (text(&detail["field"]), text(&detail["code"])))
            .collect()
    }
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = bytes
            .windows(2)
            .position(|window| window == b"\r\n")
            .expect("a chunk");
        let size = std::str::from_utf8(&bytes[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 2 + size + 2..];
    }
}
