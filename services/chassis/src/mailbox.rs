//! The mailbox of a development installation: mails are kept as files, for
//! people to look at, where no mail server is configured. The newest are kept.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{Timestamp, parse_id};

/// How many mails are kept.
const KEPT: usize = 200;

/// A mail as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its id, which is also that of its `Message-ID`; later mails have greater
    /// ones.
    pub id: Uuid,
    /// When it was written.
    pub at: Timestamp,
    /// Who sends it, such as `Portico <portico@example.com>`.
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// What it says, as text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A folder with mails.
#[derive(Debug, Clone)]
pub struct Mailbox {
    folder: Arc<Path>,
}

impl Mailbox {
    /// The mailbox in this folder, which is made when it is needed.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Puts a mail in; the oldest give way. Putting it in again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub async fn put(&self, letter: Letter) -> io::Result<()> {
        self.run(move |folder| put(folder, &letter)).await
    }

    /// The mails, the newest first.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub async fn list(&self) -> io::Result<Vec<Letter>> {
        self.run(|folder| {
            let ids = ids(folder)?;
            ids.into_iter()
                .rev()
                .filter_map(|id| get(folder, id).transpose())
                .collect()
        })
        .await
    }

    /// The mail with an id.
    ///
    /// # Errors
    ///
    /// If its file cannot be read.
    pub async fn get(&self, id: Uuid) -> io::Result<Option<Letter>> {
        self.run(move |folder| get(folder, id)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || work(&folder)).await?
    }
}

fn file(folder: &Path, id: Uuid) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// The mails hold links that open accounts, so they are their owner's alone.
fn put(folder: &Path, letter: &Letter) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let part = folder.join(format!("{}.part", letter.id));
    let mut written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    written.write_all(&serde_json::to_vec(letter)?)?;
    // It appears at once and whole.
    fs::rename(&part, file(folder, letter.id))?;
    let ids = ids(folder)?;
    for id in &ids[..ids.len().saturating_sub(KEPT)] {
        if let Err(error) = fs::remove_file(file(folder, *id))
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    Ok(())
}

/// The ids of the mails, the oldest first.
fn ids(folder: &Path) -> io::Result<Vec<Uuid>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
        ids.extend(id.and_then(parse_id));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn get(folder: &Path, id: Uuid) -> io::Result<Option<Letter>> {
    match fs::read(file(folder, id)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn letter(number: u128) -> Letter {
        Letter {
            id: Uuid::from_u128(number),
            at: Timestamp::from_seconds(1),
            from: "Portico <portico@localhost>".to_owned(),
            to: "ada@example.com".to_owned(),
            subject: format!("Mail {number}"),
            text: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
        }
    }

    #[tokio::test]
    async fn an_empty_mailbox_needs_no_folder() {
        let folder = tempfile::tempdir().expect("folder");
        let mailbox = Mailbox::new(&folder.path().join("mailbox"));
        assert_eq!(mailbox.list().await.expect("read"), []);
        assert_eq!(mailbox.get(Uuid::nil()).await.expect("read"), None);
    }

    #[tokio::test]
    async fn the_newest_mail_comes_first_and_the_oldest_give_way() {
        let folder = tempfile::tempdir().expect("folder");
        let mailbox = Mailbox::new(folder.path());
        let count = KEPT as u128 + 3;
        for number in 1..=count {
            mailbox.put(letter(number)).await.expect("written");
        }
        mailbox.put(letter(count)).await.expect("written again");
        let kept = mailbox.list().await.expect("read");
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept.first(), Some(&letter(count)));
        assert_eq!(kept.last(), Some(&letter(4)));
        assert_eq!(mailbox.get(Uuid::from_u128(3)).await.expect("read"), None);
    }

    #[tokio::test]
    async fn a_mail_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let mailbox = Mailbox::new(&folder.path().join("mailbox"));
        mailbox.put(letter(7)).await.expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("mailbox")), 0o700);
        let path = file(&folder.path().join("mailbox"), Uuid::from_u128(7));
        assert_eq!(mode(&path), 0o600);
    }
}
