//! Files of SQLite: each is copied beside the one that it is to be, and renamed
//! when all of them are there.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use portico_chassis::{
    clock::Clock,
    database::{DatabaseUrl, be_alone, check_file},
};

use crate::{
    commands::backup::{make_file, sync_folder},
    secrets,
};

/// Nothing, if a file may be made at this path, or replaced.
pub(super) async fn check(path: &Path, may_replace: bool) -> anyhow::Result<()> {
    if !path.exists() {
        // SQLite would take the log of another database for that of this one.
        let log = with_ending(path, "-wal");
        ensure!(
            !log.exists(),
            "{} is left from a database that is not there any more: remove it",
            log.display()
        );
        return Ok(());
    }
    ensure!(
        may_replace,
        "{} is there already: name another place by its setting, or put it aside by --replace",
        path.display()
    );
    be_alone(path)
        .await
        .with_context(|| format!("stop what uses {} first", path.display()))
}

/// A database that waits beside its place.
pub(super) struct Staged {
    file: PathBuf,
    place: PathBuf,
    is_in_place: bool,
}

impl Staged {
    /// Copies a database, and checks that it is whole.
    pub(super) async fn copy(copy: &Path, place: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = place
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            secrets::make_folder(folder)?;
        }
        let staged = Self {
            file: with_ending(place, ".restoring"),
            place: place.to_owned(),
            is_in_place: false,
        };
        // What another attempt has left that was cut off.
        staged.remove();
        make_file(&staged.file)?;
        let (from, to) = (copy.to_owned(), staged.file.clone());
        let copied = move || {
            let mut source = File::open(from)?;
            let mut target = File::options().write(true).open(to)?;
            std::io::copy(&mut source, &mut target)?;
            target.sync_all()
        };
        tokio::task::spawn_blocking(copied)
            .await?
            .with_context(|| format!("cannot write {}", staged.file.display()))?;
        check_file(&staged.file).await?;
        Ok(staged)
    }

    pub(super) fn url(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.file.clone())
    }

    /// Renames it, and puts aside what was there.
    pub(super) async fn put_in_place(mut self) -> anyhow::Result<()> {
        // What was done with it may still be in its log.
        be_alone(&self.file).await?;
        if self.place.exists() {
            let now = Clock::system().now().seconds();
            let aside = with_ending(&self.place, &format!(".replaced-{now}"));
            fs::rename(&self.place, &aside)
                .with_context(|| format!("cannot put {} aside", self.place.display()))?;
        }
        fs::rename(&self.file, &self.place)
            .with_context(|| format!("cannot make {}", self.place.display()))?;
        self.is_in_place = true;
        sync_folder(self.place.parent())
    }

    /// Removes it, with the log that SQLite may have beside it.
    fn remove(&self) {
        for ending in ["", "-wal", "-shm"] {
            // Mostly there is none.
            let _ = fs::remove_file(with_ending(&self.file, ending));
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_in_place {
            self.remove();
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
