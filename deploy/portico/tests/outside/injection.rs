//! Texts that pretend to be more than a value: lines of the log, headers of an
//! answer or of a mail, commands to a terminal (ASVS 5.0, 16.4.1). They are sent
//! as bytes, as no client library would.

use portico_chassis::clock::fill_random;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Plan, Rest, mails::server::Server, program::PATIENCE, rest::PASSWORD};

/// What a forged line would begin with.
const FORGED: &str = "forged-by-a-stranger";

/// Ends of lines and commands of terminals, each before what would be a line of
/// its own.
const BREAKS: [&str; 10] = [
    "\r\n",
    "\n",
    "\r",
    "\u{0}",
    "\u{b}",
    "\u{1b}[2K\u{1b}[1G",
    "\u{1b}]0;title\u{7}",
    "\u{85}",
    "\u{9b}31m",
    "\u{2028}",
];

/// Sends these bytes, and answers everything that comes back.
async fn exchange(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // Refused early, it may be closed before all is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request with one line of its own and a body.
fn request(first: &str, header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The names of the headers of an answer, or of several on one connection.
fn header_names(answer: &str) -> Vec<String> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let lines = head.lines().skip(1);
    let names = lines.map(|line| line.split(':').next().unwrap_or_default());
    names.map(str::to_lowercase).collect()
}

/// What was answered is one answer, with no header that was smuggled in.
fn is_whole(answer: &str, what: &str) {
    for name in header_names(answer) {
        assert!(!name.contains(FORGED), "{what}: {answer}");
        assert_ne!(name, "set-cookie", "{what}: {answer}");
    }
    let answers = answer.matches("HTTP/1.1 ").count();
    assert!(answers <= 2, "{what}: {answer}");
}

/// Puts each break into everything that a stranger and somebody signed in may
/// say.
async fn say_everything(address: &str, token: &str) {
    for text in BREAKS.map(|end| format!("x{end}{FORGED}: x")) {
        for name in [
            "User-Agent",
            "X-Request-Id",
            "traceparent",
            "tracestate",
            "X-Forwarded-For",
            "Origin",
            "Referer",
            "Cookie",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "Accept",
            "Accept-Encoding",
            "Authorization",
            "Last-Event-ID",
        ] {
            let header = format!("{name}: {text}\r\n");
            let first = "POST /api/v1/auth/login";
            let answer = exchange(address, &request(first, &header, "{}")).await;
            is_whole(&answer, name);
        }
        let encoded = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        });
        let encoded: String = encoded.collect();
        for place in [&text, &encoded] {
            for first in [
                format!("GET /api/v1/{place}"),
                format!("GET /api/v1/users/{place}"),
                format!("GET /api/v1/projects?q={place}"),
                format!("GET /api/v1/events?ticket={place}"),
                format!("GET /{place}"),
                format!("GET /socket.io/?EIO=4&transport={place}"),
                format!("{place} /api/v1/auth/me"),
            ] {
                let header = format!("Authorization: Bearer {token}\r\n");
                let answer = exchange(address, &request(&first, &header, "")).await;
                is_whole(&answer, &first);
            }
        }
        for (path, body) in [
            ("auth/login", json!({"email": text, "password": text})),
            (
                "auth/register",
                json!({"email": text, "password": PASSWORD, "name": text}),
            ),
            ("auth/password/forgot", json!({"email": text})),
            ("auth/refresh", json!({"refreshToken": text})),
            ("auth/email/verify", json!({"token": text})),
            (
                "auth/mfa/challenge",
                json!({"mfaToken": text, "code": text}),
            ),
            ("auth/api-keys", json!({"name": text, "scopes": [text]})),
            (
                "projects",
                json!({"name": text, "description": text, "slug": text}),
            ),
            ("projects", json!({"name": "x", (text): "x"})),
        ] {
            let header = format!("Authorization: Bearer {token}\r\n");
            let first = format!("POST /api/v1/{path}");
            let answer = exchange(address, &request(&first, &header, &body.to_string())).await;
            is_whole(&answer, &first);
        }
        let form = format!("grant_type={encoded}&client_id={encoded}&client_secret={encoded}");
        let rest = Rest::new(&format!("http://{address}"));
        let answer = rest.form("/oauth2/token", &form).await;
        assert!((400..500).contains(&answer.status));
    }
}

