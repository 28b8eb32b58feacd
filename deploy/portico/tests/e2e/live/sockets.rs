//! Sockets: who is let in, for how long, and what they may ask for.

use std::time::{Duration, Instant};

use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN};
use serde_json::{Value, json};

use super::clients::{Clients, PATIENCE};
use crate::{Instance, Person, in_both_shapes, rest::Call};

in_both_shapes! {
    whoever_is_refused_is_told_why,
    every_transport_carries_everything,
    what_is_open_ends_with_its_session,
    what_a_socket_asks_for_wrongly_is_refused,
}

async fn whoever_is_refused_is_told_why(portico: &Instance) {
    let mut clients = Clients::start();
    let unknown = [json!({}), json!({"token": 7}), json!({"token": "nonsense"})];
    for (index, auth) in unknown.into_iter().enumerate() {
        let client = format!("stranger {index}");
        for transport in ["polling", "websocket"] {
            clients
                .socket_as(&client, &portico.http, auth.clone(), &[transport])
                .await;
            let data = clients.expect(&client, "connect_error").await;
            assert_eq!(data, json!({"code": "UNAUTHENTICATED"}), "{client}");
            clients.close(&client).await;
        }
    }
    let ada = portico.register("ada").await;
    clients.socket("ada", &portico.http, &ada).await;
    let logout = portico.call("POST /api/v1/auth/logout").bearer(&ada);
    logout.json(json!({})).expect(200).await;
    // Now the gateway knows.
    clients.expect_end("ada", "disconnect").await;
    let auth = json!({"token": ada.token});
    clients
        .socket_as("again", &portico.http, auth, &["websocket"])
        .await;
    let data = clients.expect("again", "connect_error").await;
    assert_eq!(data, json!({"code": "TOKEN_REVOKED"}));
    let elsewhere = format!("{}/admin", portico.http);
    clients
        .socket_as("elsewhere", &elsewhere, json!({}), &["polling"])
        .await;
    assert_eq!(
        clients.expect("elsewhere", "connect_error").await,
        Value::Null
    );
}

async fn every_transport_carries_everything(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut clients = Clients::start();
    clients.socket("upgraded", &portico.http, &ada).await;
    assert_eq!(clients.transport("upgraded").await, "websocket");
    for transport in ["polling", "websocket"] {
        let auth = json!({"token": ada.token});
        clients
            .socket_as(transport, &portico.http, auth, &[transport])
            .await;
        clients.expect(transport, "connect").await;
        assert_eq!(clients.transport(transport).await, transport);
    }
    let all = ["upgraded", "polling", "websocket"];
    let project = clients.project(portico, &ada, &all).await;
    for client in all {
        clients.join(client, &project).await;
    }
    let line = format!("PATCH /api/v1/projects/{}", project["id"].as_str().unwrap());
    for number in 0..10 {
        let body = json!({"name": format!("Engine {number} ☕")});
        portico
            .call(&line)
            .bearer(&ada)
            .json(body)
            .expect(200)
            .await;
    }
    for number in 0..10 {
        let told = clients.expect_all(&all, "project:updated").await;
        assert_eq!(told["name"], format!("Engine {number} ☕"));
    }
}

async fn what_is_open_ends_with_its_session(portico: &Instance) {
    let ada = portico.register("ada").await;
    let other = portico.login(&ada.email).await;
    let mut clients = Clients::start();
    clients.socket("websocket", &portico.http, &ada).await;
    clients.transport("websocket").await;
    let auth = json!({"token": ada.token});
    clients
        .socket_as("polling", &portico.http, auth, &["polling"])
        .await;
    clients.expect("polling", "connect").await;
    clients.stream("stream", portico, &portico.http, &ada).await;
    clients.socket("other session", &portico.http, &other).await;

    let logout = portico.call("POST /api/v1/auth/logout").bearer(&ada);
    logout.json(json!({})).expect(200).await;
    let begun = Instant::now();
    for client in ["websocket", "polling", "stream"] {
        let (event, data) = if client == "stream" {
            ("error", Value::Null)
        } else {
            ("disconnect", json!("io server disconnect"))
        };
        assert_eq!(clients.expect_end(client, event).await, data, "{client}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{client}");
    }
    clients.expect("other session", "session:revoked").await;
    clients.expect_alive("other session").await;
    // The ticket was used, so the stock client gives up.
    assert_eq!(clients.expect("stream", "error").await, 401);
}

