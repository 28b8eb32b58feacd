//! A PostgreSQL of one's own that keeps its promises (`fsync`), and can crash.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{Program, program::in_repository};

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    url: String,
    is_running: bool,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // It may run as another account, which must get to its own folder.
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(folder.path(), open).expect("permissions");
        let url = run("start", folder.path()).await;
        Self {
            folder,
            url,
            is_running: true,
        }
    }

    /// Makes a database and answers its URL.
    pub(crate) async fn make_database(&self, name: &str) -> String {
        let mut connection = PgConnection::connect(&self.url).await.expect("it answers");
        let sql = format!("CREATE DATABASE {name}");
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .expect("made");
        let (server, _) = self.url.rsplit_once('/').expect("a database");
        format!("{server}/{name}")
    }

    /// Ends it at once, as a power cut would, and starts it again.
    pub(crate) async fn crash(&self) {
        run("crash", self.folder.path()).await;
    }

    /// Ends it at once, and leaves it so.
    pub(crate) async fn kill(&mut self) {
        let first = self.first_process();
        self.signal("KILL");
        self.is_running = false;
        let is_there = || {
            let mut command = Command::new("kill");
            let asked = command.args(["-s", "0", &first]).stderr(Stdio::null());
            asked.status().expect("kill runs").success()
        };
        // It is not gone before its parent has taken note.
        while is_there() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts it again, perhaps at another port.
    pub(crate) async fn begin(&mut self) {
        self.url = run("start", self.folder.path()).await;
        self.is_running = true;
    }

    /// Sends a signal to all of its processes.
    pub(crate) fn signal(&self, signal: &str) {
        let first = self.first_process();
        let others = Command::new("pgrep").args(["-P", &first]).output();
        let others = String::from_utf8(others.expect("pgrep runs").stdout).expect("text");
        let mut command = Command::new("kill");
        command.args(["-s", signal, &first]).args(others.lines());
        // Some of them may have ended by themselves in the meantime.
        command.stderr(Stdio::null()).status().expect("kill runs");
    }

    /// The number of the process that has started the others.
    fn first_process(&self) -> String {
        let noted = self.folder.path().join("cluster/postmaster.pid");
        let noted = fs::read_to_string(noted).expect("it runs");
        noted.lines().next().expect("a number").to_owned()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        let (_, place) = self.url.rsplit_once('@').expect("a place");
        place.split_once('/').expect("a database").0
    }

    pub(crate) async fn stop(mut self) {
        self.is_running = false;
        run("stop", self.folder.path()).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.is_running {
            // It may stand still.
            self.signal("CONT");
            let _ = Command::new(in_repository("deploy/postgres"))
                .arg("stop")
                .arg(self.folder.path())
                .status();
        }
    }
}

async fn run(command: &str, folder: &Path) -> String {
    let mut program = tokio::process::Command::new(in_repository("deploy/postgres"));
    program.arg(command).arg(folder);
    Program::succeed(command, &mut program).await
}
