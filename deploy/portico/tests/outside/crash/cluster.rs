//! A PostgreSQL of one's own that keeps its promises (`fsync`), and can crash.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::process::Command;

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

    pub(crate) async fn stop(mut self) {
        self.is_running = false;
        run("stop", self.folder.path()).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.is_running {
            let _ = std::process::Command::new(in_repository("deploy/postgres"))
                .arg("stop")
                .arg(self.folder.path())
                .status();
        }
    }
}

async fn run(command: &str, folder: &Path) -> String {
    let mut program = Command::new(in_repository("deploy/postgres"));
    program.arg(command).arg(folder);
    Program::succeed(command, &mut program).await
}