async fn what_a_socket_asks_for_wrongly_is_refused(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.register("bob").await;
    let project = portico.project(&ada, "Engine").await;
    let mut clients = Clients::start();
    clients.socket("bob", &portico.http, &bob).await;
    for (event, arguments, code) in [
        ("join:project", json!([]), "VALIDATION_FAILED"),
        ("join:project", json!([7]), "VALIDATION_FAILED"),
        (
            "join:project",
            json!([{"id": project["id"]}]),
            "VALIDATION_FAILED",
        ),
        (
            "join:project",
            json!([project["id"], 1]),
            "VALIDATION_FAILED",
        ),
        ("join:project", json!([project["id"]]), "PROJECT_NOT_FOUND"),
        ("join:project", json!(["no id"]), "PROJECT_NOT_FOUND"),
        (
            "join:project",
            json!([project["slug"]]),
            "PROJECT_NOT_FOUND",
        ),
        ("join:project", json!([bob.id]), "PROJECT_NOT_FOUND"),
        ("leave:project", json!([null]), "VALIDATION_FAILED"),
        ("auth:renew", json!([bob.token]), "VALIDATION_FAILED"),
        (
            "auth:renew",
            json!([{"token": "nonsense"}]),
            "UNAUTHENTICATED",
        ),
        ("auth:renew", json!([{"token": ada.token}]), "FORBIDDEN"),
        ("rooms", json!([]), "VALIDATION_FAILED"),
    ] {
        let answer = clients.emit("bob", event, arguments.clone()).await;
        assert_eq!(answer["success"], false, "{event} {arguments}");
        let error = answer["error"].as_object().expect("an error");
        assert_eq!(error["code"], code, "{event} {arguments}");
        assert!(error["message"].is_string() && error.len() == 2);
    }
    clients.expect_alive("bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_ends_with_its_token_unless_it_shows_another_one() {
    let settings = [("PORTICO_ACCESS_TOKEN_TTL", "6s")];
    let portico = Instance::in_one_process_with(&settings).await;
    let ada = portico.register("ada").await;
    let mut clients = Clients::start();
    clients.socket("renewed", &portico.http, &ada).await;
    clients.socket("other", &portico.http, &ada).await;
    let refresh = async |token: &Value| {
        let call = portico.call("POST /api/v1/auth/refresh");
        call.json(json!({"refreshToken": token})).expect(200).await
    };
    // Until there is a token that lasts longer.
    let begun = Instant::now();
    let mut fresh = refresh(&json!(ada.refresh_token)).await;
    while begun.elapsed() < Duration::from_secs(3) {
        fresh = refresh(&fresh["refreshToken"]).await;
    }
    let renewal = json!([{"token": fresh["token"]}]);
    let answer = clients.emit("renewed", "auth:renew", renewal).await;
    assert_eq!(answer, json!({"success": true}));
    let reason = clients.expect("other", "disconnect").await;
    assert_eq!(reason, "io server disconnect");
    clients.expect_alive("renewed").await;
    let reason = clients.expect("renewed", "disconnect").await;
    assert_eq!(reason, "io server disconnect");
    portico.stop().await;
}

/// A client without a library, by long polling.
struct Raw<'a> {
    portico: &'a Instance,
    query: String,
}

impl<'a> Raw<'a> {
    /// Opens a session of the engine.
    async fn open(portico: &'a Instance) -> Self {
        let query = "EIO=4&transport=polling".to_owned();
        let mut raw = Self { portico, query };
        let opened = raw.poll().await;
        let opened = opened[0].strip_prefix('0').expect("an open packet");
        let opened: Value = serde_json::from_str(opened).expect("JSON");
        raw.query += &format!("&sid={}", opened["sid"].as_str().expect("an id"));
        raw
    }

    /// Opens a session and signs in.
    async fn connect(portico: &'a Instance, person: &Person) -> Self {
        let raw = Self::open(portico).await;
        let auth = json!({"token": person.token});
        assert_eq!(raw.send(&format!("40{auth}")).await, 200);
        assert!(raw.poll().await[0].starts_with("40{\"sid\":"));
        raw
    }

