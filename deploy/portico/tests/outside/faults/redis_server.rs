//! A Redis of one's own, which can die.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use portico_chassis::serve::testing::free_address;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
};

use crate::Program;

/// Nobody else on this machine is to use it.
const PASSWORD: &str = "of-this-test";

pub(super) struct Redis {
    pub(super) address: String,
    settings: PathBuf,
    program: Option<Program>,
    _folder: tempfile::TempDir,
}

impl Redis {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let (host, port) = address.rsplit_once(':').expect("a port");
        let settings = folder.path().join("redis.conf");
        let text = format!(
            "bind {host}\nport {port}\nsave \"\"\ndir {}\nrequirepass {PASSWORD}\n",
            folder.path().display()
        );
        fs::write(&settings, text).expect("written");
        fs::set_permissions(&settings, fs::Permissions::from_mode(0o600)).expect("permissions");
        let mut redis = Self {
            address,
            settings,
            program: None,
            _folder: folder,
        };
        redis.begin().await;
        redis
    }

    pub(super) async fn begin(&mut self) {
        let mut command = Command::new("redis-server");
        let mut program = Program::start("redis", command.arg(&self.settings));
        program.line("Ready to accept connections").await;
        self.program = Some(program);
    }

    pub(super) async fn kill(&mut self) {
        self.program.take().expect("it runs").kill().await;
    }

    pub(super) async fn signal(&self, signal: &str) {
        self.program.as_ref().expect("it runs").signal(signal).await;
    }

    /// Asks it something, and answers its line.
    pub(super) async fn ask(&self, question: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.expect("it runs");
        let asked = format!("AUTH {PASSWORD}\r\n{question}\r\nQUIT\r\n");
        stream.write_all(asked.as_bytes()).await.expect("it reads");
        let mut said = String::new();
        stream.read_to_string(&mut said).await.expect("it answers");
        said.lines().nth(1).expect("a line").to_owned()
    }

    /// Where it is, behind another address.
    pub(super) fn url(address: &str) -> String {
        format!("redis://default:{PASSWORD}@{address}")
    }
}
