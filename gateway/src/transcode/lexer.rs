//! JSON as tokens: strict RFC 8259, with a position for every complaint.
//!
//! What tokens mean for a message does not belong here.

use std::borrow::Cow;
use std::collections::HashSet;

use super::rejection::Malformed;
use super::text::plain_len;

/// How deep objects and arrays may be nested.
pub(crate) const MAX_DEPTH: usize = 64;

/// Something that is no JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    offset: usize,
    problem: &'static str,
}

impl SyntaxError {
    /// The message for people, with line and column, both counted from one and
    /// columns in characters.
    pub(crate) fn locate(self, text: &str) -> Malformed {
        let before = &text.as_bytes()[..self.offset.min(text.len())];
        locate(before, self.problem)
    }
}

/// "line, column: problem" for what comes after the bytes `before`.
pub(crate) fn locate(before: &[u8], problem: &str) -> Malformed {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |place| place + 1);
    // Bytes that continue a UTF-8 character are not counted.
    let column = before[start..]
        .iter()
        .filter(|byte| **byte & 0xc0 != 0x80)
        .count()
        + 1;
    Malformed(format!("line {line}, column {column}: {problem}"))
}

/// A place in a JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Lexer<'a> {
    /// Stands at the first value of the text.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut lexer = Self {
            text,
            at: 0,
            depth: 0,
        };
        lexer.whitespace();
        lexer
    }

    pub(crate) fn error(&self, problem: &'static str) -> SyntaxError {
        SyntaxError {
            offset: self.at,
            problem,
        }
    }

    /// How many objects and arrays are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The byte here; zero, which is no JSON, at the end.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn whitespace(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Nothing may come after the value.
    pub(crate) fn end(&mut self) -> Result<(), SyntaxError> {
        self.whitespace();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.error("expected the end of the text"))
        }
    }

    /// Enters the object or array that begins here; tells whether there is
    /// anything in it, and has left it again if not.
    #[inline]
    pub(crate) fn open(&mut self, close: u8) -> Result<bool, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("nested deeper than 64 levels"));
        }
        self.at += 1;
        self.whitespace();
        if self.peek() == close {
            self.at += 1;
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// After a member of an object or array: tells whether another one follows,
    /// and has left it if not.
    #[inline]
    pub(crate) fn more(&mut self, close: u8) -> Result<bool, SyntaxError> {
        self.whitespace();
        let byte = self.peek();
        if byte == b',' {
            self.at += 1;
            self.whitespace();
            return Ok(true);
        }
        if byte != close {
            return Err(self.error(if close == b'}' {
                "expected ',' or '}'"
            } else {
                "expected ',' or ']'"
            }));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(false)
    }

    /// A member's name and its colon.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        if self.peek() != b'"' {
            return Err(self.error("expected a key in quotes"));
        }
        let key = self.string()?;
        self.whitespace();
        if self.peek() != b':' {
            return Err(self.error("expected ':'"));
        }
        self.at += 1;
        self.whitespace();
        Ok(key)
    }

    /// The string that begins here.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let start = self.at + 1;
        let end = start + plain_len(&self.text.as_bytes()[start..]);
        if self.byte(end) == b'"' {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.at = start;
        self.escaped().map(Cow::Owned)
    }

    /// The rest of a string in which something is special.
    fn escaped(&mut self) -> Result<String, SyntaxError> {
        let mut out = String::new();
        loop {
            let end = self.at + plain_len(&self.text.as_bytes()[self.at..]);
            out.push_str(&self.text[self.at..end]);
            self.at = end;
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => out.push(self.escape()?),
                _ if end == self.text.len() => {
                    return Err(self.error("expected '\"' at the end of the string"));
                }
                _ => return Err(self.error("a control character must be escaped")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = *self;
        self.at += 2;
        Ok(match start.byte(start.at + 1) {
            escaped @ (b'"' | b'\\' | b'/') => char::from(escaped),
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let mut code = u32::from(self.hex()?);
                if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let low = u32::from(self.hex()?);
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    }
                }
                char::from_u32(code).ok_or_else(|| start.error("a surrogate stands alone"))?
            }
            _ => return Err(start.error("an unknown escape")),
        })
    }

    fn hex(&mut self) -> Result<u16, SyntaxError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.peek()).to_digit(16);
            value = value << 4
                | digit.ok_or_else(|| self.error("expected four hexadecimal digits"))? as u16;
            self.at += 1;
        }
        Ok(value)
    }

    /// The number that begins here, as it is written.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a str, SyntaxError> {
        let length = super::number::length(&self.text.as_bytes()[self.at..]);
        let Some(length) = length else {
            return Err(self.error("expected a number"));
        };
        let number = &self.text[self.at..self.at + length];
        self.at += length;
        Ok(number)
    }

    /// One of `true`, `false` and `null`.
    #[inline]
    pub(crate) fn word(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Steps over a value of any type, but not over a mistake in it.
    pub(crate) fn skip(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            b'{' => {
                let mut keys = HashSet::new();
                let mut more = self.open(b'}')?;
                while more {
                    let start = *self;
                    if !keys.insert(self.key()?) {
                        return Err(start.error(DUPLICATE_KEY));
                    }
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                Ok(())
            }
            b'[' => {
                let mut more = self.open(b']')?;
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                Ok(())
            }
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => Err(self.error("expected a value")),
        }
    }
}

pub(crate) const DUPLICATE_KEY: &str = "the key is there twice";

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let mut lexer = Lexer::new(text);
        match lexer.skip().and_then(|()| lexer.end()) {
            Ok(()) => "none".into(),
            Err(error) => error.locate(text).0,
        }
    }

    #[test]
    fn strict_json_is_accepted() {
        for text in [
            "{}",
            "[]",
            " [1, -0, 0.5, 1e5, 1E-7 , -10.25e+3]\n",
            r#"{"a":{"b":[true,false,null]},"c":""}"#,
            r#""\"\\\/\b\f\n\r\t\u0041\ud83e\udd80""#,
            "\"\u{7f}\u{2028}\"",
        ] {
            assert_eq!(problem(text), "none", "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "{",
            "[",
            "]",
            "{]",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "{'a':1}",
            "[1 2]",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "-",
            "0x1",
            "NaN",
            "Infinity",
            "tru",
            "nul",
            "TRUE",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"a\nb\"",
            "\"\0\"",
            "1 1",
            "{} x",
            "// c\n1",
            "\u{feff}1",
            "\u{a0}1",
            "{\"a\":1 \"b\":2}",
        ] {
            assert_ne!(problem(text), "none", "{text}");
        }
    }

    #[test]
    fn lone_surrogate_is_malformed() {
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud800x""#,
            r#""\udc00\ud800""#,
        ] {
            assert!(
                problem(text).ends_with("a surrogate stands alone"),
                "{text}: {}",
                problem(text)
            );
        }
    }

    #[test]
    fn a_problem_is_told_with_line_and_column() {
        assert_eq!(
            problem("{\n  \"ä\": x}"),
            "line 2, column 8: expected a value"
        );
        assert_eq!(problem("[1"), "line 1, column 3: expected ',' or ']'");
    }

    #[test]
    fn duplicate_keys_are_malformed_even_where_nobody_looks() {
        assert_eq!(
            problem(r#"[{"a":1,"\u0061":2}]"#),
            "line 1, column 9: the key is there twice"
        );
    }

    #[test]
    fn nesting_ends_at_64_levels() {
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(problem(&nested(64)), "none");
        assert_eq!(
            problem(&nested(65)),
            "line 1, column 65: nested deeper than 64 levels"
        );
    }
}
