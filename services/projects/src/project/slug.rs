//! The name of a project in URLs.

use portico_chassis::clock::parse_id;
use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::{Name, Refusal};

/// The greatest length of a slug.
const MAX_LENGTH: usize = 63;

/// The letters of a suffix, one for each half byte: no vowels, so that no words
/// come about by chance, and no two that look alike.
const SUFFIX_LETTERS: &[u8; 16] = b"bcdfghjkmnpqrstv";

/// Words of `a-z` and `0-9` with single dashes between them, 3 to 63 characters
/// in all; and no UUID, which would be taken for an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Slug(String);

impl Slug {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let is_bounded = (3..=MAX_LENGTH).contains(&text.len());
        if is_bounded && text.split('-').all(is_word) && parse_id(text).is_none() {
            return Ok(Self(text.to_owned()));
        }
        Err((
            "SLUG_INVALID",
            "must be 3 to 63 characters of a-z, 0-9 and single dashes between them, and no UUID"
                .to_owned(),
        ))
    }

    /// A slug that reads like a name. Letters lose their accents; what has no
    /// place in a slug becomes a dash.
    pub(crate) fn from_name(name: &Name) -> Self {
        let mut slug = String::new();
        for letter in name.as_str().nfkd().filter(|&l| !is_combining_mark(l)) {
            if letter.is_ascii_alphanumeric() {
                slug.push(letter.to_ascii_lowercase());
            } else if !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = cut(&slug, MAX_LENGTH);
        if slug.is_empty() {
            return Self("project".to_owned());
        }
        // Too short, or a UUID.
        Self::parse(slug).unwrap_or_else(|_| Self(format!("project-{slug}")))
    }

    /// The slug with a suffix that tells it from others.
    pub(crate) fn with_suffix(&self, random: [u8; 3]) -> Self {
        let half_bytes = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let suffix: String = half_bytes
            .map(|half| char::from(SUFFIX_LETTERS[usize::from(half)]))
            .collect();
        let stem = cut(&self.0, MAX_LENGTH - 1 - suffix.len());
        Self(format!("{stem}-{suffix}"))
    }

    /// A slug that was accepted before.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// At most so many bytes of an ASCII text, without dashes around them.
fn cut(text: &str, length: usize) -> &str {
    let text = text.trim_start_matches('-');
    text.get(..length).unwrap_or(text).trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_from(name: &str) -> String {
        let slug = Slug::from_name(&Name::parse(name).expect(name));
        Slug::parse(slug.as_str()).expect("a made slug is a slug");
        slug.0
    }

    #[test]
    fn a_slug_has_words_with_single_dashes_between_them() {
        for text in ["abc", "a-1", "the-2nd-engine", &"a".repeat(63)] {
            assert_eq!(Slug::parse(text).expect(text).as_str(), text);
        }
        for text in [
            "",
            "ab",
            "-abc",
            "abc-",
            "a--b",
            "Abc",
            "a_b",
            "a b",
            "caf\u{e9}",
            "a\u{0}b",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            &"a".repeat(64),
        ] {
            assert_eq!(Slug::parse(text).expect_err(text).0, "SLUG_INVALID");
        }
    }

    #[test]
    fn a_slug_reads_like_the_name() {
        assert_eq!(
            made_from("Difference Engine No. 2"),
            "difference-engine-no-2"
        );
        assert_eq!(made_from("Caf\u{e9} au lait!"), "cafe-au-lait");
        assert_eq!(made_from("(x) y"), "x-y");
    }

    #[test]
    fn a_name_of_which_too_little_remains_gets_a_slug_all_the_same() {
        assert_eq!(made_from("\u{65e5}\u{672c}"), "project");
        assert_eq!(made_from("Go"), "project-go");
        assert_eq!(
            made_from("01890a5d-ac96-774b-bcce-b302099a8057"),
            "project-01890a5d-ac96-774b-bcce-b302099a8057"
        );
    }

    #[test]
    fn a_long_name_is_cut_at_the_bound() {
        assert_eq!(made_from(&"a".repeat(100)), "a".repeat(63));
        let at_a_dash = format!("{} b", "a".repeat(62));
        assert_eq!(made_from(&at_a_dash), "a".repeat(62));
    }

    #[test]
    fn a_suffix_tells_apart_and_keeps_the_bound() {
        let slug = Slug::parse("engine").expect("valid");
        assert_eq!(slug.with_suffix([0x01, 0x23, 0xff]).0, "engine-bcdfvv");
        let long = Slug::parse(&"a".repeat(63)).expect("valid");
        let suffixed = long.with_suffix([0, 0, 0]);
        assert_eq!(suffixed.0.len(), 63);
        assert!(Slug::parse(&suffixed.0).is_ok());
    }
}
