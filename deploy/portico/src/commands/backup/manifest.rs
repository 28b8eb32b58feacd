//! What a backup consists of, in `manifest.json`: its last file, so that what
//! has one is whole.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, ensure};
use portico_chassis::clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::make_file;
use crate::settings::Role;

const NAME: &str = "manifest.json";

/// The form of backups that this program makes and reads.
const FORMAT: u32 = 1;

/// How much of a file is read at once.
const BLOCK: usize = 1 << 20;

/// What a backup consists of.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    #[serde(flatten)]
    head: Head,
    pub(crate) taken_at: String,
    pub(crate) databases: Vec<Copied>,
}

/// What every form of it has.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The version of the program that made it.
    portico: String,
}

/// The copy of a database.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Copied {
    role: String,
    #[serde(flatten)]
    pub(crate) engine: Engine,
    /// The migrations that it has seen.
    pub(crate) migrations: Vec<i64>,
    /// The name of the file in the backup.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    sha256: String,
}

/// What a database is kept by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "camelCase")]
pub(crate) enum Engine {
    Postgres {
        /// The schema that its tables are in.
        schema: String,
    },
    Sqlite,
}

impl Manifest {
    pub(crate) fn new(taken_at: Timestamp, databases: Vec<Copied>) -> Self {
        let taken_at = OffsetDateTime::from_unix_timestamp(taken_at.seconds()).ok();
        Self {
            head: Head {
                format: FORMAT,
                portico: env!("CARGO_PKG_VERSION").to_owned(),
            },
            taken_at: taken_at
                .and_then(|at| at.format(&Rfc3339).ok())
                .unwrap_or_default(),
            databases,
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(NAME);
        make_file(&path)?;
        let mut file = File::options().write(true).open(&path)?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(NAME);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{} is no whole backup: it has no {NAME}", folder.display())
        })?;
        let unreadable = || format!("{} cannot be read", path.display());
        let head: Head = serde_json::from_str(&text).with_context(unreadable)?;
        ensure!(
            head.format == FORMAT,
            "the backup was made by Portico {}, in a form that this version does not know",
            head.portico
        );
        serde_json::from_str(&text).with_context(unreadable)
    }

    /// The copy of a role's database.
    pub(crate) fn of(&self, role: Role) -> anyhow::Result<&Copied> {
        let found = self
            .databases
            .iter()
            .find(|copied| copied.role == role.name());
        found.with_context(|| format!("the backup has no {} database", role.name()))
    }
}

impl Copied {
    pub(crate) async fn of(
        role: Role,
        engine: Engine,
        migrations: Vec<i64>,
        file: String,
        path: &Path,
    ) -> anyhow::Result<Self> {
        let (bytes, sha256) = digest(path).await?;
        Ok(Self {
            role: role.name().to_owned(),
            engine,
            migrations,
            file,
            bytes,
            sha256,
        })
    }

    /// Nothing, if the file is as it was when the backup was made.
    pub(crate) async fn check(&self, folder: &Path) -> anyhow::Result<()> {
        let is_a_name = Path::new(&self.file).file_name() == Some(self.file.as_ref());
        ensure!(is_a_name, "`{}` is no name of a file", self.file);
        let path = folder.join(&self.file);
        let (bytes, sha256) = digest(&path).await?;
        ensure!(
            (bytes, &sha256) == (self.bytes, &self.sha256),
            "{} is not as it was when the backup was made",
            path.display()
        );
        Ok(())
    }
}

/// The length of a file, and its SHA-256.
async fn digest(path: &Path) -> anyhow::Result<(u64, String)> {
    let owned = path.to_owned();
    let read = move || {
        let mut file = File::open(owned)?;
        let (mut block, mut bytes, mut digest) = (vec![0; BLOCK], 0, Sha256::new());
        loop {
            let length = file.read(&mut block)?;
            if length == 0 {
                break;
            }
            digest.update(&block[..length]);
            bytes += length as u64;
        }
        let hash = digest.finalize();
        let hex: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        anyhow::Ok((bytes, hex.concat()))
    };
    let digested = tokio::task::spawn_blocking(read).await?;
    digested.with_context(|| format!("cannot read {}", path.display()))
}
