//! `portico backup`: copies all databases, as they are at one instant, while
//! everything runs: files of SQLite by itself, PostgreSQL's databases by its own
//! `pg_dump`. The secrets that the program is given from outside are not in it.
//!
//! The folder gets its name when all of it is on the disk. What is cut off
//! before has another name, and no manifest.

pub(super) mod manifest;
pub(super) mod postgres;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};
use portico_chassis::{
    clock::{Clock, Timestamp},
    database::{Database, DatabaseUrl, PostgresView, SqliteView, room},
};

use self::manifest::{Copied, Engine, Manifest};
use super::{Outcome, print};
use crate::{
    services::open,
    settings::{Role, Settings},
};

/// The roles that have a database, callers after those they call.
pub(super) const ROLES: [Role; 4] = [Role::Users, Role::Projects, Role::Auth, Role::Notifications];

/// A database, and how it is copied.
struct Source<'a> {
    role: Role,
    url: &'a DatabaseUrl,
    database: Database,
    migrations: Vec<i64>,
    /// The name of the copy in the backup.
    name: String,
    view: View,
}

/// What a database was at the instant of the backup.
enum View {
    /// Not taken yet.
    Waits,
    Postgres(PostgresView),
    Sqlite(SqliteView),
}

pub(super) async fn run(settings: &Settings, folder: &Path) -> Outcome {
    let urls = urls(settings)?;
    ensure!(
        !folder.exists(),
        "{} is there already: name a new folder",
        folder.display()
    );
    let partial = beside(folder, "partial")?;
    DirBuilder::new()
        .mode(0o700)
        .create(&partial)
        .with_context(|| {
            format!(
                "cannot make {}; if it is left from a backup that was cut off, remove it",
                partial.display()
            )
        })?;
    let taken = take(&urls, &partial).await;
    let manifest = match taken {
        Ok(manifest) => manifest,
        Err(error) => {
            // It is of no use, and may be what has filled the disk.
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
    };
    fs::rename(&partial, folder).with_context(|| format!("cannot make {}", folder.display()))?;
    sync_folder(folder.parent())?;
    let size: u64 = manifest.databases.iter().map(|copied| copied.bytes).sum();
    print(&format!(
        "{}: {} databases, {} KiB, as of {}",
        folder.display(),
        manifest.databases.len(),
        size.div_ceil(1024),
        manifest.taken_at
    ))?;
    print(
        "PORTICO_MASTER_KEY is not in it, and without that key nobody signs in by what is: keep it \
         somewhere else",
    )
}

/// The databases of all roles: a part of them would be of no use.
pub(super) fn urls(settings: &Settings) -> anyhow::Result<Vec<(Role, &DatabaseUrl)>> {
    let mut urls = Vec::new();
    for role in ROLES {
        let Some(url) = &settings.place(role).database else {
            bail!(
                "{} is not set: a backup has the databases of all roles",
                role.variable("DATABASE_URL")
            );
        };
        urls.push((role, url));
    }
    Ok(urls)
}

/// A name beside a folder's.
fn beside(folder: &Path, ending: &str) -> anyhow::Result<PathBuf> {
    let name = folder
        .file_name()
        .with_context(|| format!("{} is no name for a folder", folder.display()))?;
    let mut name = name.to_owned();
    name.push(".");
    name.push(ending);
    Ok(folder.with_file_name(name))
}

/// Copies all databases into a folder, with the manifest last.
async fn take(urls: &[(Role, &DatabaseUrl)], folder: &Path) -> anyhow::Result<Manifest> {
    check_room(urls, folder)?;
    let mut sources = Vec::new();
    for (role, url) in urls {
        sources.push(Source::open(*role, url, folder).await?);
    }
    let taken_at = view_all(&mut sources).await?;
    let mut databases = Vec::new();
    for source in sources {
        let name = source.role.name();
        let copied = source
            .copy(folder)
            .await
            .with_context(|| format!("cannot copy the {name} database"))?;
        databases.push(copied);
    }
    let manifest = Manifest::new(taken_at, databases);
    manifest.write(folder)?;
    sync_folder(Some(folder))?;
    Ok(manifest)
}

/// Tells before anything is written that a disk is too small for the files.
fn check_room(urls: &[(Role, &DatabaseUrl)], folder: &Path) -> anyhow::Result<()> {
    let mut needed = 0;
    for (_, url) in urls {
        if let DatabaseUrl::Sqlite(path) = url {
            needed += path.metadata().map_or(0, |file| file.len());
        }
    }
    let room = room(folder)?;
    ensure!(
        room >= needed,
        "the disk has room for {} KiB, and the databases take up to {} KiB: name a folder on \
         another one",
        room / 1024,
        needed / 1024
    );
    Ok(())
}

/// Takes a view of each database while nobody writes to any; answers when.
async fn view_all(sources: &mut [Source<'_>]) -> anyhow::Result<Timestamp> {
    let begun = Instant::now();
    let mut pauses = Vec::new();
    for source in &*sources {
        let pause = source.database.pause().await;
        let name = source.role.name();
        pauses.push(pause.with_context(|| {
            format!("somebody writes to the {name} database all the time; try again later")
        })?);
    }
    for source in &mut *sources {
        source
            .take_view()
            .await
            .with_context(|| format!("cannot read the {} database", source.role.name()))?;
    }
    let taken_at = Clock::system().now();
    for pause in pauses {
        pause.end().await?;
    }
    tracing::debug!(waited = ?begun.elapsed(), "nobody wrote");
    Ok(taken_at)
}

impl<'a> Source<'a> {
    async fn open(role: Role, url: &'a DatabaseUrl, folder: &Path) -> anyhow::Result<Self> {
        if let DatabaseUrl::Sqlite(path) = url {
            ensure!(path.exists(), "there is no database {}", path.display());
        }
        let database = open(url, 2).await?;
        let migrations = database
            .applied()
            .await
            .with_context(|| format!("the {} database does not answer", role.name()))?;
        let name = match url {
            DatabaseUrl::Postgres(_) => format!("{}.dump", role.name()),
            DatabaseUrl::Sqlite(_) => format!("{}.db", role.name()),
        };
        let copy = folder.join(&name);
        make_file(&copy)?;
        let view = match url {
            DatabaseUrl::Postgres(_) => View::Waits,
            DatabaseUrl::Sqlite(path) => View::Sqlite(
                SqliteView::prepare(path, &copy)
                    .await
                    .with_context(|| format!("cannot open {}", path.display()))?,
            ),
        };
        Ok(Self {
            role,
            url,
            database,
            migrations,
            name,
            view,
        })
    }

    async fn take_view(&mut self) -> anyhow::Result<()> {
        match (&mut self.view, &self.database) {
            (View::Sqlite(view), _) => view.take().await?,
            (view, Database::Postgres(database)) => {
                *view = View::Postgres(PostgresView::take(database).await?);
            }
            (_, Database::Sqlite(_)) => {}
        }
        Ok(())
    }

    /// Copies what the view shows.
    async fn copy(self, folder: &Path) -> anyhow::Result<Copied> {
        let path = folder.join(&self.name);
        let engine = match self.view {
            View::Sqlite(view) => {
                view.copy().await?;
                Engine::Sqlite
            }
            View::Postgres(view) => {
                postgres::dump(self.url, &view, &path).await?;
                let schema = view.schema.clone();
                view.end().await?;
                Engine::Postgres { schema }
            }
            View::Waits => bail!("no view of it was taken"),
        };
        self.database.close().await;
        File::open(&path)?.sync_all()?;
        Copied::of(self.role, engine, self.migrations, self.name, &path).await
    }
}

/// Makes an empty file for its owner alone.
pub(super) fn make_file(path: &Path) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    Ok(())
}

/// Has the names in a folder reach the disk.
pub(super) fn sync_folder(folder: Option<&Path>) -> anyhow::Result<()> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot write {}", folder.display()))
}
