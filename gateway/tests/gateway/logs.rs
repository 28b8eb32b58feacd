//! What the log says of requests, and what it never says.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use portico_proto::auth;
use tracing_subscriber::fmt::MakeWriter;

use crate::{fixture::Gateway, services::Reply};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("lock").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_request_has_one_line_without_secrets() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // For all threads: a subscriber of one thread misses callsites that another
    // has met before. So the log has lines of other tests, too.
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    let gateway = Gateway::start().await;
    let reply = Reply::with(
        &auth::LoginResponse {
            token: Some("fresh-token".into()),
            ..auth::LoginResponse::default()
        },
        &[("portico-refresh-cookie", "60 cookie-secret")],
    );
    gateway.services.reply("Login", reply);
    let token = gateway.member();
    let request = gateway.post("/api/v1/auth/login").bearer(&token);
    let request = request
        .header("x-request-id", "log-1")
        .header("cookie", "portico_refresh=old-secret");
    let answer = request
        .json("{\"email\":\"ada@example.org\",\"password\":\"hunter22\"}")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    gateway
        .get("/api/v1/auth/me?access_token=query-secret")
        .send()
        .await;
    let unknown = Reply::failure(portico_chassis::caller::unauthenticated);
    gateway.services.reply("RedeemEventsTicket", unknown);
    let stream = gateway.get("/api/v1/events?ticket=ticket-secret");
    assert_eq!(stream.send().await.status, 401);

    let lines = log.lines();
    let answered: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &serde_json::Value| line["message"] == "answered")
        .filter(|line| line["span"]["request_id"] == "log-1")
        .collect();
    assert_eq!(answered.len(), 1, "{answered:#?}");
    let (line, span) = (&answered[0], &answered[0]["span"]);
    assert_eq!(
        (&line["level"], &line["status"]),
        (&"INFO".into(), &200.into())
    );
    assert_eq!(line["user_id"].as_str().expect("a person").len(), 36);
    assert!(line["duration_ms"].is_f64());
    assert_eq!(span["http.request.method"], "POST");
    assert_eq!(span["url.path"], "/api/v1/auth/login");
    assert_eq!(span["http.route"], "/api/v1/auth/login");
    assert_eq!(span["request_id"], "log-1");
    assert_eq!(span["trace_id"].as_str().expect("a trace").len(), 32);
    for secret in [
        &token,
        "hunter22",
        "fresh-token",
        "cookie-secret",
        "old-secret",
        "query-secret",
        "ticket-secret",
    ] {
        assert!(!lines.concat().contains(secret), "{secret}");
    }
}
