//! A stock mail server: see `mail_server.py`.

use serde_json::Value;
use tokio::process::Command;

use crate::program::{Program, from_environment, in_repository};

pub(crate) struct Server(Program);

impl Server {
    pub(crate) fn start(arguments: &[String]) -> Self {
        let script = in_repository("deploy/portico/tests/outside/mail_server.py");
        let mut command = Command::new(from_environment("PORTICO_TEST_PYTHON"));
        command.arg(script).args(arguments);
        Self(Program::start("mail server", &mut command))
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) {
        self.0.signal("KILL").await;
        self.0.end().await;
    }

    pub(crate) async fn signal(&self, signal: &str) {
        self.0.signal(signal).await;
    }

    pub(crate) async fn port(&mut self) -> u64 {
        let line = self.0.line("\"port\"").await;
        let told: Value = serde_json::from_str(&line).expect("JSON");
        told["port"].as_u64().expect("a port")
    }

    pub(crate) async fn address(&mut self) -> String {
        format!("127.0.0.1:{}", self.port().await)
    }

    /// Waits for a mail to an address.
    pub(crate) async fn mail(&mut self, to: &str) -> Value {
        let line = self.0.line(&format!("{{\"to\": \"{to}\"")).await;
        serde_json::from_str(&line).expect("JSON")
    }

    /// Waits until the server stalls over a mail to an address.
    pub(crate) async fn stalls(&mut self, to: &str) {
        self.0.line(&format!("{{\"stalls\": \"{to}\"")).await;
    }

    /// All mails to an address so far.
    pub(crate) fn mails_to(&self, to: &str) -> Vec<Value> {
        let mut mails = self.mails();
        mails.retain(|mail| mail["to"] == to);
        mails
    }

    /// All mails so far.
    pub(crate) fn mails(&self) -> Vec<Value> {
        let output = self.0.output();
        let told = output
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        told.filter(|told: &Value| told["headers"].is_object())
            .collect()
    }

    /// Fails if it has taken any mail.
    pub(crate) fn has_no_mail(&self) {
        assert!(!self.0.output().contains("\"to\""), "{}", self.0.output());
    }
}
