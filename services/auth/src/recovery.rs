//! Recovery codes: what signs somebody in whose authenticator is lost. No I/O,
//! no protobuf, no SQL.

use portico_chassis::clock::fill_random;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::secret::MasterKey;

/// How many codes a person gets.
const COUNT: usize = 10;

/// The length of a code before it is written out: 80 bits, too many to be
/// guessed, so that one round of hashing is enough (NIST SP 800-63B-4, 3.1.2.2).
const LENGTH: usize = 10;

/// After so many letters of a code stands a hyphen.
const GROUP: usize = 4;

/// The length of the hash of a code.
const HASH: usize = 32;

/// The recovery codes of a person that are left, as they are kept: by keyed
/// hashes, so that whoever has only the database can use none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecoveryCodes(Vec<[u8; HASH]>);

impl RecoveryCodes {
    /// New codes, and the texts that the person is shown.
    pub(crate) fn generate(master_key: &MasterKey, user_id: Uuid) -> (Self, Vec<String>) {
        let texts: Vec<String> = (0..COUNT).map(|_| new_text()).collect();
        let hashes = texts.iter().map(|text| hash(master_key, user_id, text));
        (Self(hashes.collect()), texts)
    }

    /// The codes that are left after one is used; `None` if it is none of them.
    /// The work is the same for every text.
    pub(crate) fn without(
        &self,
        master_key: &MasterKey,
        user_id: Uuid,
        text: &str,
    ) -> Option<Self> {
        let shown = hash(master_key, user_id, text);
        let mut left = self.clone();
        left.0.retain(|kept| !bool::from(kept.ct_eq(&shown)));
        (left.0.len() < self.0.len()).then_some(left)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many codes are left.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The hashes, one after the other.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Reads what [`RecoveryCodes::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (hashes, _rest) = bytes.as_chunks();
        Self(hashes.to_vec())
    }
}

fn new_text() -> String {
    let mut random = [0; LENGTH];
    fill_random(&mut random);
    let letters = data_encoding::BASE32_NOPAD.encode(&random).to_lowercase();
    let mut text = String::with_capacity(letters.len() + letters.len() / GROUP);
    for (place, letter) in letters.char_indices() {
        if place > 0 && place.is_multiple_of(GROUP) {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

/// The hash of what somebody shows, however it is grouped and in which case.
fn hash(master_key: &MasterKey, user_id: Uuid, text: &str) -> [u8; HASH] {
    let letters = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| letter.to_ascii_lowercase());
    let mut message = user_id.as_bytes().to_vec();
    message.extend(letters.collect::<String>().into_bytes());
    master_key.recovery_hash(&message)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);

    fn key() -> MasterKey {
        MasterKey::parse(&"A".repeat(43)).expect("key")
    }

    #[test]
    fn there_are_ten_different_codes_that_can_be_copied_by_hand() {
        let (codes, texts) = RecoveryCodes::generate(&key(), ADA);
        let different: HashSet<&String> = texts.iter().collect();
        assert_eq!((codes.0.len(), different.len()), (10, 10));
        for text in texts {
            assert_eq!(text.len(), 19, "{text}");
            assert!(text.split('-').all(|group| group.len() == 4), "{text}");
        }
    }

    #[test]
    fn each_code_is_good_once() {
        let (mut codes, texts) = RecoveryCodes::generate(&key(), ADA);
        for (used, text) in texts.into_iter().enumerate() {
            codes = codes.without(&key(), ADA, &text).expect("a code");
            assert_eq!(codes.len(), 9 - used);
            assert_eq!(codes.without(&key(), ADA, &text), None);
        }
        assert!(codes.is_empty());
    }

    #[test]
    fn a_code_is_known_however_it_is_written() {
        let (codes, texts) = RecoveryCodes::generate(&key(), ADA);
        let plain = texts[3].replace('-', "");
        for text in [&plain, &plain.to_uppercase(), &format!(" {} ", texts[3])] {
            assert!(codes.without(&key(), ADA, text).is_some(), "{text}");
        }
        for text in ["", "-", &plain[1..], &format!("{plain}a")] {
            assert_eq!(codes.without(&key(), ADA, text), None, "{text}");
        }
    }

    #[test]
    fn a_code_counts_for_its_person_under_the_master_key_only() {
        let (codes, texts) = RecoveryCodes::generate(&key(), ADA);
        let other = MasterKey::parse(&"B".repeat(44)).expect("key");
        assert_eq!(codes.without(&key(), Uuid::from_u128(2), &texts[0]), None);
        assert_eq!(codes.without(&other, ADA, &texts[0]), None);
    }

    #[test]
    fn codes_are_kept_as_bytes_that_do_not_tell_them() {
        let (codes, texts) = RecoveryCodes::generate(&key(), ADA);
        let bytes = codes.to_bytes();
        assert_eq!(RecoveryCodes::from_bytes(&bytes), codes);
        let first = texts[0].as_bytes();
        assert!(!bytes.windows(4).any(|part| part == &first[..4]));
    }
}
