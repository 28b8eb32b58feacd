//! Delivers letters to a mail server by SMTP (RFC 5321).
//!
//! Connections are kept for the next letter. lettre's own pool would also keep
//! one that was left in the middle of a letter, when an attempt took too long,
//! and then take the answers to one letter for those to the next. So the pool
//! is here, and only a connection whose letter was taken goes back to it.

mod examine;
mod message;
#[cfg(test)]
pub(crate) mod sink;
#[cfg(test)]
mod tests;

use std::{error::Error as _, sync::Mutex, time::Duration};

use lettre::{
    message::Mailbox,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use portico_chassis::mailbox::Letter;
use tokio::time::{Instant, timeout};

use crate::{
    config::{Config, Encryption, SmtpServer},
    job::Refusal,
};

/// How long a connection waits for the next letter.
const IDLE: Duration = Duration::from_secs(20);

/// The answers by which a server asks for a sign-in, or refuses one (RFC 4954).
/// They are about us, not about the letter.
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];

/// The greatest number of characters of a server's answer that are kept.
const ANSWER_LIMIT: usize = 300;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until a server is ready for a letter.
    connecting: Duration,
    /// Until it has taken it. Many servers look into a letter before they
    /// answer; one that is given up too early is received twice.
    sending: Duration,
}

const PATIENCE: Patience = Patience {
    connecting: Duration::from_secs(30),
    sending: Duration::from_secs(120),
};

/// A mail server.
pub(crate) struct Smtp {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    from: Mailbox,
    /// What we call ourselves.
    hello: ClientId,
    patience: Patience,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Smtp {
    pub(super) fn new(server: SmtpServer, config: &Config) -> anyhow::Result<Self> {
        let tls = match server.encryption {
            Encryption::Never => None,
            _ => Some(TlsParameters::new(server.host.clone())?),
        };
        Ok(Self {
            server,
            tls,
            from: config.from.clone(),
            hello: ClientId::Domain(config.from.email.domain().to_owned()),
            patience: PATIENCE,
            idle: Mutex::default(),
        })
    }

    pub(super) async fn deliver(&self, letter: &Letter) -> Result<(), Refusal> {
        let message = message::of(letter, &self.from)?;
        let bytes = message.formatted();
        let mut connection = self.connection().await?;
        let sent = connection.send(message.envelope(), &bytes);
        match timeout(self.patience.sending, sent).await {
            Ok(Ok(_taken)) => {
                self.keep(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_elapsed) => Err(Refusal::ForNow(
                "The mail server took too long to take the mail.".to_owned(),
            )),
        }
    }

    /// A connection that is ready for a letter.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Refusal> {
        let ready = async {
            while let Some(mut idle) = self.take_idle() {
                if idle.connection.test_connected().await {
                    return Ok(idle.connection);
                }
            }
            self.connect().await
        };
        match timeout(self.patience.connecting, ready).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Refusal::ForNow(turned_away(&error))),
            Err(_elapsed) => Err(Refusal::ForNow(
                "The mail server took too long to be ready.".to_owned(),
            )),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let SmtpServer {
            host,
            port,
            credentials,
            encryption,
        } = &self.server;
        let from_the_first_byte = match encryption {
            Encryption::Implicit => self.tls.clone(),
            _ => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            None,
            &self.hello,
            from_the_first_byte,
            None,
        )
        .await?;
        let is_to_start = match encryption {
            Encryption::Required => true,
            Encryption::Offered => connection.can_starttls(),
            Encryption::Implicit | Encryption::Never => false,
        };
        if let Some(tls) = self.tls.clone().filter(|_| is_to_start) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    fn take_idle(&self) -> Option<Idle> {
        self.lock_idle().pop()
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let since = Instant::now();
        self.lock_idle().push(Idle { connection, since });
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    /// Ends connections that have not been used for a while.
    pub(super) async fn hang_up_idle(&self) {
        let is_stale = |idle: &mut Idle| idle.since.elapsed() >= IDLE;
        let stale: Vec<Idle> = self.lock_idle().extract_if(.., is_stale).collect();
        for mut idle in stale {
            // A server that does not answer is left without a farewell.
            let _ = timeout(Duration::from_secs(1), idle.connection.quit()).await;
        }
    }
}

/// Why a server is not ready for a letter. What it said to our sign-in stays
/// out of the text: it may hold our name or worse.
fn turned_away(error: &Error) -> String {
    match error.status() {
        Some(code) => format!("The mail server turned us away: {code}."),
        None => format!("The mail server cannot be used: {error}."),
    }
}

/// What an error in the middle of a letter means for it.
fn refusal(error: &Error) -> Refusal {
    let Some(code) = error.status() else {
        if error.is_client() {
            return Refusal::ForGood(format!("The mail server cannot take it: {error}."));
        }
        return Refusal::ForNow(format!("The connection to the mail server broke: {error}."));
    };
    let answer = error.source().map(ToString::to_string).unwrap_or_default();
    let text = format!(
        "The mail server answered {code} {}",
        without_secrets(&answer)
    );
    if error.is_permanent() && !ABOUT_US.contains(&u16::from(code)) {
        Refusal::ForGood(text)
    } else {
        Refusal::ForNow(text)
    }
}

/// A server's answer without what it may quote of a letter: its links, and
/// whatever looks like a token.
fn without_secrets(answer: &str) -> String {
    let word = |word: &str| {
        let is_quoted = ["://", "#", "=", "token"]
            .iter()
            .any(|sign| word.contains(sign));
        let is_long = word.chars().count() > 24 && !word.contains('@');
        let text = if is_quoted || is_long { "…" } else { word };
        text.to_owned()
    };
    let words: Vec<String> = answer.split_whitespace().map(word).collect();
    let printable = |letter: &char| !letter.is_control();
    words
        .join(" ")
        .chars()
        .filter(printable)
        .take(ANSWER_LIMIT)
        .collect()
}
