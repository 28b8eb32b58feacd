//! Stock clients of live changes: `socket.io-client` and `eventsource` from npm,
//! in one process of Node.js for all clients of a test.

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    process::Stdio,
    time::Duration,
};

use portico_chassis::config::Env;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Instance, Person};

/// How long anything here may take, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The picture of whoever has changed itself here.
pub(crate) const AVATAR: &str = "https://example.com/avatar.png";

/// All clients of a test.
pub(crate) struct Clients {
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// What has come of each that was not looked at yet.
    heard: HashMap<String, VecDeque<(String, Value)>>,
    _node: Child,
}

impl Clients {
    pub(crate) fn start() -> Self {
        let modules = Env::of_process().text("PORTICO_TEST_NODE_MODULES");
        let modules = modules.expect("run the tests by .ci/with-services");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/live/clients.cjs");
        let mut node = Command::new("node")
            .arg(script)
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let stdout = node.stdout.take().expect("it is piped");
        Self {
            stdin: node.stdin.take().expect("it is piped"),
            lines: BufReader::new(stdout).lines(),
            heard: HashMap::new(),
            _node: node,
        }
    }

    /// Connects a client of Socket.IO to a gateway, as a person.
    pub(crate) async fn socket(&mut self, client: &str, http: &str, person: &Person) {
        let auth = json!({"token": person.token});
        self.socket_as(client, http, auth, &["polling", "websocket"])
            .await;
        self.expect(client, "connect").await;
    }

    /// Tries to connect a client of Socket.IO.
    pub(crate) async fn socket_as(
        &mut self,
        client: &str,
        http: &str,
        auth: Value,
        transports: &[&str],
    ) {
        let action = json!({
            "do": "socket", "client": client, "url": http, "auth": auth, "transports": transports,
        });
        self.act(action).await;
    }

    /// Opens the stream at a gateway, by a ticket.
    pub(crate) async fn stream(
        &mut self,
        client: &str,
        portico: &Instance,
        http: &str,
        person: &Person,
    ) {
        let ticket = portico.call("POST /api/v1/events/ticket").bearer(person);
        let ticket = ticket.expect(200).await;
        let ticket = ticket["ticket"].as_str().expect("a ticket");
        let url = format!("{http}/api/v1/events?ticket={ticket}");
        self.act(json!({"do": "stream", "client": client, "url": url}))
            .await;
        self.expect(client, "connect").await;
    }

    /// Opens the stream at a gateway, by the access token.
    pub(crate) async fn stream_by_token(&mut self, client: &str, http: &str, person: &Person) {
        let url = format!("{http}/api/v1/events");
        let action = json!({"do": "stream", "client": client, "url": url, "token": person.token});
        self.act(action).await;
        self.expect(client, "connect").await;
    }

    /// Sends an event over a socket, and returns how it is acknowledged.
    pub(crate) async fn emit(&mut self, client: &str, event: &str, arguments: Value) -> Value {
        let action =
            json!({"do": "emit", "client": client, "event": event, "arguments": arguments});
        self.act(action).await;
        self.expect(client, "ack").await
    }

    /// Lets clients hear of all that has happened to their person until now.
    pub(crate) async fn hear_out(&mut self, portico: &Instance, person: &Person, clients: &[&str]) {
        let call = portico.call(&format!("PATCH /api/v1/users/{}", person.id));
        let call = call.bearer(person).json(json!({"avatar": AVATAR}));
        call.expect(200).await;
        for client in clients {
            while self.expect(client, "user:updated").await["avatar"] != AVATAR {}
        }
    }

    /// A new project of the person whose clients these are, of which they hear.
    /// Had it been there before them, they might yet hear of it.
    pub(crate) async fn project(
        &mut self,
        portico: &Instance,
        owner: &Person,
        clients: &[&str],
    ) -> Value {
        let project = portico.project(owner, "Engine").await;
        self.expect_all(clients, "project:created").await;
        self.expect_all(clients, "member:added").await;
        project
    }

    /// Joins the room of a project, which must be allowed.
    pub(crate) async fn join(&mut self, client: &str, project: &Value) {
        let answer = self
            .emit(client, "join:project", json!([project["id"]]))
            .await;
        assert_eq!(answer, json!({"success": true}), "{client}");
    }

    /// A socket is still connected, and has nothing to hear. To leave a room
    /// where one is not is fine.
    pub(crate) async fn expect_alive(&mut self, client: &str) {
        let answer = self.emit(client, "leave:project", json!(["no id"])).await;
        assert_eq!(answer, json!({"success": true}), "{client}");
    }

    /// The transport that a socket has in the end.
    pub(crate) async fn transport(&mut self, client: &str) -> Value {
        self.act(json!({"do": "transport", "client": client})).await;
        self.expect(client, "transport").await
    }

    pub(crate) async fn close(&mut self, client: &str) {
        self.act(json!({"do": "close", "client": client})).await;
    }

    /// The data of what a client hears next, which must be this.
    pub(crate) async fn expect(&mut self, client: &str, event: &str) -> Value {
        let (heard, data) = self.next(client).await;
        assert_eq!(heard, event, "{client} hears {data}");
        data
    }

    /// The data of the end of a client whose session has ended, of which it may
    /// hear before.
    pub(crate) async fn expect_end(&mut self, client: &str, event: &str) -> Value {
        let (heard, data) = self.next(client).await;
        match heard.as_str() {
            "session:revoked" => self.expect(client, event).await,
            _ => {
                assert_eq!(heard, event, "{client} hears {data}");
                data
            }
        }
    }

    /// The same for each of some clients, who all hear the same.
    pub(crate) async fn expect_all(&mut self, clients: &[&str], event: &str) -> Value {
        let mut heard = Value::Null;
        for (index, client) in clients.iter().enumerate() {
            let data = self.expect(client, event).await;
            assert!(
                index == 0 || data == heard,
                "{client} hears {data}, not {heard}"
            );
            heard = data;
        }
        heard
    }

    /// What a client hears next.
    pub(crate) async fn next(&mut self, client: &str) -> (String, Value) {
        loop {
            let waiting = self.heard.get_mut(client);
            if let Some(next) = waiting.and_then(VecDeque::pop_front) {
                return next;
            }
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("{client} hears nothing"));
            let line = line.expect("it can be read").expect("node goes on");
            let mut line: Value = serde_json::from_str(&line).expect("JSON");
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            let heard = (text(&line["event"]), line["data"].take());
            self.heard
                .entry(text(&line["client"]))
                .or_default()
                .push_back(heard);
        }
    }

    async fn act(&mut self, action: Value) {
        let line = format!("{action}\n");
        let written = self.stdin.write_all(line.as_bytes()).await;
        written.expect("node reads");
    }
}
