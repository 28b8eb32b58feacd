//! Texts that somebody chose, such as names, made fit for a mail to somebody
//! else. Escaping is the templates' matter; this is about what a reader could
//! be led to believe: lines that were never written, text that runs backwards,
//! links that a mail program makes of what looks like an address, and subjects
//! that it decodes once more.

/// The greatest number of characters that are shown.
const LIMIT: usize = 100;

/// Sticks letters together without being seen.
const JOINER: char = '\u{2060}';

/// A text as one line of bounded length in which nothing becomes a link.
pub(crate) fn plain(text: &str) -> String {
    let line: String = text
        .chars()
        .filter(|letter| !turns_direction(*letter))
        .map(|letter| if breaks_line(letter) { ' ' } else { letter })
        .collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    for _ in 0..LIMIT {
        let Some(letter) = letters.next() else {
            return shown;
        };
        shown.push(letter);
        let next = letters.peek().copied().unwrap_or(' ');
        let is_link = matches!(letter, '.' | ':' | '/' | '@') && next != ' ';
        // What begins so is decoded in a subject (RFC 2047), lines and all.
        let is_code = letter == '=' && next == '?';
        if is_link || is_code {
            shown.push(JOINER);
        }
    }
    if letters.peek().is_some() {
        shown.push('…');
    }
    shown
}

fn breaks_line(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// The controls of bidirectional text (Unicode Standard Annex #9).
fn turns_direction(letter: char) -> bool {
    matches!(
        letter,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_name_stays_as_it_is() {
        for name in ["Ada Lovelace", "Zoë", "李小龍", "O'Neil & Sons", "J. R. R."] {
            assert_eq!(plain(name), name);
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(plain("Ada\r\nBcc: eve\u{2028}x\ty "), "Ada Bcc: eve x y");
        assert_eq!(plain("a\0b"), "a b");
    }

    #[test]
    fn a_name_cannot_turn_the_direction_of_reading() {
        assert_eq!(plain("Ada\u{202e}moc.live"), "Adamoc.\u{2060}live");
        assert_eq!(plain("\u{2067}x\u{2069}"), "x");
    }

    #[test]
    fn nothing_in_a_name_becomes_a_link() {
        for name in [
            "https://evil.example/x",
            "www.evil.example",
            "eve@evil.example",
        ] {
            let shown = plain(name);
            assert!(!shown.contains("://") && !shown.contains(".e") && !shown.contains("@e"));
            assert_eq!(shown.replace(JOINER, ""), name);
        }
    }

    #[test]
    fn nothing_in_a_name_is_decoded() {
        let shown = plain("=?utf-8?q?Eve=0D=0ABcc:_eve?= = ?");
        assert_eq!(shown, "=\u{2060}?utf-8?q?Eve=0D=0ABcc:\u{2060}_eve?= = ?");
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = plain(&"a".repeat(500));
        assert_eq!(shown.chars().count(), LIMIT + 1);
        assert!(shown.ends_with('…'));
        assert_eq!(plain(&"a".repeat(LIMIT)), "a".repeat(LIMIT));
    }
}