async fn nothing_forges_a_line(format: &str) {
    let mut plan = Plan::in_one_process();
    plan.set("PORTICO_LOG_FORMAT", format);
    plan.set("RUST_LOG", "trace");
    let mut installation = plan.start().await;
    let (_, ada) = installation.rest.register("ada").await;
    let address = plan.http().trim_start_matches("http://").to_owned();
    say_everything(&address, ada.token()).await;
    let mut program = installation.take("dev");
    program.signal("TERM").await;
    assert!(program.end().await.success());
    let log = program.output();
    assert!(log.contains(FORGED), "paths are logged");
    for line in log.lines() {
        let strange = |letter: char| letter.is_control() && letter != '\t' || letter == '\u{2028}';
        assert!(!line.contains(strange), "{line:?}");
        assert!(!line.trim_start().starts_with(FORGED), "{line}");
        if format == "json" && line.contains(FORGED) {
            let line: Value = serde_json::from_str(line).expect("one object a line");
            assert!(line["timestamp"].is_string() && line["level"].is_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_said_forges_a_readable_line_of_the_log() {
    nothing_forges_a_line("pretty").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_said_forges_a_line_of_the_log_in_json() {
    nothing_forges_a_line("json").await;
}

/// What may stand in a name and looks like more in a mail: quotes, encoded words
/// (RFC 2047) with ends of lines in them, and other headers.
const NAMES: [&str; 5] = [
    "Eve\" <eve@example.com>, \"",
    "=?utf-8?q?Eve=0D=0ABcc:_eve@example.com?=",
    "=?utf-8?b?RXZlDQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
    "Eve %0d%0aBcc: eve@example.com",
    "Ève ✉ <script>alert(1)</script> \u{202e}gpj.exe",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_adds_a_header_or_a_receiver_to_a_mail() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::in_one_process();
    let sink = server.address().await;
    plan.set("PORTICO_SMTP_URL", &format!("smtp://{sink}"));
    plan.set("PORTICO_MAIL_FROM", "Portico <no-reply@portico.example>");
    let installation = plan.start().await;
    let rest = &installation.rest;
    for (place, name) in NAMES.into_iter().enumerate() {
        let email = format!("inviter-{place}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        let made = rest.post("/api/v1/auth/register", body).await;
        let inviter = rest.with_token(made["token"].as_str().expect("a token"));
        let project = inviter.post("/api/v1/projects", json!({"name": name}));
        let project = project.await;
        let path = format!(
            "/api/v1/projects/{}/invitations",
            project["id"].as_str().expect("an id")
        );
        let guest = format!("guest-{place}@example.com");
        inviter
            .post(&path, json!({"email": guest, "role": "MEMBER"}))
            .await;
        for to in [email, guest.clone()] {
            let mail = server.mail(&to).await;
            let headers = mail["headers"].as_object().expect("headers");
            let mut names: Vec<&str> = headers.keys().map(String::as_str).collect();
            names.sort_unstable();
            let expected = [
                "auto-submitted",
                "content-type",
                "date",
                "from",
                "message-id",
                "mime-version",
                "subject",
                "to",
            ];
            assert_eq!(names, expected, "{name}");
            assert_eq!(headers["to"], json!(to));
            assert_eq!(headers["from"], "Portico <no-reply@portico.example>");
            let subject = headers["subject"].as_str().expect("a subject");
            assert!(!subject.contains(['\r', '\n']), "{subject:?}");
            if to == guest {
                // What is read is what was typed, and nothing that it stands for.
                // No program takes an address in it for a link.
                let read = subject.replace('\u{2060}', "");
                let name = name.replace('\u{202e}', "");
                assert_eq!(read, format!("{name} invites you to {name}"));
                let html = mail["html"].as_str().expect("a page");
                assert!(!html.contains("<script"), "{html}");
            }
        }
        assert!(server.mails_to("eve@example.com").is_empty());
    }
    installation.stop().await;
}

/// The program that a session names is what the client says, and no more: it is
/// kept for people to read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_keeps_no_command_of_its_client() {
    let plan = Plan::in_one_process();
    let installation = plan.start().await;
    let (_, ada) = installation.rest.register("ada").await;
    let address = plan.http().trim_start_matches("http://").to_owned();
    let body = json!({"email": "ada@example.com", "password": PASSWORD}).to_string();
    let mut random = [0; 2000];
    fill_random(&mut random);
    for agent in [
        b"browser \x1b[2J".to_vec(),
        b"browser\t<script>alert(1)</script>".to_vec(),
        "browser \u{9b}31m \u{202e}".into(),
        [b"long ".to_vec(), vec![b'x'; 5000]].concat(),
        random
            .into_iter()
            .filter(|byte| !b"\r\n\0".contains(byte))
            .collect(),
    ] {
        let mut head = b"User-Agent: ".to_vec();
        head.extend(agent);
        head.extend(b"\r\n");
        let mut whole = request("POST /api/v1/auth/login", "", &body);
        let place = whole.windows(2).position(|two| two == b"\r\n");
        let place = place.expect("a first line") + 2;
        whole.splice(place..place, head);
        let answer = exchange(&address, &whole).await;
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        is_whole(&answer, "a program");
    }
    let sessions = ada.get("/api/v1/auth/sessions?limit=100").await;
    for session in sessions.as_array().expect("a list") {
        let agent = session["userAgent"].as_str().unwrap_or_default();
        assert!(agent.chars().count() <= 256, "{agent}");
        assert!(!agent.contains(char::is_control), "{agent:?}");
    }
    installation.stop().await;
}
