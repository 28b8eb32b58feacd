//! The secrets of a development installation: made once, kept in the data
//! folder, readable by their owner alone. Production brings its own.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::Context as _;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use portico_chassis::clock::fill_random;

/// The secret kept in the file `name`; a new one if there is none yet.
pub(crate) fn read_or_make(folder: &Path, name: &str) -> anyhow::Result<String> {
    let path = folder.join(name);
    make_folder(folder)?;
    let mut random = [0; 32];
    fill_random(&mut random);
    let secret = BASE64_STANDARD.encode(random);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    match made {
        Ok(mut file) => {
            file.write_all(secret.as_bytes())
                .and_then(|()| file.sync_all())
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let kept = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Ok(kept.trim().to_owned())
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

/// A password that nobody guesses, for the first administrator.
pub(crate) fn random_password() -> String {
    let mut random = [0; 12];
    fill_random(&mut random);
    BASE64_URL_SAFE_NO_PAD.encode(random)
}

/// Makes the data folder, for its owner alone.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| {
            format!(
                "cannot make the data folder {}; choose another by PORTICO_DATA_DIR",
                folder.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        let first = read_or_make(&data, "key").expect("made");
        assert_eq!(read_or_make(&data, "key").expect("kept"), first);
        assert_ne!(read_or_make(&data, "other").expect("made"), first);
        let mode = fs::metadata(data.join("key"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
