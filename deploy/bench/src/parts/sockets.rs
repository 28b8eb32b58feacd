//! Many sockets: what each costs while nothing happens, and how soon a change
//! has reached all of them.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::{SinkExt as _, StreamExt as _, future::try_join_all};
use http::Method;
use serde_json::json;
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::{
    client::{Api, Rest, text},
    goals::{Goal, figure},
    installation::{Installation, Shape},
    load::Times,
    sample::Sample,
    scenarios::change,
    settings::Settings,
    target::Running,
};

/// Members of the project.
const PEOPLE: usize = 50;
/// Sockets that are opened at a time.
const AT_ONCE: usize = 100;
/// How often the project changes.
const CHANGES: usize = 20;
/// How long a change may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// What this end of a socket reads and writes at a time.
const BUFFER: usize = 1024;
/// How a packet starts that tells of a change.
const EVENT: &str = "42[";

/// What came of it.
pub(crate) struct Sockets {
    count: usize,
    /// Of one socket at rest, in KB.
    memory: f64,
    /// From a change until the last socket has heard of it.
    times: Sample,
    /// The CPU time in µs of the program for each that it told.
    cpu: f64,
}

/// Somebody with an account.
struct Person {
    id: String,
    token: String,
}

pub(crate) async fn measure(settings: &Settings) -> anyhow::Result<Sockets> {
    let mut installation = Installation::new(settings, Shape::OneProcessOnSqlite)?;
    let each = settings.sockets.div_ceil(PEOPLE);
    installation.set("PORTICO_LIVE_PER_USER", each + 1);
    installation.set("PORTICO_LIVE_PER_ADDRESS", settings.sockets + 1);
    let running = installation.start().await?.running;
    let (people, path) = make_project(running.http).await?;

    // One before the measurement, so that all that is there only once is there.
    let (heard, mut hears) = mpsc::unbounded_channel();
    let project = path.rsplit('/').next().context("no id")?;
    let first = open(running.http, &people[0].token, project).await?;
    tokio::spawn(first.listen(heard.clone()));
    let before = resting(&running, settings).await?;
    let all: Vec<&Person> = people.iter().cycle().take(settings.sockets).collect();
    for some in all[1..].chunks(AT_ONCE) {
        let opened = some
            .iter()
            .map(|person| open(running.http, &person.token, project));
        for socket in try_join_all(opened).await? {
            tokio::spawn(socket.listen(heard.clone()));
        }
    }
    let more = resting(&running, settings).await? - before;

    let mut rest = Rest::connect(running.http, Some(&people[0].authorization())).await?;
    let (cpu, mut times) = (running.cpu_time(), Vec::new());
    for _ in 0..CHANGES {
        let begun = Instant::now();
        let changed = rest.answer(Method::PATCH, &path, change());
        let told = async {
            for _ in 0..settings.sockets {
                let told = timeout(PATIENCE, hears.recv()).await;
                told.context("a socket heard nothing")?
                    .context("no sockets")??;
            }
            Ok(begun.elapsed())
        };
        let (_, time) = tokio::try_join!(changed, told)?;
        times.push(time);
    }
    let cpu = running.cpu_time() - cpu;
    running.stop().await?;
    let taken: Duration = times.iter().sum();
    Ok(Sockets {
        count: settings.sockets,
        memory: more * 1e3 / (settings.sockets - 1) as f64,
        times: Sample::of(&Times::of(times), taken),
        cpu: cpu.as_secs_f64() * 1e6 / (CHANGES * settings.sockets) as f64,
    })
}

/// Resident memory in MB, once the program has nothing to do.
async fn resting(running: &Running, settings: &Settings) -> anyhow::Result<f64> {
    tokio::time::sleep(settings.quiet()).await;
    running.memory_of_one()
}

/// A project with many members, of whom the first one owns it, and its path.
async fn make_project(address: SocketAddr) -> anyhow::Result<(Vec<Person>, String)> {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(register(address, number).await?);
    }
    let mut rest = Rest::connect(address, Some(&people[0].authorization())).await?;
    let body = json!({"name": "Live"}).to_string();
    let project = rest.answer(Method::POST, Api::PORTICO.create, body).await?;
    let id = text(&project, "/data/id")?;
    let path = Api::PORTICO.project.replace("{project}", &id);
    for person in &people[1..] {
        let body = json!({"userId": person.id, "role": "VIEWER"}).to_string();
        rest.answer(Method::POST, &format!("{path}/members"), body)
            .await?;
    }
    Ok((people, path))
}

async fn register(address: SocketAddr, number: usize) -> anyhow::Result<Person> {
    let body = json!({
        "email": format!("member-{number}@example.com"),
        "password": "correct horse battery",
        "name": format!("Member {number}"),
    });
    let mut rest = Rest::connect(address, None).await?;
    let answer = rest
        .answer(Method::POST, "/api/v1/auth/register", body.to_string())
        .await?;
    Ok(Person {
        id: text(&answer, "/data/user/id")?,
        token: text(&answer, "/data/token")?,
    })
}

impl Person {
    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }
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
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let opened = client_async_with_config(url, stream, Some(config)).await?;
    let mut socket = Socket(opened.0);
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

    /// Waits for an answer, whatever is heard of changes before.
    async fn expect(&mut self, start: &str) -> anyhow::Result<()> {
        let answer = async {
            loop {
                let packet = self.next().await?;
                if !packet.starts_with(EVENT) {
                    return anyhow::Ok(packet);
                }
            }
        };
        let packet = timeout(PATIENCE, answer).await.context("no packet")??;
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

/// The goal, also if nothing was measured.
pub(crate) fn goals(sockets: Option<&Sockets>) -> Vec<Goal> {
    let what = match sockets {
        Some(sockets) => format!("memory of an idle socket, of {}", sockets.count),
        None => "memory of an idle socket".to_owned(),
    };
    let memory = sockets.map(|sockets| sockets.memory);
    vec![Goal::at_most(what, memory, 15.0, "KB")]
}

impl Sockets {
    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n## Sockets\n\nOf {} sockets of {PEOPLE} members of a project, each takes {} KB at rest. A change \
             of the project has reached\nall of them after {} ms (p50; p99 {} ms), for {} µs of CPU each.",
            self.count,
            figure(self.memory),
            figure(self.times.p50),
            figure(self.times.p99),
            figure(self.cpu),
        )
    }
}
