//! A mail server that takes every mail but those to addresses with `refused` in
//! them, and shows what it took.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// How long a mail may be on its way, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    taken: watch::Receiver<Vec<Mail>>,
    served: JoinHandle<()>,
}

/// A mail that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    /// What it says, as text.
    pub(crate) text: String,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, taken) = watch::channel(Vec::new());
        let served = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let sender = sender.clone();
                tokio::spawn(async move {
                    // A client may hang up at any time.
                    let _ = talk(stream, &sender).await;
                });
            }
        });
        Self {
            address,
            taken,
            served,
        }
    }

    /// Waits for a mail to an address, with this in its subject.
    pub(crate) async fn mail(&self, to: &str, subject: &str) -> Mail {
        let is_it = |mail: &&Mail| mail.to == to && mail.subject.contains(subject);
        let mut taken = self.taken.clone();
        let arrived = taken.wait_for(|mails| mails.iter().any(|mail| is_it(&mail)));
        let mails = tokio::time::timeout(PATIENCE, arrived).await;
        let mails = mails
            .unwrap_or_else(|_| panic!("no mail `{subject}` to {to}, only {:?}", self.subjects(to)))
            .expect("it runs");
        let mail = mails.iter().rev().find(is_it);
        mail.expect("it arrived").clone()
    }

    /// Waits until so many mails to an address have arrived.
    pub(crate) async fn until(&self, to: &str, count: usize) {
        let mut taken = self.taken.clone();
        let of = |mails: &[Mail]| mails.iter().filter(|mail| mail.to == to).count();
        let arrived = taken.wait_for(|mails| of(mails) == count);
        let arrived = tokio::time::timeout(PATIENCE, arrived).await;
        arrived.expect("they arrive").expect("it runs");
    }

    /// Waits until so many mails to an address with this in their subject have
    /// arrived. The tokens of their links, in the order of arrival.
    pub(crate) async fn tokens(&self, to: &str, subject: &str, count: usize) -> Vec<String> {
        let is_it = |mail: &&Mail| mail.to == to && mail.subject.contains(subject);
        let mut taken = self.taken.clone();
        let arrived = taken.wait_for(|mails| mails.iter().filter(is_it).count() >= count);
        let mails = tokio::time::timeout(PATIENCE, arrived).await;
        let mails = mails
            .unwrap_or_else(|_| panic!("no {count} mails `{subject}` to {to}"))
            .expect("it runs");
        mails.iter().filter(is_it).map(Mail::token).collect()
    }

    /// How many mails to an address with this in their subject arrived so far.
    pub(crate) fn count_of(&self, to: &str, subject: &str) -> usize {
        let taken = self.taken.borrow();
        let is_it = |mail: &&Mail| mail.to == to && mail.subject.contains(subject);
        taken.iter().filter(is_it).count()
    }

    /// What the mails to an address are about that arrived so far.
    fn subjects(&self, to: &str) -> Vec<String> {
        let taken = self.taken.borrow();
        let to_it = taken.iter().filter(|mail| mail.to == to);
        to_it.map(|mail| mail.subject.clone()).collect()
    }

    /// How many mails to an address arrived so far.
    pub(crate) fn count(&self, to: &str) -> usize {
        let taken = self.taken.borrow();
        taken.iter().filter(|mail| mail.to == to).count()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn talk(stream: TcpStream, taken: &watch::Sender<Vec<Mail>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut reply = "220 here".to_owned();
    let mut to = String::new();
    loop {
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        reply = match line.get(..4) {
            Some("RCPT") => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                to = address.to_owned();
                match to.contains("refused") {
                    true => "550 5.1.1 no such person".to_owned(),
                    false => "250 so far".to_owned(),
                }
            }
            Some("DATA") => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while !message.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut message).await? == 0 {
                        return Ok(());
                    }
                }
                let mail = Mail::of(&to, &message);
                taken.send_modify(|mails| mails.push(mail));
                "250 taken".to_owned()
            }
            Some("QUIT") => return stream.write_all(b"221 bye\r\n").await,
            _ => "250 well".to_owned(),
        };
    }
}

impl Mail {
    /// The token of its link.
    pub(crate) fn token(&self) -> String {
        let (_, rest) = self.text.split_once("#token=").expect("a link");
        rest.lines().next().expect("a token").to_owned()
    }

    fn of(to: &str, message: &str) -> Self {
        let header = message
            .lines()
            .find_map(|line| line.strip_prefix("Subject: "));
        let boundary = message.split_once("boundary=\"");
        let boundary = boundary.and_then(|(_, rest)| rest.split_once('"'));
        let (boundary, parts) = boundary.expect("several parts (RFC 2046, section 5.1)");
        // A line of a token may begin with hyphens as well.
        let plain = parts
            .split(&format!("\r\n--{boundary}"))
            .find(|part| part.contains("Content-Type: text/plain"));
        let body = plain.and_then(|part| part.split_once("\r\n\r\n"));
        Self {
            to: to.to_owned(),
            subject: header.unwrap_or_default().to_owned(),
            text: body.map(|(_, text)| decode(text)).unwrap_or_default(),
        }
    }
}

/// Decodes quoted-printable text (RFC 2045, section 6.7), which is what the
/// mails here are written in.
fn decode(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut pieces = text.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_token_is_read_in_full_wherever_its_line_is_broken() {
    let lines = [
        "Subject: Choose a new password",
        "Content-Type: multipart/alternative;",
        " boundary=\"b0undary\"",
        "",
        "--b0undary",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Hello Zo=C3=AB,",
        "",
        "http://localhost:8080/reset-password#token=3Dplk_TTpNLkTtaH2_bcWpOgMIUXakO2=",
        "--5hqCgg2aYxg6nUD",
        "",
        "--b0undary",
        "Content-Type: text/html; charset=utf-8",
        "",
        "<p>Hello</p>",
        "--b0undary--",
        ".",
        "",
    ];
    let mail = Mail::of("zoe@example.com", &lines.join("\r\n"));
    assert_eq!(mail.subject, "Choose a new password");
    assert!(mail.text.starts_with("Hello Zoë,\r\n"), "{}", mail.text);
    assert_eq!(
        mail.token(),
        "plk_TTpNLkTtaH2_bcWpOgMIUXakO2--5hqCgg2aYxg6nUD"
    );
}
