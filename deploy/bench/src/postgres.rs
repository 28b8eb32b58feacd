//! A private PostgreSQL, with all of its guarantees: what it acknowledges is on
//! the disk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

const SCRIPT: &str = "deploy/postgres";

pub(crate) struct Postgres {
    folder: PathBuf,
    url: String,
    /// The process that has started all of its others.
    pub(crate) number: u32,
}

impl Postgres {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let url = output(Command::new(SCRIPT).arg("start").arg(folder))?;
        // Stopped from here on, whatever happens.
        let mut postgres = Self {
            folder: folder.to_owned(),
            url,
            number: 0,
        };
        let file = folder.join("cluster/postmaster.pid");
        let text = fs::read_to_string(file).context("PostgreSQL's number")?;
        let number = text.lines().next().context("PostgreSQL's number")?;
        postgres.number = number.trim().parse()?;
        Ok(postgres)
    }

    /// An empty database by this name, whatever was there before.
    pub(crate) fn fresh(&self, name: &str) -> anyhow::Result<String> {
        let programs = output(Command::new(SCRIPT).arg("bin"))?;
        let mut psql = Command::new(Path::new(&programs).join("psql"));
        psql.args(["--quiet", "--set=ON_ERROR_STOP=1", "--dbname", &self.url]);
        psql.arg("--command")
            .arg(format!("DROP DATABASE IF EXISTS {name}"));
        psql.arg("--command").arg(format!("CREATE DATABASE {name}"));
        output(psql.env("PGOPTIONS", "--client-min-messages=warning"))?;
        let (server, _) = self.url.rsplit_once('/').context("no URL")?;
        Ok(format!("{server}/{name}"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The one who made its folder stops it again, if this goes wrong.
        let _ = Command::new(SCRIPT).arg("stop").arg(&self.folder).status();
    }
}

/// What a command prints, which must succeed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let program = command.get_program().display();
    ensure!(output.status.success(), "{program}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
