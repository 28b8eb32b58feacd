//! How hard a password would be to guess: a modest estimate for people who
//! choose one, and no promise.
//!
//! The well-known libraries carry dictionaries that take megabytes of memory
//! from their first use on. This has none but the common passwords that are here
//! anyway: what counts is the length, less what repeats, goes on in a row, is
//! common, or belongs to the person. Letters count like those of words, because
//! people choose words.

use super::{Password, common};

/// What one more letter is worth in bits, what one more digit or sign, what one
/// more of the same or of a row, and what a known part is.
const LETTER: f64 = 2.2;
const OTHER: f64 = 3.3;
const PREDICTABLE: f64 = 0.5;
const KNOWN: f64 = 4.0;

/// The bits from which on the score is 1, 2, 3, 4.
const SCORES: [f64; 4] = [12.0, 20.0, 28.0, 36.0];

/// A shorter part of somebody's name or address is no reason.
const SHORTEST_PART: usize = 3;

/// The rows of a keyboard, which fingers run along.
const ROWS: [&str; 4] = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop"];

/// An estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strength {
    /// From 0, guessed at once, to 4, not worth the while.
    pub(crate) score: u8,
    /// What to do about it; nothing if it is good.
    pub(crate) hint: Option<&'static str>,
}

/// How hard a password is to guess for whoever knows these things of a person.
pub(crate) fn estimate(password: &Password, personal: &[&str]) -> Strength {
    let folded = password.0.to_lowercase();
    let (rest, is_personal) = without(folded, &parts(personal));
    let (rest, is_common) = without_common(rest);
    let mut bits = KNOWN * f64::from(u8::from(is_personal) + u8::from(is_common));
    let letters: Vec<char> = rest.chars().collect();
    let mut predictable = 0;
    for (index, letter) in letters.iter().enumerate() {
        let is_predictable = index >= 2 && goes_on(&letters[index - 2..=index])
            || index >= 1 && letters[index - 1] == *letter
            || is_repeated(&letters, index);
        predictable += usize::from(is_predictable);
        bits += match is_predictable {
            true => PREDICTABLE,
            false if letter.is_alphabetic() => LETTER,
            false => OTHER,
        };
    }
    let reached = SCORES.iter().filter(|least| bits >= **least).count();
    let score = u8::try_from(reached).unwrap_or(0);
    let hint = match score {
        3.. => None,
        _ if is_personal => Some("Your name and address are guessed first. Leave them out."),
        _ if is_common => {
            Some("A part of it is very common. Use words that do not belong together.")
        }
        _ if predictable * 3 > letters.len() => {
            Some("Repetitions and rows such as abc or 123 add little. Use something else.")
        }
        _ => Some("Make it longer: add a word or two that do not belong together."),
    };
    Strength { score, hint }
}

/// The parts of what is known of a person, the longest first.
fn parts(personal: &[&str]) -> Vec<String> {
    let split = |text: &&str| -> Vec<String> {
        let lower = text.to_lowercase();
        let words = lower.split(|letter: char| !letter.is_alphanumeric());
        words.map(str::to_owned).collect()
    };
    let mut parts: Vec<String> = personal.iter().flat_map(split).collect();
    parts.retain(|part| part.chars().count() >= SHORTEST_PART);
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}

/// A text without these parts, and whether it had one.
fn without(text: String, parts: &[String]) -> (String, bool) {
    let mut rest = text;
    let mut had_one = false;
    for part in parts {
        if rest.contains(part) {
            rest = rest.replace(part, "");
            had_one = true;
        }
    }
    (rest, had_one)
}

/// A password without the common one in it, if what is before and after that are
/// digits and signs, and digits may stand for letters.
fn without_common(text: String) -> (String, bool) {
    let is_letter = |letter: char| letter.is_alphabetic();
    let Some(begin) = text.find(is_letter) else {
        return (text, false);
    };
    let end = text.rfind(is_letter).map_or(text.len(), |at| {
        at + text[at..].chars().next().map_or(0, char::len_utf8)
    });
    let core = &text[begin..end];
    let plain: String = core.chars().map(letter_meant).collect();
    if common::is_common(core) || common::is_common(&plain) {
        let around = format!("{}{}", &text[..begin], &text[end..]);
        return (around, true);
    }
    (text, false)
}

/// The letter that a digit or sign is often written for.
fn letter_meant(letter: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Whether three letters go on in a row: of the alphabet, of digits or of a
/// keyboard, forwards or backwards.
fn goes_on(three: &[char]) -> bool {
    let step = |one: char, next: char| i64::from(u32::from(next)) - i64::from(u32::from(one));
    let first = step(three[0], three[1]);
    if first.abs() == 1 && step(three[1], three[2]) == first {
        return true;
    }
    let forwards: String = three.iter().collect();
    let backwards: String = three.iter().rev().collect();
    ROWS.iter()
        .any(|row| row.contains(&forwards) || row.contains(&backwards))
}

/// Whether a letter and the two before it have stood there before.
fn is_repeated(letters: &[char], index: usize) -> bool {
    if index < 3 {
        return false;
    }
    let three = &letters[index - 2..=index];
    letters[..index].windows(3).any(|before| before == three)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(password: &str) -> Strength {
        let personal = ["ada.lovelace@example.com", "Ada King"];
        estimate(&Password::given(password), &personal)
    }

    #[test]
    fn longer_and_less_predictable_passwords_score_higher() {
        for (password, score) in [
            ("aaaaaaaaaaaa", 0),
            ("abcdefghijkl", 0),
            ("password!9", 0),
            ("P@ssw0rd!!!!", 0),
            ("lovelace1815", 1),
            ("abcabcabcabcabc", 1),
            ("qwertyasdfgh", 0),
            ("snowlamp", 1),
            ("riverbed candle", 3),
            ("correct horse battery", 4),
            ("xkK93,.-fjwq", 3),
            ("Gr\u{fc}\u{df}e aus K\u{f6}ln im Regen", 4),
        ] {
            assert_eq!(of(password).score, score, "{password}");
        }
    }

    #[test]
    fn a_hint_says_what_is_wrong() {
        for (password, part) in [
            ("lovelace1815", "name and address"),
            ("password!9", "very common"),
            ("abcabcabcabc", "Repetitions"),
            ("snowlamp", "longer"),
        ] {
            let hint = of(password).hint.expect(password);
            assert!(hint.contains(part), "{password}: {hint}");
        }
        assert_eq!(of("correct horse battery").hint, None);
    }

    #[test]
    fn any_text_has_an_estimate() {
        for password in [
            "",
            "\u{1f512}",
            "\u{1f512}\u{1f512}\u{1f512}a\u{1f512}",
            "\0",
            "\u{130}",
        ] {
            assert!(of(password).score <= 4);
        }
        assert_eq!(of(&"x\u{e9}7 ".repeat(256)).score, 4);
    }
}
