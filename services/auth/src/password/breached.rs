//! The full list of breached passwords that an operator may bring along, in the
//! public format: one SHA-1 a line, in order, `HASH:count`.
//!
//! The file, some forty gigabytes, is searched where it lies, by reads at a
//! place. It is not mapped into memory: that would need `unsafe`, a file that is
//! cut short meanwhile would end the process, and what was looked at would count
//! as its memory. Since hashes are spread evenly, a place in the file is guessed
//! from the hash, and a look-up takes about four reads of a page.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::fs::FileExt as _,
    path::Path,
};

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A SHA-1.
type Hash = [u8; 20];

/// How much is read at a place.
const PAGE: u64 = 4096;

/// More than any line has: forty digits, a colon, a number, and an end.
const LONGEST_LINE: u64 = 80;

/// As much of a file is checked line by line at the start.
const CHECKED: u64 = 16 << 20;

/// In as many places is the rest of it checked.
const PROBES: u64 = 512;

/// A list of hashes in order.
#[derive(Debug)]
pub(super) struct BreachedFile {
    file: File,
    length: u64,
}

impl BreachedFile {
    /// Opens a list, and checks that it is one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and in which line.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || -> anyhow::Result<Self> {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            let list = Self { file, length };
            list.check()?;
            Ok(list)
        };
        let name = path.display();
        open().with_context(|| format!("PORTICO_BREACHED_PASSWORDS_FILE: {name}"))
    }

    /// Whether a password is in the list.
    pub(super) fn contains(&self, password: &str) -> io::Result<bool> {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let mut wanted = [0; 20];
        wanted.copy_from_slice(digest.as_ref());
        self.search(&wanted)
    }

    /// Narrows down where the line of a hash begins, between two lines that are
    /// known to be before and after it.
    fn search(&self, wanted: &Hash) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.length);
        let (mut least, mut most) = (0, u64::MAX);
        let mut is_halved = false;
        while high - low > PAGE {
            let guess = match is_halved {
                // By turns, so that a list that is not spread evenly costs no
                // more than a binary search, twice.
                true => low + (high - low) / 2,
                false => guess(head(wanted), (low, high), (least, most)),
            };
            is_halved = !is_halved;
            let middle = guess.saturating_sub(PAGE / 2).clamp(low, high - PAGE);
            let page = self.read(middle, PAGE)?;
            let lines = lines(&page, middle, middle == low);
            let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
                return Err(malformed(middle));
            };
            let (first_hash, last_hash) = (hash_at(first)?, hash_at(last)?);
            if *wanted < first_hash {
                (high, most) = (first.0, head(&first_hash));
            } else if *wanted > last_hash {
                (low, least) = (last.0, head(&last_hash));
            } else {
                return is_among(&lines, wanted);
            }
        }
        let page = self.read(low, high - low)?;
        is_among(&lines(&page, low, true), wanted)
    }

    fn read(&self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut page = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut page, at)?;
        Ok(page)
    }

    /// Checks the lines at the beginning, and some further on: all of a large
    /// list would take minutes.
    fn check(&self) -> anyhow::Result<()> {
        let mut last = None;
        let reader = BufReader::new((&self.file).take(CHECKED.min(self.length)));
        let is_whole = self.length <= CHECKED;
        let mut lines = reader.split(b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            if !is_whole && lines.peek().is_none() {
                break; // It goes on after what is read.
            }
            let number = index + 1;
            let hash = hash_of(&line?)
                .with_context(|| format!("line {number} is not `SHA-1 in 40 digits:count`"))?;
            if last.is_some_and(|last| last >= hash) {
                bail!("line {number} is not in the order of the hashes");
            }
            last = Some(hash);
        }
        if last.is_none() {
            bail!("line 1 is missing: the list is empty");
        }
        if !is_whole {
            self.probe()?;
        }
        Ok(())
    }

    /// Checks some pages of what comes after the beginning.
    fn probe(&self) -> anyhow::Result<()> {
        let mut before = None;
        let begin = CHECKED.min(self.length - PAGE);
        for probe in 1..=PROBES {
            let at = begin + (self.length - PAGE - begin) / PROBES * probe;
            let page = self.read(at, PAGE)?;
            let mut hashes = Vec::new();
            for (place, line) in lines(&page, at, false) {
                let hash = hash_of(line)
                    .with_context(|| format!("the line at byte {place} is not `SHA-1:count`"))?;
                hashes.push(hash);
            }
            let first = hashes.first().copied();
            if first < before || !hashes.is_sorted() {
                bail!("the lines at byte {at} are not in the order of the hashes");
            }
            before = first;
        }
        Ok(())
    }
}

/// The first 64 bits of a hash.
fn head(hash: &Hash) -> u64 {
    let mut head = [0; 8];
    head.copy_from_slice(&hash[..8]);
    u64::from_be_bytes(head)
}

/// Where in a part of the file a hash should be, between the hashes at its ends.
fn guess(wanted: u64, (low, high): (u64, u64), (least, most): (u64, u64)) -> u64 {
    let share = wanted.saturating_sub(least) as f64 / most.saturating_sub(least).max(1) as f64;
    low + ((high - low) as f64 * share.clamp(0.0, 1.0)) as u64
}

