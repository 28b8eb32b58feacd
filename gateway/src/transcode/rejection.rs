//! Why a request is refused: it could not be read at all, or what it says is
//! wrong. How that is told over HTTP does not belong here.

use super::path::Path;

/// A request that cannot be transcoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It is not readable: broken syntax or encoding.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is readable, and these are all the places where it does not fit the
    /// contract, or the first of them if there are very many.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<Violation>),
}

/// What cannot be read, and where: "line 2, column 5: expected a value".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// One place where a request does not fit the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The way to the field in JSON names: `items[2].displayName`.
    pub field: String,
    /// What kind of mistake it is.
    pub code: Code,
    /// The same for people.
    pub message: String,
}

/// The kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is no such field or parameter, or it may not be set here.
    UnknownField,
    /// The value is not of the field's type.
    WrongType,
    /// The value is of the right type, but not one of those allowed.
    NotAllowed,
    /// The number or time lies beyond the field's type.
    OutOfRange,
}

impl Code {
    /// The code as clients see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownField => "UNKNOWN_FIELD",
            Self::WrongType => "WRONG_TYPE",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::OutOfRange => "OUT_OF_RANGE",
        }
    }
}

/// The violations found so far.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<Violation>);

impl Violations {
    /// Enough for any person to work on.
    const MAX: usize = 50;

    pub(crate) fn push(&mut self, at: &Path<'_>, code: Code, message: impl Into<String>) {
        if self.0.len() < Self::MAX {
            self.0.push(Violation {
                field: at.to_string(),
                code,
                message: message.into(),
            });
        }
    }

    /// # Errors
    ///
    /// If there is any violation.
    pub(crate) fn into_result(self) -> Result<(), Rejection> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Rejection::Invalid(self.0))
        }
    }
}
