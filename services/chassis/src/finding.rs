//! What a look at a part of an installation came to, for the operator: `portico
//! doctor` gathers what those say who know each part.

use std::fmt;

/// What one look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What is the case and, where it is not as it should be, what to do. No
    /// secret is part of it.
    pub text: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// Not looked at, because something else failed.
    NotChecked,
    /// It works, and is unsafe or will not work for long.
    Warning,
    /// It does not work.
    Failure,
}

impl Verdict {
    /// A word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::NotChecked => "skip",
            Self::Warning => "warn",
            Self::Failure => "FAIL",
        }
    }
}

impl Finding {
    /// It is as it should be.
    pub fn fine(text: impl Into<String>) -> Self {
        Self::new(Verdict::Fine, text)
    }

    /// It works, and is unsafe or will not work for long.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, text)
    }

    /// It does not work.
    pub fn failure(text: impl Into<String>) -> Self {
        Self::new(Verdict::Failure, text)
    }

    /// It was not looked at, because of what failed before.
    pub fn not_checked(what: impl fmt::Display, because: impl fmt::Display) -> Self {
        Self::new(
            Verdict::NotChecked,
            format!("{what}: not checked because {because}"),
        )
    }

    fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self {
            verdict,
            text: text.into(),
        }
    }
}
