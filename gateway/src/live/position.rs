//! Where a client stands in the streams of all services: one cursor for each,
//! in the order of [`SOURCES`]. As text it is the id of an event.

use std::{fmt, str::FromStr, sync::Arc};

use super::table::SOURCES;

/// A place in the stream of one service. Cursors of one service are in the
/// order of its stream when they are compared as texts.
pub(crate) type Cursor = Arc<str>;

/// A longer cursor is none.
const MAX_CURSOR: usize = 64;

/// A place in the streams of all services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position(pub(super) [Cursor; SOURCES.len()]);

/// A text that is no position.
#[derive(Debug)]
pub(crate) struct NoPosition;

impl Position {
    /// Moves on to where another position is further.
    pub(super) fn advance(&mut self, other: &Self) {
        for (source, cursor) in other.0.iter().enumerate() {
            self.advance_in(source, cursor);
        }
    }

    /// Moves on in the stream of one service; whether that is further.
    pub(super) fn advance_in(&mut self, source: usize, cursor: &Cursor) -> bool {
        let is_further = self.0[source] < *cursor;
        if is_further {
            self.0[source] = cursor.clone();
        }
        is_further
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (source, cursor) in self.0.iter().enumerate() {
            let separator = if source == 0 { "" } else { "." };
            write!(formatter, "{separator}{cursor}")?;
        }
        Ok(())
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let cursors = text.split('.').map(|cursor| {
            let is_plain = cursor.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let has_length = (1..=MAX_CURSOR).contains(&cursor.len());
            (is_plain && has_length).then(|| Cursor::from(cursor))
        });
        let cursors: Option<Vec<_>> = cursors.take(SOURCES.len() + 1).collect();
        let cursors = cursors.and_then(|cursors| cursors.try_into().ok());
        cursors.map(Self).ok_or(NoPosition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> Position {
        text.parse().expect("a position")
    }

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let text = "0000000000000001.000000000000000a.0";
        assert_eq!(position(text).to_string(), text);
        for text in [
            "", "1", "1.2", "1.2.3.4", "1..3", "1.2.-3", "1.2.3 ", "é.2.3",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
        let long = format!("1.2.{}", "3".repeat(65));
        assert!(long.parse::<Position>().is_err());
    }

    #[test]
    fn a_position_moves_on_and_never_back() {
        let mut mine = position("01.05.0");
        mine.advance(&position("02.03.01"));
        assert_eq!(mine, position("02.05.01"));
        assert!(!mine.advance_in(0, &"02".into()));
        assert!(mine.advance_in(0, &"03".into()));
    }
}
