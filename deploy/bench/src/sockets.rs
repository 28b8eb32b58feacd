//! A thousand sockets: what each costs while nothing happens, and how soon a
//! change has reached all of them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::{SinkExt as _, StreamExt as _, future::try_join_all};
use http::Method;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{client::Rest, load::Times, program::Program, resting};

/// Members of the project, and the sockets of each.
const PEOPLE: usize = 50;
const SOCKETS_EACH: usize = 20;
const SOCKETS: usize = PEOPLE * SOCKETS_EACH;
/// Sockets that are opened at a time.
const AT_ONCE: usize = 100;
/// How often the project changes.
const CHANGES: usize = 50;
/// How long a change may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of it.
pub(crate) struct Live {
    pub(crate) sockets: usize,
    pub(crate) people: usize,
    /// Of one socket at rest, in KB.
    pub(crate) memory: f64,
    /// From a change until the last socket has heard of it.
    pub(crate) times: Times,
    /// The CPU time of the program while it told of all changes.
    pub(crate) cpu: Duration,
}

/// Somebody with an account.
struct Person {
    id: String,
    token: String,
}

pub(crate) async fn run(program: &Program) -> anyhow::Result<Live> {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(register(program, number).await?);
    }
    let owner = &people[0];
    let mut rest = Rest::connect(program.http, Some(&owner.token)).await?;
    let body = json!({"name": "Live"}).to_string();
    let project = rest.data(Method::POST, "/api/v1/projects", body).await?;
    let project = project["id"].as_str().context("no id")?.to_owned();
    let path = format!("/api/v1/projects/{project}");
    for person in &people[1..] {
        let body = json!({"userId": person.id, "role": "VIEWER"}).to_string();
        rest.data(Method::POST, &format!("{path}/members"), body)
            .await?;
    }
    // One before the measurement, so that all that is there only once is there.
    let (heard, mut hears) = mpsc::unbounded_channel();
    tokio::spawn(
        open(program.http, &owner.token, &project)
            .await?
            .listen(heard.clone()),
    );
    let before = resting(program).await?;
    let all: Vec<&Person> = people.iter().cycle().take(SOCKETS).collect();
    for some in all[1..].chunks(AT_ONCE) {
        let opened = some
            .iter()
            .map(|person| open(program.http, &person.token, &project));
        for socket in try_join_all(opened).await? {
            tokio::spawn(socket.listen(heard.clone()));
        }
    }
    let memory = (resting(program).await? - before) * 1e3 / (SOCKETS - 1) as f64;

    let (cpu, mut times) = (program.cpu_time()?, Vec::new());
    for number in 0..CHANGES {
        let body = json!({"description": format!("Changed {number} times.")}).to_string();
        let begun = Instant::now();
        let changed = rest.data(Method::PATCH, &path, body);
        let told = async {
            for _ in 0..SOCKETS {
                let told = timeout(PATIENCE, hears.recv()).await;
                told.context("a socket heard nothing")?
                    .context("no sockets")??;
            }
            Ok(begun.elapsed())
        };
        let (_, time) = tokio::try_join!(changed, told)?;
        times.push(time);
    }
    Ok(Live {
        sockets: SOCKETS,
        people: PEOPLE,
        memory,
        times: Times::of(times),
        cpu: program.cpu_time()? - cpu,
    })
}

async fn register(program: &Program, number: usize) -> anyhow::Result<Person> {
    let body = json!({
        "email": format!("member-{number}@example.com"),
        "password": "correct horse battery",
        "name": format!("Member {number}"),
    });
    let mut rest = Rest::connect(program.http, None).await?;
    let data = rest
        .data(Method::POST, "/api/v1/auth/register", body.to_string())
        .await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    Ok(Person {
        id: text(&data["user"]["id"])?,
        token: text(&data["token"])?,
    })
}

/// A client of Socket.IO over WebSocket.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

/// A socket in the room of a project.
pub(crate) async fn open(
    address: SocketAddr,
    token: &str,
    project: &str,
) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut socket = Socket(client_async(url, stream).await?.0);
    socket.expect("0{").await?;
    let auth = json!({"token": token});
    socket.send(format!("40{auth}")).await?;
    socket.expect("40{").await?;
    let join = json!(["join:project", project]);
    socket.send(format!("420{join}")).await?;
    socket.expect("430[{\"success\":true}]").await?;
    Ok(socket)
}

impl Socket {
    async fn send(&mut self, packet: String) -> anyhow::Result<()> {
        Ok(self.0.send(Message::text(packet)).await?)
    }

    /// The next packet that is no ping.
    pub(crate) async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            let message = self.0.next().await.context("the socket ended")??;
            let packet = message.to_text()?;
            if packet != "2" {
                return Ok(packet.to_owned());
            }
            self.send("3".to_owned()).await?;
        }
    }

    /// Says goodbye, and waits for the other end's.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        self.0.close(None).await?;
        let said = async { while let Some(Ok(_)) = self.0.next().await {} };
        timeout(PATIENCE, said).await.context("no goodbye")
    }

    async fn expect(&mut self, start: &str) -> anyhow::Result<()> {
        let packet = timeout(PATIENCE, self.next())
            .await
            .context("no packet")??;
        ensure!(packet.starts_with(start), "{packet} instead of {start}");
        Ok(())
    }

    /// Tells of each change that it hears of.
    async fn listen(mut self, heard: mpsc::UnboundedSender<anyhow::Result<()>>) {
        loop {
            let told = match self.next().await {
                Ok(packet) if packet.starts_with("42[\"project:updated\"") => Ok(()),
                // It may yet hear of what was before.
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            let is_last = told.is_err();
            if heard.send(told).is_err() || is_last {
                return;
            }
        }
    }
}
