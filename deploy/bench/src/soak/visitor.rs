//! Somebody who uses the program: calls in turns, and beside them comes and
//! goes with connections, sockets and tokens.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, sleep_until},
};

use super::{
    pace::{Pace, Turn},
    tally::Tally,
};
use crate::{
    client::{Rest, text},
    parts::sockets,
    target::PASSWORD,
};

const PROJECTS: &str = "/api/v1/projects";
/// So many of them has each visitor: more than a list shows.
const OWNED: usize = 25;
/// How long a visitor keeps each of these.
const CONNECTION: Duration = Duration::from_secs(5);
const TOKENS: Duration = Duration::from_secs(5);
const SOCKET: Duration = Duration::from_secs(10);
const SESSION: Duration = Duration::from_secs(30);
/// How long a visitor stays away who cannot sign in.
const STAY_AWAY: Duration = Duration::from_secs(1);

pub(crate) struct Visitor {
    address: SocketAddr,
    email: String,
    project: String,
    session: Session,
    rest: Rest,
    socket: Socket,
    /// When each of these is to be replaced.
    next_connection: Instant,
    next_tokens: Instant,
    next_socket: Instant,
    next_session: Instant,
}

/// Tokens, old and new.
struct Session {
    access: String,
    refresh: String,
}

/// A socket that somebody listens to, until told to close it.
struct Socket {
    close: oneshot::Sender<()>,
    /// How many changes it has heard of.
    heard: JoinHandle<anyhow::Result<usize>>,
}

impl Visitor {
    /// Registers somebody with some projects.
    pub(crate) async fn arrive(
        address: SocketAddr,
        number: usize,
        tally: &Tally,
    ) -> anyhow::Result<Self> {
        let email = format!("visitor-{number}@example.com");
        let body =
            json!({"email": email, "password": PASSWORD, "name": format!("Visitor {number}")});
        let mut rest = Rest::connect(address, None).await?;
        let session = Session::of(&post(&mut rest, "/api/v1/auth/register", body).await?)?;
        let mut rest = Rest::connect(address, Some(&session.authorization())).await?;
        let mut project = String::new();
        for number in 0..OWNED {
            let made = post(&mut rest, PROJECTS, new_project(number)).await?;
            project = text(&made, "/data/id")?;
        }
        tally.done("sign in");
        let socket = Socket::open(address, &session.access, &project).await?;
        // Not all of them at the same time.
        let (now, phase) = (Instant::now(), number as f64 / super::VISITORS as f64);
        Ok(Self {
            address,
            email,
            project,
            session,
            rest,
            socket,
            next_connection: now + CONNECTION.mul_f64(phase),
            next_tokens: now + TOKENS.mul_f64(phase),
            next_socket: now + SOCKET.mul_f64(phase),
            next_session: now + SESSION.mul_f64(phase),
        })
    }

    /// Calls until the time is over.
    pub(crate) async fn visit(&mut self, pace: &Pace, tally: &Tally) {
        loop {
            // Before the call, as its token may have expired since the last one,
            // and not in the time of a turn.
            if let Err(error) = self.replace_what_is_due(tally).await {
                tally.failed("come and go", &error);
                self.come_again(tally).await;
            }
            let Some(turn) = pace.next() else { return };
            sleep_until(turn.due.into()).await;
            let (what, called) = self.call(&turn).await;
            match called {
                Ok(()) => {
                    tally.answered(turn.due.elapsed());
                    tally.done(what);
                }
                Err(error) => {
                    tally.failed(what, &error);
                    self.come_again(tally).await;
                }
            }
        }
    }

    /// Closes all that is open.
    pub(crate) async fn leave(self, tally: &Tally) {
        if let Err(error) = self.socket.close().await {
            tally.failed("listen", &error);
        }
    }

    /// What is called at the turn, and how it went: of a hundred turns seventy
    /// are reads, and three make a project and remove it, so that the data does
    /// not grow.
    async fn call(&mut self, turn: &Turn) -> (&'static str, anyhow::Result<()>) {
        let project = format!("{PROJECTS}/{}", self.project);
        // Spread out: 37 and 100 have no common factor.
        match turn.number.wrapping_mul(37) % 100 {
            0..70 => ("read a project", self.read(&project).await),
            70..85 => ("list 20 projects", self.read(PROJECTS).await),
            85..90 => ("read oneself", self.read("/api/v1/auth/me").await),
            90..97 => {
                let body = json!({"description": format!("Changed at turn {}.", turn.number)});
                let changed = ask(&mut self.rest, Method::PATCH, &project, body.to_string()).await;
                ("change a project", changed.map(drop))
            }
            _ => ("make and remove a project", self.make_and_remove().await),
        }
    }