    /// The packets that wait, without pings, which are answered.
    async fn poll(&self) -> Vec<String> {
        loop {
            let mut packets = self.poll_once().await;
            let all = packets.len();
            packets.retain(|packet| packet != "2");
            for _ in packets.len()..all {
                self.send("3").await;
            }
            if !packets.is_empty() {
                return packets;
            }
        }
    }

    async fn poll_once(&self) -> Vec<String> {
        let answer = tokio::time::timeout(PATIENCE, self.call("GET").send()).await;
        let answer = answer.expect("an answer in time");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text = match answer.body {
            Value::String(text) => text,
            other => other.to_string(),
        };
        text.split('\u{1e}').map(str::to_owned).collect()
    }

    /// Asks for the room of a project, and returns how that is acknowledged.
    async fn join(&self, project: &Value) -> String {
        let join = json!(["join:project", project["id"]]);
        assert_eq!(self.send(&format!("420{join}")).await, 200);
        loop {
            let mut packets = self.poll().await.into_iter();
            if let Some(answer) = packets.find(|packet| packet.starts_with("430")) {
                return answer;
            }
        }
    }

    /// Sends a packet, and returns the status of the answer.
    async fn send(&self, packet: &str) -> u16 {
        let call = self.call("POST").text(packet);
        call.send().await.status.as_u16()
    }

