//! What is looked for in lists, and the texts that it is found in.

/// What to look for in a searchable text: see the contract's `?q=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

impl Search {
    /// The search for `text`; `None` if there is nothing to look for.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        // No text in a database has a NUL, and a query with one fails.
        let text = text.trim().to_lowercase().replace('\0', "\u{fffd}");
        (!text.is_empty()).then_some(Self(text))
    }

    /// The pattern for `LIKE … ESCAPE '\'` over a [`searchable`] text: a
    /// substring from three characters on, the beginning of a word below.
    #[must_use]
    pub fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for letter in self.letters() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        pattern
    }

    /// All that three letters in a row can tell of it, as a query of FTS5, which
    /// finds what has each of these somewhere; none if it has fewer letters.
    #[must_use]
    pub fn trigrams(&self) -> Option<String> {
        let letters: Vec<char> = self.letters().collect();
        let quoted = letters.windows(3).map(|three| {
            let three: String = three.iter().collect();
            format!("\"{}\"", three.replace('"', "\"\""))
        });
        let quoted: Vec<String> = quoted.collect();
        (!quoted.is_empty()).then(|| quoted.join(" "))
    }

    /// What is to be found literally.
    fn letters(&self) -> impl Iterator<Item = char> {
        let is_short = self.0.chars().count() < 3;
        is_short.then_some(' ').into_iter().chain(self.0.chars())
    }
}

/// A text that [`Search`] finds its way in: the parts in lower case, and after
/// them each of their words behind a space.
#[must_use]
pub fn searchable(parts: &[&str]) -> String {
    let text = parts.join("\n").to_lowercase();
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("{text}\n {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_literal() {
        let search = Search::new("50%_\\").expect("text");
        assert_eq!(search.pattern(), "%50\\%\\_\\\\%");
        let search = Search::new("a\0b").expect("text");
        assert!(!search.pattern().contains('\0'));
        assert_eq!(Search::new("  "), None);
    }

    #[test]
    fn a_short_search_finds_the_beginnings_of_words() {
        let text = searchable(&["Ada Lovelace", "ada.l@example.com"]);
        let finds = |query: &str| {
            let pattern = Search::new(query).expect("text").pattern();
            text.contains(pattern.trim_matches('%'))
        };
        assert!(finds("lo") && finds("e") && finds("AD"));
        assert!(!finds("ov"));
        assert!(finds("ove") && finds("a.l@ex"));
    }

    #[test]
    fn the_trigrams_of_a_search_are_literal() {
        let trigrams = |text| Search::new(text).expect("text").trigrams();
        assert_eq!(
            trigrams("Engine").as_deref(),
            Some(r#""eng" "ngi" "gin" "ine""#)
        );
        assert_eq!(trigrams("a\"*b").as_deref(), Some(r#""a""*" """*b""#));
        assert_eq!(trigrams("\u{c4}r").as_deref(), Some("\" \u{e4}r\""));
        assert_eq!(trigrams("x"), None);
    }
}