    async fn read(&mut self, path: &str) -> anyhow::Result<()> {
        ask(&mut self.rest, Method::GET, path, "").await.map(drop)
    }

    async fn make_and_remove(&mut self) -> anyhow::Result<()> {
        let made = post(&mut self.rest, PROJECTS, new_project(OWNED)).await?;
        let path = format!("{PROJECTS}/{}", text(&made, "/data/id")?);
        ask(&mut self.rest, Method::DELETE, &path, "")
            .await
            .map(drop)
    }

    async fn replace_what_is_due(&mut self, tally: &Tally) -> anyhow::Result<()> {
        let now = Instant::now();
        if now >= self.next_tokens {
            self.next_tokens = now + TOKENS;
            let body = json!({"refreshToken": self.session.refresh});
            let mut rest = Rest::connect(self.address, None).await?;
            let refreshed = post(&mut rest, "/api/v1/auth/refresh", body).await;
            self.session = Session::of(&refreshed.context("refresh")?)?;
            self.next_connection = now;
            tally.done("refresh tokens");
        }
        if now >= self.next_session {
            self.next_session = now + SESSION;
            // In this order, as the socket ends with its session.
            let mut old = Rest::connect(self.address, Some(&self.session.authorization())).await?;
            self.sign_in(tally).await.context("sign in")?;
            let signed_out = post(&mut old, "/api/v1/auth/logout", json!({})).await;
            signed_out.context("sign out")?;
            tally.done("sign out");
            return Ok(());
        }
        if now >= self.next_connection {
            self.next_connection = now + CONNECTION;
            self.connect(tally).await.context("connect")?;
        }
        if now >= self.next_socket {
            self.next_socket = now + SOCKET;
            self.replace_socket(tally).await.context("socket")?;
        }
        Ok(())
    }

    /// After a failure, whatever it was.
    async fn come_again(&mut self, tally: &Tally) {
        while let Err(error) = self.sign_in(tally).await {
            tally.failed("sign in again", &error);
            sleep(STAY_AWAY).await;
        }
    }

    async fn sign_in(&mut self, tally: &Tally) -> anyhow::Result<()> {
        let mut rest = Rest::connect(self.address, None).await?;
        let body = json!({"email": self.email, "password": PASSWORD});
        self.session = Session::of(&post(&mut rest, "/api/v1/auth/login", body).await?)?;
        tally.done("sign in");
        self.connect(tally).await?;
        self.replace_socket(tally).await
    }

    async fn connect(&mut self, tally: &Tally) -> anyhow::Result<()> {
        self.rest = Rest::connect(self.address, Some(&self.session.authorization())).await?;
        tally.done("connect");
        Ok(())
    }

    async fn replace_socket(&mut self, tally: &Tally) -> anyhow::Result<()> {
        let new = Socket::open(self.address, &self.session.access, &self.project).await?;
        let old = std::mem::replace(&mut self.socket, new);
        tally.done("open a socket");
        old.close().await?;
        Ok(())
    }
}

impl Session {
    fn of(answer: &Value) -> anyhow::Result<Self> {
        Ok(Self {
            access: text(answer, "/data/token")?,
            refresh: text(answer, "/data/refreshToken")?,
        })
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.access)
    }
}

impl Socket {
    async fn open(address: SocketAddr, token: &str, project: &str) -> anyhow::Result<Self> {
        let mut socket = sockets::open(address, token, project).await?;
        let (close, mut closed) = oneshot::channel();
        let heard = tokio::spawn(async move {
            let mut heard = 0;
            loop {
                tokio::select! {
                    packet = socket.next() => {
                        heard += usize::from(packet?.starts_with("42[\"project:updated\""));
                    }
                    _ = &mut closed => {
                        socket.close().await?;
                        return Ok(heard);
                    }
                }
            }
        });
        Ok(Self { close, heard })
    }

    /// Closes it, and says how many changes it has heard of.
    async fn close(self) -> anyhow::Result<usize> {
        // If nobody hears this, it has ended already, and says why.
        let _ = self.close.send(());
        self.heard.await?
    }
}

fn new_project(number: usize) -> Value {
    json!({"name": format!("Owned {number}"), "description": "Made by the benchmark."})
}

/// Makes a call that must succeed.
async fn ask(
    rest: &mut Rest,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> anyhow::Result<Bytes> {
    let (status, body) = rest.call(method, path, body.into()).await?;
    if status.is_success() {
        return Ok(body);
    }
    // No more than its code, so that failures of a kind are counted together.
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    anyhow::bail!("{status} {}", answer["error"]["code"]);
}

/// Posts for what is answered.
async fn post(rest: &mut Rest, path: &str, body: Value) -> anyhow::Result<Value> {
    let answer = ask(rest, Method::POST, path, body.to_string()).await?;
    Ok(serde_json::from_slice(&answer)?)
}
