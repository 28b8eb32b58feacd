//! Whole requests, from the bytes on a client's connection to those that come
//! back.

use anyhow::Context as _;
use portico_chassis::telemetry::{self, LogFormat};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Work,
    gateway::{self, Place},
    token::runtime,
};

const READ: &str = "GET /api/v1/projects/01a202fe-5fd4-7b48-b103-f268bea9e40c HTTP/1.1";
const CREATE: &str = "POST /api/v1/projects HTTP/1.1";
const CREATED: &str = r#"{"name":"Apollo 11","description":"To the moon, and back before the decade is out","visibility":"PRIVATE"}"#;

pub(super) fn read_local(_: u32) -> anyhow::Result<Work> {
    ask(Place::Local, READ, None)
}

pub(super) fn read_remote(_: u32) -> anyhow::Result<Work> {
    ask(Place::Remote, READ, None)
}

pub(super) fn create_local(_: u32) -> anyhow::Result<Work> {
    ask(Place::Local, CREATE, Some(CREATED))
}

/// Sends one request again and again, as a browser or a program would.
fn ask(place: Place, line: &str, body: Option<&str>) -> anyhow::Result<Work> {
    telemetry::init("gateway", LogFormat::Json, "info", false)?;
    let runtime = runtime()?;
    let (mut client, request) = runtime.block_on(async {
        let (address, token) = gateway::serve(place).await?;
        let client = TcpStream::connect(address).await?;
        client.set_nodelay(true)?;
        anyhow::Ok((client, request(line, &token, body)))
    })?;
    let mut answer = vec![0; 8192];
    Ok(Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                client.write_all(request.as_bytes()).await?;
                receive(&mut client, &mut answer).await?;
            }
            Ok(())
        })
    }))
}

fn request(line: &str, token: &str, body: Option<&str>) -> String {
    let mut text = format!(
        "{line}\r\n\
         host: localhost:8080\r\n\
         authorization: Bearer {token}\r\n\
         accept: application/json\r\n\
         accept-encoding: gzip, deflate, br\r\n\
         user-agent: portico-budgets/1.0\r\n"
    );
    if let Some(body) = body {
        let length = body.len();
        text += &format!(
            "content-type: application/json\r\n\
             content-length: {length}\r\n\
             idempotency-key: 5fd47b48b103f268\r\n"
        );
    }
    text + "\r\n" + body.unwrap_or_default()
}

/// Reads an answer, which has to be a success in an envelope.
async fn receive(client: &mut TcpStream, answer: &mut [u8]) -> anyhow::Result<()> {
    let mut length = 0;
    while !answer[..length].ends_with(b"\"}}") {
        let read = client.read(&mut answer[length..]).await?;
        anyhow::ensure!(read > 0, "the gateway went away");
        length += read;
    }
    let is_success = answer.starts_with(b"HTTP/1.1 20");
    is_success.then_some(()).with_context(|| {
        let text = String::from_utf8_lossy(&answer[..length]);
        format!("the gateway answered {text}")
    })
}
