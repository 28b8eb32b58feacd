//! SQLite's write-ahead log on disk. SQLite itself could sync the log at every
//! commit, but its one writer would then stand still for every sync. So the
//! next change goes on while the changes before it are synced, and all that
//! were committed meanwhile are synced at once. Each change is acknowledged
//! after the sync that it waited for, and the log is read in its order, so that
//! what is acknowledged outlasts a loss of power with all that was before it.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Mutex, task::spawn_blocking};

use crate::status::Error;

/// The log of one database file.
#[derive(Debug)]
pub(super) struct Log {
    path: Arc<Path>,
    /// How often somebody wanted it synced.
    asked: AtomicU64,
    /// How many of them have what they wanted. Whoever holds the lock syncs, and
    /// the others wait for it.
    synced: Mutex<Synced>,
}

#[derive(Debug)]
enum Synced {
    UpTo(u64),
    /// A sync has failed. The system may then forget what it could not write,
    /// and say of the next sync that it succeeded.
    Failed,
}

impl Log {
    /// The log of the database in a file.
    pub(super) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self {
            path: PathBuf::from(path).into(),
            asked: AtomicU64::new(0),
            synced: Mutex::new(Synced::UpTo(0)),
        }
    }

    /// Waits until everything that was committed before is on disk.
    ///
    /// # Errors
    ///
    /// `SERVICE_UNAVAILABLE` if a sync has failed, from then on for ever: only a
    /// new start reads what is really there.
    pub(super) async fn sync(&self) -> Result<(), Error> {
        let wanted = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut synced = self.synced.lock().await;
        match *synced {
            Synced::UpTo(reached) if reached >= wanted => return Ok(()),
            Synced::UpTo(_) => {}
            Synced::Failed => return Err(Error::unavailable("an earlier sync failed")),
        }
        let reached = self.asked.load(Ordering::Acquire);
        let path = self.path.clone();
        let done = spawn_blocking(move || sync(&path)).await;
        match done.map_err(io::Error::other).flatten() {
            Ok(()) => {
                *synced = Synced::UpTo(reached);
                Ok(())
            }
            Err(error) => {
                *synced = Synced::Failed;
                tracing::error!(%error, "changes do not reach the disk: restart Portico");
                Err(Error::unavailable(error))
            }
        }
    }
}

/// The file is opened anew each time: SQLite may have made another one.
fn sync(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(log) => log.sync_data(),
        // SQLite removes a log when all of it is in the database, and synced.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Kind;

    /// A log in a folder of its own.
    fn log() -> (tempfile::TempDir, Log) {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("place");
        std::fs::create_dir(&place).expect("made");
        let log = Log::of(&place.join("test.db"));
        File::create(&log.path).expect("made");
        (folder, log)
    }

    #[tokio::test]
    async fn those_who_wait_for_a_sync_share_the_next_one() {
        let (folder, log) = log();
        let held = log.synced.lock().await;
        let mut first = std::pin::pin!(log.sync());
        let mut second = std::pin::pin!(log.sync());
        assert!(futures::poll!(first.as_mut()).is_pending());
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(held);
        first.await.expect("synced");
        // Another sync would fail.
        std::fs::remove_dir_all(folder.path().join("place")).expect("removed");
        File::create(folder.path().join("place")).expect("a file where the folder was");
        second.await.expect("synced with the first");
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_any_more_after_a_sync_that_failed() {
        let (folder, log) = log();
        let place = folder.path().join("place");
        std::fs::remove_dir_all(&place).expect("removed");
        File::create(&place).expect("a file where the folder was");
        let refused = log.sync().await.expect_err("not on disk");
        assert_eq!(refused.kind, Kind::Unavailable);
        std::fs::remove_file(place).expect("removed");
        log.sync().await.expect_err("the next one proves nothing");
    }

    #[tokio::test]
    async fn a_log_that_sqlite_removed_is_in_the_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::of(&folder.path().join("test.db"));
        log.sync().await.expect("nothing to sync");
    }
}
