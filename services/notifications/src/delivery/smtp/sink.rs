//! A mail server for tests that does what it is told, also what servers should
//! not do.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where in a conversation something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Mail,
    Recipient,
    Data,
    /// In the middle of the letter.
    Content,
    /// After the letter, before it is answered.
    End,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It answers this.
    Answers(&'static str),
    /// It says nothing until it is repaired.
    Stalls,
    /// It ends the connection.
    HangsUp,
}

/// What the server has seen so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    /// The letters that it took.
    pub(crate) letters: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) connections: usize,
    /// Letters that are being answered at the moment.
    pub(crate) waiting: usize,
    /// Clients that hung up while it stalled.
    pub(crate) left: usize,
}

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    fault: watch::Sender<Option<(Stage, Fault)>>,
    seen: Arc<watch::Sender<Seen>>,
    server: JoinHandle<()>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (fault, fault_known) = watch::channel(None);
        let seen: Arc<watch::Sender<Seen>> = Arc::default();
        let connections: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let (all_seen, all_connections) = (seen.clone(), connections.clone());
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                all_seen.send_modify(|seen| seen.connections += 1);
                let talk = talk(stream, fault_known.clone(), all_seen.clone());
                let connection = tokio::spawn(async move {
                    // Clients come and go as they like.
                    let _ = talk.await;
                });
                all_connections
                    .lock()
                    .expect("not poisoned")
                    .push(connection);
            }
        });
        Self {
            address,
            fault,
            seen,
            server,
            connections,
        }
    }

    /// From now on this goes wrong.
    pub(crate) fn fault(&self, stage: Stage, fault: Fault) {
        self.fault.send_replace(Some((stage, fault)));
    }

    /// From now on nothing goes wrong, and what stalled goes on.
    pub(crate) fn repair(&self) {
        self.fault.send_replace(None);
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until the server has seen something.
    pub(crate) async fn until(&self, mut is_so: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.subscribe();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| is_so(seen))).await;
        waited
            .expect("it happens in time")
            .expect("it runs")
            .clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
        for connection in self.connections.lock().expect("not poisoned").drain(..) {
            connection.abort();
        }
    }
}

/// One connection, until the client or a fault ends it.
async fn talk(
    stream: TcpStream,
    mut fault: watch::Receiver<Option<(Stage, Fault)>>,
    seen: Arc<watch::Sender<Seen>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if !answer(&mut stream, &mut fault, &seen, Stage::Greeting, "220 sink").await? {
        return Ok(());
    }
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        seen.send_modify(|seen| seen.commands.push(command.clone()));
        let (stage, reply) = match command.get(..4).unwrap_or_default() {
            "MAIL" => (Stage::Mail, "250 so far"),
            "RCPT" => (Stage::Recipient, "250 so far"),
            "DATA" => (Stage::Data, "354 go on"),
            other => {
                let reply = match other {
                    "EHLO" => "250-sink\r\n250 8BITMIME",
                    "NOOP" => "250 here",
                    "QUIT" => "221 bye",
                    _ => "502 what?",
                };
                stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
                continue;
            }
        };
        if !answer(&mut stream, &mut fault, &seen, stage, reply).await? {
            return Ok(());
        }
        let is_refused = matches!(*fault.borrow(), Some((refused, _)) if refused == Stage::Data);
        if stage != Stage::Data || is_refused {
            continue;
        }
        let Some(letter) = letter(&mut stream, &mut fault).await? else {
            return Ok(());
        };
        seen.send_modify(|seen| seen.waiting += 1);
        let answered = answer(&mut stream, &mut fault, &seen, Stage::End, "250 taken").await;
        let is_taken = !matches!(*fault.borrow(), Some((Stage::End, _)));
        seen.send_modify(|seen| {
            seen.waiting -= 1;
            seen.letters.extend(is_taken.then_some(letter));
        });
        if !answered? {
            return Ok(());
        }
    }
}

/// Answers, or does what the fault of this stage says. Whether to go on.
async fn answer(
    stream: &mut BufReader<TcpStream>,
    fault: &mut watch::Receiver<Option<(Stage, Fault)>>,
    seen: &watch::Sender<Seen>,
    stage: Stage,
    reply: &str,
) -> std::io::Result<bool> {
    let current = fault
        .borrow_and_update()
        .filter(|(faulty, _)| *faulty == stage);
    let reply = match current.map(|(_, fault)| fault) {
        Some(Fault::HangsUp) => return Ok(false),
        Some(Fault::Answers(other)) => other,
        Some(Fault::Stalls) => {
            tokio::select! {
                repaired = fault.wait_for(Option::is_none) => {
                    if repaired.is_err() {
                        return Ok(false);
                    }
                }
                // A client that waits says nothing.
                _ = stream.fill_buf() => {
                    seen.send_modify(|seen| seen.left += 1);
                    return Ok(false);
                }
            }
            reply
        }
        None => reply,
    };
    stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    Ok(true)
}

/// A letter up to its final dot; nothing, if a fault comes in between.
async fn letter(
    stream: &mut BufReader<TcpStream>,
    fault: &mut watch::Receiver<Option<(Stage, Fault)>>,
) -> std::io::Result<Option<String>> {
    let mut letter = String::new();
    loop {
        let start = letter.len();
        if stream.read_line(&mut letter).await? == 0 {
            return Ok(None);
        }
        match *fault.borrow() {
            Some((Stage::Content, _)) => return Ok(None),
            _ if &letter[start..] == ".\r\n" => return Ok(Some(letter)),
            _ => {}
        }
    }
}
