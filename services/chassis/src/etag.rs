//! Entity tags: `<version>.<rest>`. The version counts the changes of the
//! resource itself; the rest tells apart representations of one version, so
//! that `If-Match` guards changes and `If-None-Match` the whole view.

use crate::status::{Error, Kind};

/// What a caller expects of a resource that it changes (RFC 9110, 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IfMatch {
    /// Nothing: the header is absent or `*`.
    #[default]
    Any,
    /// One of these versions.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// Reads an `If-Match` header, or the field `etag` sent as metadata. A tag
    /// that no resource can have matches none.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let tags = header.split(',');
        let versions = tags.filter_map(|tag| version(tag.trim().trim_matches('"')));
        Self::Versions(versions.collect())
    }

    /// Nothing, if a resource at `version` is what the caller expects.
    ///
    /// # Errors
    ///
    /// `ETAG_MISMATCH`.
    pub fn check(&self, version: u64) -> Result<(), Error> {
        match self {
            Self::Any => Ok(()),
            Self::Versions(expected) if expected.contains(&version) => Ok(()),
            Self::Versions(_) => Err(Error::new(
                Kind::EtagMismatch,
                "ETAG_MISMATCH",
                "Somebody changed this in the meantime. Read it again and repeat the change.",
            )),
        }
    }
}

/// The version in a tag, if it is one.
#[must_use]
pub fn version(tag: &str) -> Option<u64> {
    let (version, _rest) = tag.split_once('.')?;
    version.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_is_compared() {
        assert!(IfMatch::parse("\"3.12\"").check(3).is_ok());
        assert!(IfMatch::parse("3.other").check(3).is_ok());
        assert!(IfMatch::parse("\"2.0\", \"3.0\"").check(3).is_ok());
        assert!(IfMatch::parse("*").check(3).is_ok());
    }

    #[test]
    fn other_versions_and_foreign_tags_mismatch() {
        for header in ["\"4.12\"", "\"abc\"", "", "W/\"3.1\"", "\"-3.1\""] {
            let error = IfMatch::parse(header).check(3).expect_err(header);
            assert_eq!(error.reason, "ETAG_MISMATCH");
        }
    }
}