    fn call(&self, method: &str) -> Call<'_> {
        self.portico
            .call(&format!("{method} /socket.io/?{}", self.query))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_told_to_resynchronise_and_holds_up_nobody() {
    let portico = Instance::in_one_process().await;
    let ada = portico.register("ada").await;
    let slow = Raw::connect(&portico, &ada).await;
    let mut clients = Clients::start();
    clients.socket("quick", &portico.http, &ada).await;
    let project = clients.project(&portico, &ada, &["quick"]).await;
    clients.join("quick", &project).await;
    assert_eq!(slow.join(&project).await, "430[{\"success\":true}]");

    let line = format!("PATCH /api/v1/projects/{}", project["id"].as_str().unwrap());
    let changes = 300;
    for number in 0..changes {
        let body = json!({"name": format!("Engine {number}")});
        portico
            .call(&line)
            .bearer(&ada)
            .json(body)
            .expect(200)
            .await;
        clients.expect("quick", "project:updated").await;
    }
    let mut packets = Vec::new();
    while packets
        .last()
        .is_none_or(|last| last != "42[\"resync\",{}]")
    {
        packets.extend(slow.poll().await);
    }
    let changes_told = packets.len() - 1;
    assert!((1..changes).contains(&changes_told), "{changes_told}");
    // From here on it hears of everything again.
    let body = json!({"name": "Mill"});
    portico
        .call(&line)
        .bearer(&ada)
        .json(body)
        .expect(200)
        .await;
    let next = slow.poll().await;
    assert!(next[0].starts_with("42[\"project:updated\",") && next[0].contains("\"Mill\""));
    portico.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_packet_ends_the_session() {
    let portico = Instance::in_one_process().await;
    let ada = portico.register("ada").await;
    for packet in [
        "4",
        "4nonsense",
        "42[1]",
        "451-[{\"_placeholder\":true,\"num\":0}]",
        "bAAAA",
        "9",
    ] {
        let raw = Raw::connect(&portico, &ada).await;
        raw.send(packet).await;
        let answer = raw.call("POST").text("3").send().await;
        assert_eq!(answer.status, 400, "{packet}");
        assert_eq!(answer.body["message"], "Session ID unknown", "{packet}");
    }
    // Nobody gets far without saying who it is.
    let raw = Raw::open(&portico).await;
    raw.send("420[\"join:project\",\"x\"]").await;
    let answer = raw.poll().await;
    assert!(
        answer[0].starts_with("430[{\"success\":false"),
        "{answer:?}"
    );
    assert!(answer[0].contains("\"UNAUTHENTICATED\""), "{answer:?}");
    let ended = async {
        while raw.call("POST").text("3").send().await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("it ends");
    portico.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_bounded_in_everything() {
    let portico = Instance::in_one_process_with(&[
        ("PORTICO_LIVE_PER_USER", "2"),
        ("PORTICO_LIVE_PER_ADDRESS", "3"),
        ("PORTICO_LIVE_ROOMS", "1"),
        ("PORTICO_LIVE_MESSAGE_LIMIT", "1KiB"),
        ("PORTICO_LIVE_MESSAGES", "5/1h"),
    ])
    .await;
    let ada = portico.register("ada").await;
    let [one, two] = [
        portico.project(&ada, "One").await,
        portico.project(&ada, "Two").await,
    ];
    let raw = Raw::connect(&portico, &ada).await;
    assert_eq!(raw.join(&one).await, "430[{\"success\":true}]");
    assert_eq!(raw.join(&one).await, "430[{\"success\":true}]");
    let refused = raw.join(&two).await;
    assert!(
        refused.contains("RATE_LIMITED") && refused.contains("rooms"),
        "{refused}"
    );
    // With the one that signed in, these were five.
    raw.send("42[\"leave:project\",\"x\"]").await;
    let refused = raw.join(&one).await;
    assert!(
        refused.contains("RATE_LIMITED") && refused.contains("messages"),
        "{refused}"
    );
    let too_large = format!("42[\"join:project\",\"{}\"]", "x".repeat(1_024));
    assert_eq!(raw.send(&too_large).await, 413);

    // That has ended the session.
    let second = Raw::connect(&portico, &ada).await;
    let _other = Raw::connect(&portico, &ada).await;
    let third = Raw::open(&portico).await;
    let auth = json!({"token": ada.token});
    third.send(&format!("40{auth}")).await;
    let refused = third.poll().await;
    assert!(
        refused[0].starts_with("44{") && refused[0].contains("RATE_LIMITED"),
        "{refused:?}"
    );
    let fourth = portico.call("GET /socket.io/?EIO=4&transport=polling");
    fourth.refused(429, "RATE_LIMITED").await;
    let stream = portico.call("GET /api/v1/events").bearer(&ada);
    stream.refused(429, "RATE_LIMITED").await;
    // Whoever leaves makes room.
    assert_eq!(second.send("41").await, 200);
    let made = async {
        while portico
            .call("GET /socket.io/?EIO=4&transport=polling")
            .send()
            .await
            .status
            != 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("room");
    portico.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_foreign_origins_open_no_sockets() {
    let settings = [("PORTICO_CORS_ORIGINS", "https://app.example")];
    let portico = Instance::in_one_process_with(&settings).await;
    let open = "/socket.io/?EIO=4&transport=polling";
    let call = |method: &str, origin: &str| {
        let call = portico.call(&format!("{method} {open}"));
        call.header(ORIGIN.as_str(), origin)
    };
    for origin in ["https://evil.example", "null"] {
        call("GET", origin).refused(403, "ORIGIN_NOT_ALLOWED").await;
    }
    let answer = call("GET", "https://app.example").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers[ACCESS_CONTROL_ALLOW_ORIGIN],
        "https://app.example"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        call("GET", "http://localhost:8080").send().await.status,
        200
    );
    let preflight = call("OPTIONS", "https://app.example").send().await;
    assert_eq!(preflight.status, 204);
    assert_eq!(
        preflight.header("access-control-allow-methods"),
        Some("GET, OPTIONS, POST")
    );
    let answer = portico.call(&format!("PUT {open}")).send().await;
    assert_eq!(answer.header("allow"), Some("GET, OPTIONS, POST"));
    answer.error(405, "METHOD_NOT_ALLOWED");
    let no_upgrade = portico.call("GET /socket.io/?EIO=4&transport=websocket");
    no_upgrade.refused(400, "MALFORMED_REQUEST").await;
    portico.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_connected_is_sent_away_when_the_program_stops() {
    let portico = Instance::in_one_process().await;
    let ada = portico.register("ada").await;
    let mut clients = Clients::start();
    clients.socket("websocket", &portico.http, &ada).await;
    clients.transport("websocket").await;
    let auth = json!({"token": ada.token});
    clients
        .socket_as("polling", &portico.http, auth, &["polling"])
        .await;
    clients.expect("polling", "connect").await;
    clients
        .stream("stream", &portico, &portico.http, &ada)
        .await;
    let begun = Instant::now();
    portico.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    // A stock client comes back by itself unless it was told to sign in again.
    let reason = clients.expect("websocket", "disconnect").await;
    assert_eq!(reason, "transport close");
    let reason = clients.expect("polling", "disconnect").await;
    assert_ne!(reason, "io server disconnect");
    clients.expect("stream", "error").await;
}