/// The whole lines of a page, each with its place in the file. Unless the page
/// begins with a line, what is before the first end of a line belongs to another.
fn lines(page: &[u8], at: u64, is_aligned: bool) -> Vec<(u64, &[u8])> {
    let mut lines = Vec::new();
    let mut begin = match is_aligned {
        true => Some(0),
        false => page
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|end| end + 1),
    };
    while let Some(start) = begin {
        let rest = &page[start..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let is_last = end.is_none();
        let line = &rest[..end.unwrap_or(rest.len())];
        // The last one may be cut off, or the last of the file without an end.
        if !line.is_empty() && (!is_last || hash_of(line).is_some()) {
            lines.push((at + start as u64, line));
        }
        begin = end.map(|end| start + end + 1);
    }
    lines
}

fn hash_at(line: &(u64, &[u8])) -> io::Result<Hash> {
    hash_of(line.1).ok_or_else(|| malformed(line.0))
}

fn is_among(lines: &[(u64, &[u8])], wanted: &Hash) -> io::Result<bool> {
    for line in lines {
        if hash_at(line)? == *wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The hash of a line: forty digits, then nothing or a colon and a number.
fn hash_of(line: &[u8]) -> Option<Hash> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(40)?;
    let is_count = |rest: &[u8]| {
        rest.len() as u64 <= LONGEST_LINE
            && rest[0] == b':'
            && rest.len() > 1
            && rest[1..].iter().all(u8::is_ascii_digit)
    };
    if !rest.is_empty() && !is_count(rest) {
        return None;
    }
    let mut hash = [0; 20];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(hash)
}

fn malformed(at: u64) -> io::Error {
    let message = format!("the list of breached passwords has no hash at byte {at}");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Write as _, fs};

    use super::*;

    fn hex(hash: &[u8]) -> String {
        hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        })
    }

    fn sha1(password: &str) -> Vec<u8> {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
            .as_ref()
            .to_vec()
    }

    fn open(text: &[u8]) -> anyhow::Result<BreachedFile> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("breached.txt");
        fs::write(&path, text).expect("written");
        BreachedFile::open(&path)
    }

    /// A list of this many passwords, with counts of different lengths.
    fn list(count: usize, end: &str) -> String {
        let hashes: BTreeMap<_, _> = (0..count)
            .map(|number| (sha1(&format!("password {number}")), number * number))
            .collect();
        let lines = hashes
            .iter()
            .map(|(hash, count)| format!("{}:{count}{end}", hex(hash)));
        lines.collect()
    }

    #[test]
    fn every_password_of_a_list_is_found_and_no_other() {
        for count in [1, 2, 100, 5_000] {
            for end in ["\n", "\r\n"] {
                let list = open(list(count, end).as_bytes()).expect("a list");
                for number in 0..count {
                    let password = format!("password {number}");
                    assert!(list.contains(&password).expect("read"), "{password}");
                }
                for number in count..count + 500 {
                    let password = format!("password {number}");
                    assert!(!list.contains(&password).expect("read"), "{password}");
                }
            }
        }
    }

    #[test]
    fn a_list_without_counts_or_a_last_end_is_one_too() {
        let text = hex(&sha1("hunter2")).to_lowercase();
        let list = open(text.as_bytes()).expect("a list");
        assert!(list.contains("hunter2").expect("read"));
        assert!(!list.contains("hunter3").expect("read"));
    }

    #[test]
    fn hashes_that_are_not_spread_evenly_are_found() {
        // All but one begin with the same digits.
        let mut text = String::new();
        for number in 0..20_000_u32 {
            let _ = writeln!(text, "{:032X}{number:08X}:1", 7);
        }
        let far = [0xff; 20];
        let _ = writeln!(text, "{}:1", hex(&far));
        let list = open(text.as_bytes()).expect("a list");
        for number in [0_u32, 1, 9_999, 19_999, 20_000] {
            let mut hash = [0; 20];
            hash[15] = 7;
            hash[16..].copy_from_slice(&number.to_be_bytes());
            assert_eq!(list.search(&hash).expect("read"), number < 20_000);
        }
        assert!(list.search(&far).expect("read"));
    }

    #[test]
    fn what_is_no_list_is_refused_by_its_line() {
        let good = list(3, "\n");
        let lines: Vec<&str> = good.lines().collect();
        for (text, expected) in [
            (String::new(), "line 1 is missing"),
            ("password\n".to_owned(), "line 1 is not `SHA-1"),
            (format!("{good}{}", &lines[0][..39]), "line 4 is not `SHA-1"),
            (format!("{}\nX\n{}", lines[0], lines[1]), "line 2 is not"),
            (
                format!("{}\n{}", lines[1], lines[0]),
                "line 2 is not in the order",
            ),
            (format!("{}\n{}x", lines[0], lines[1]), "line 2 is not"),
            (format!("{}\n\n{}", lines[0], lines[1]), "line 2 is not"),
        ] {
            let error = format!("{:#}", open(text.as_bytes()).expect_err(expected));
            assert!(error.contains(expected), "{error}");
            assert!(error.contains("PORTICO_BREACHED_PASSWORDS_FILE"), "{error}");
        }
        let binary = open(&[0xff; 10_000]).expect_err("no list");
        assert!(format!("{binary:#}").contains("line 1"), "{binary:#}");
    }

    #[test]
    fn a_list_that_is_cut_short_meanwhile_is_an_error_and_no_crash() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("breached.txt");
        fs::write(&path, list(5_000, "\n")).expect("written");
        let list = BreachedFile::open(&path).expect("a list");
        fs::write(&path, "").expect("written");
        assert!(list.contains("password 1").is_err());
    }
}
