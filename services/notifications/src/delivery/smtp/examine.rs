//! Whether a mail server would take letters: a connection as for a letter, with
//! its encryption and its sign-in, and a farewell. Nothing is sent.

use std::{net::IpAddr, time::Duration};

use portico_chassis::finding::Finding;
use tokio::time::timeout;

use super::{Smtp, turned_away};
use crate::config::Encryption;

/// A server that takes longer to be ready is too slow to be of use.
const PATIENCE: Duration = Duration::from_secs(5);

impl Smtp {
    pub(in crate::delivery) async fn examine(&self) -> Finding {
        let place = format!("{}:{}", self.server.host, self.server.port);
        let mut connection = match timeout(PATIENCE, self.connect()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                let told = turned_away(&error);
                return Finding::failure(format!("{place}: {told} {}", what_to_do(&error)));
            }
            Err(_elapsed) => {
                return Finding::failure(format!(
                    "{place}: the mail server is not ready within {} s; check PORTICO_SMTP_URL: its \
                     port, and whether smtps:// or smtp:// is spoken there",
                    PATIENCE.as_secs()
                ));
            }
        };
        let is_well = timeout(PATIENCE, connection.test_connected()).await;
        let is_encrypted = connection.is_encrypted();
        // The answer to a farewell does not matter.
        let _ = timeout(PATIENCE, connection.quit()).await;
        if !is_well.unwrap_or(false) {
            return Finding::failure(format!(
                "{place}: the mail server hangs up before a letter; see its log"
            ));
        }
        self.judge(&place, is_encrypted)
    }

    pub(super) fn judge(&self, place: &str, is_encrypted: bool) -> Finding {
        let sign_in = match self.server.credentials {
            Some(_) => ", and takes our sign-in",
            None => "",
        };
        if is_encrypted || self.is_near() {
            let how = if is_encrypted {
                "encrypted"
            } else {
                "on this machine"
            };
            return Finding::fine(format!("{place}: the mail server is ready, {how}{sign_in}"));
        }
        let why = match self.server.encryption {
            Encryption::Never => "PORTICO_SMTP_URL says ?tls=never",
            _ => "the server offers no STARTTLS",
        };
        Finding::warning(format!(
            "{place}: the mail server is ready, but {why}: mails with their links can be read on the \
             way. Use smtps://, or ?tls=required with a server that offers it"
        ))
    }

    /// Whether the server is on this machine.
    fn is_near(&self) -> bool {
        let host = &self.server.host;
        host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
    }
}

fn what_to_do(error: &lettre::transport::smtp::Error) -> &'static str {
    match error.status().map(u16::from) {
        Some(530 | 534 | 535 | 538) => "Check the user and the password in PORTICO_SMTP_URL",
        Some(_) => "See the mail server's log",
        None => {
            "Check the host and the port in PORTICO_SMTP_URL, which of smtps:// and smtp:// is \
            spoken there, that the server runs, and that its certificate is of that name"
        }
    }
}
