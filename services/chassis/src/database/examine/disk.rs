//! The place of an embedded database: whether it can be written, and how much
//! room is left.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use crate::finding::Finding;

/// With less room nothing should be begun.
const LEAST_ROOM: u64 = 64 << 20;

/// Whether a database at this path can be written. What is not there yet is not
/// made.
#[must_use]
pub fn examine_file(path: &Path) -> Vec<Finding> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let writable = Access::READ_OK | Access::WRITE_OK;
    if let Err(error) = access(folder, writable | Access::EXEC_OK) {
        return vec![Finding::failure(format!(
            "the folder {} cannot be written: {error}; SQLite keeps its log there, beside the \
             database. Make it, or give it to the account that runs Portico",
            folder.display()
        ))];
    }
    let length = path.metadata().map_or(0, |file| file.len());
    if path.exists()
        && let Err(error) = access(path, writable)
    {
        return vec![Finding::failure(format!(
            "the file {} cannot be written: {error}; give it to the account that runs Portico",
            path.display()
        ))];
    }
    let room = match room(folder) {
        Ok(room) => room,
        Err(error) => {
            return vec![Finding::warning(format!(
                "the room on the disk is not known: {error}"
            ))];
        }
    };
    vec![
        Finding::fine(format!("the file {} can be written", path.display())),
        judge_room(room, length),
    ]
}

/// The room on the disk that a folder is on, in bytes.
///
/// # Errors
///
/// If the folder is not there.
pub fn room(folder: &Path) -> std::io::Result<u64> {
    let system = statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

fn judge_room(room: u64, database: u64) -> Finding {
    let told = format!(
        "the disk has room for {}; the database takes {}",
        Size(room),
        Size(database)
    );
    if room < LEAST_ROOM {
        Finding::failure(format!("{told}: free some, or move PORTICO_DATA_DIR"))
    } else if room < database.saturating_mul(2) {
        Finding::warning(format!(
            "{told}: a migration and a backup take as much again, each"
        ))
    } else {
        Finding::fine(told)
    }
}

/// A size as people read it.
struct Size(u64);

impl std::fmt::Display for Size {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mebibytes = self.0.div_ceil(1 << 20);
        if mebibytes < 10_000 {
            write!(formatter, "{mebibytes} MiB")
        } else {
            write!(formatter, "{} GiB", mebibytes >> 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Verdict;

    #[test]
    fn little_room_is_told_of_before_it_is_used_up() {
        const GIB: u64 = 1 << 30;
        for (room, database, expected) in [
            (60 << 20, 0, Verdict::Failure),
            (100 << 20, 10 << 20, Verdict::Fine),
            (3 * GIB, 2 * GIB, Verdict::Warning),
            (4 * GIB, 2 * GIB, Verdict::Fine),
        ] {
            let finding = judge_room(room, database);
            assert_eq!(finding.verdict, expected, "{}", finding.text);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/users.db");
        let findings = examine_file(&path);
        assert_eq!(findings[0].verdict, Verdict::Failure);
        assert!(findings[0].text.contains("data cannot be written"));
        assert!(!folder.path().join("data").exists());
        let path = folder.path().join("users.db");
        assert_eq!(examine_file(&path)[0].verdict, Verdict::Fine);
        assert!(!path.exists());
    }
}
