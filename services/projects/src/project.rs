//! A project, and the rules that hold for one. No I/O, no protobuf, no SQL.

mod slug;

use portico_chassis::{clock::Timestamp, outbox::Changes, page, status::Error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::slug::Slug;
use crate::{error, member::Role};

/// Why a value is refused: the detail code and what is expected.
pub(crate) type Refusal = (&'static str, String);

/// A thing that people share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) name: Name,
    pub(crate) slug: Slug,
    pub(crate) description: Option<Description>,
    pub(crate) visibility: Visibility,
    pub(crate) archived_at: Option<Timestamp>,
    pub(crate) member_count: i32,
    /// Counts the changes of the project itself, not of its members.
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Who may see a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Visibility {
    Private,
    Public,
}

/// A project as one person sees it: `role` is that person's, if it is a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    pub(crate) project: Project,
    pub(crate) role: Option<Role>,
}

/// A project that is gone, with those who were its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deleted {
    #[serde(flatten)]
    pub(crate) project: Project,
    pub(crate) members: Vec<Uuid>,
}

/// How a project is named in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    Id(Uuid),
    Slug(Slug),
}

/// A change of a project: what is present changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) name: Option<Name>,
    /// `Some(None)` removes the description.
    pub(crate) description: Option<Option<Description>>,
    pub(crate) visibility: Option<Visibility>,
    pub(crate) slug: Option<Slug>,
}

impl Project {
    /// The text that a search looks into.
    pub(crate) fn search(&self) -> String {
        let description = self.description.as_ref().map(Description::as_str);
        page::searchable(&[
            self.name.as_str(),
            self.slug.as_str(),
            description.unwrap_or_default(),
        ])
    }

    /// Nothing, if the project may change.
    ///
    /// # Errors
    ///
    /// `PROJECT_ARCHIVED`.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        match self.archived_at {
            None => Ok(()),
            Some(_) => Err(error::archived()),
        }
    }

    /// The project after a change; `None` if nothing changes.
    pub(crate) fn after(&self, change: &Change, at: Timestamp) -> Option<Self> {
        let mut changed = self.clone();
        if let Some(name) = &change.name {
            changed.name = name.clone();
        }
        if let Some(description) = &change.description {
            changed.description = description.clone();
        }
        if let Some(visibility) = change.visibility {
            changed.visibility = visibility;
        }
        if let Some(slug) = &change.slug {
            changed.slug = slug.clone();
        }
        (changed != *self).then(|| changed.touched(at))
    }

    /// What is different from the project before.
    pub(crate) fn changes_from(&self, before: &Self) -> Changes {
        Changes::default()
            .field("name", &before.name, &self.name)
            .field("slug", &before.slug, &self.slug)
            .field("description", &before.description, &self.description)
            .value("visibility", &before.visibility, &self.visibility)
            .field("archivedAt", &before.archived_at, &self.archived_at)
    }

    /// The project archived, or not archived any more; `None` if it is so.
    pub(crate) fn archived(&self, is_archived: bool, at: Timestamp) -> Option<Self> {
        let changed = Self {
            archived_at: is_archived.then_some(at),
            ..self.clone()
        };
        (self.archived_at.is_some() != is_archived).then(|| changed.touched(at))
    }

    /// The project with one member more.
    pub(crate) fn joined(self) -> Self {
        Self {
            member_count: self.member_count + 1,
            ..self
        }
    }

    /// The project with one member less.
    pub(crate) fn left(self) -> Self {
        Self {
            member_count: self.member_count - 1,
            ..self
        }
    }

    fn touched(self, at: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: at,
            ..self
        }
    }
}

/// The name of a project: 1 to 100 characters, without space around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let name = text.trim();
        if name.is_empty() {
            return Err(("REQUIRED", "must not be blank".to_owned()));
        }
        if name.chars().any(char::is_control) {
            return Err(("NOT_ALLOWED", "must not have control characters".to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that was accepted before.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as names are sorted.
    pub(crate) fn sort_key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// What a project is about: text of several lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Description(String);

impl Description {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let is_forbidden =
            |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if text.chars().any(is_forbidden) {
            return Err((
                "NOT_ALLOWED",
                "must not have control characters but tabs and line ends".to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// A description that was accepted before.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Visibility {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "PRIVATE",
            Self::Public => "PUBLIC",
        }
    }

    /// From how it is stored; what nobody stored is the narrower one.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "PUBLIC" => Self::Public,
            _ => Self::Private,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Timestamp = Timestamp::from_millis(1);
    const LATER: Timestamp = Timestamp::from_millis(2);

    fn project() -> Project {
        Project {
            id: Uuid::from_u128(1),
            name: Name::parse("Difference Engine").expect("valid"),
            slug: Slug::parse("difference-engine").expect("valid"),
            description: None,
            visibility: Visibility::Private,
            archived_at: None,
            member_count: 1,
            version: 1,
            created_at: MADE,
            updated_at: MADE,
        }
    }

    #[test]
    fn a_change_counts_up_the_version() {
        let change = Change {
            visibility: Some(Visibility::Public),
            ..Change::default()
        };
        let changed = project().after(&change, LATER).expect("a change");
        assert_eq!((changed.version, changed.updated_at), (2, LATER));
        assert_eq!(changed.name, project().name);
    }

    #[test]
    fn a_change_that_changes_nothing_is_none() {
        let change = Change {
            name: Some(project().name),
            description: Some(None),
            visibility: Some(Visibility::Private),
            slug: Some(project().slug),
        };
        assert_eq!(project().after(&change, LATER), None);
        assert_eq!(project().after(&Change::default(), LATER), None);
    }

    #[test]
    fn archiving_twice_changes_nothing() {
        let archived = project().archived(true, LATER).expect("a change");
        assert_eq!(archived.archived_at, Some(LATER));
        assert_eq!(archived.archived(true, LATER), None);
        assert_eq!(project().archived(false, LATER), None);
        let back = archived.archived(false, LATER).expect("a change");
        assert_eq!((back.archived_at, back.version), (None, 3));
    }

    #[test]
    fn an_archived_project_does_not_change() {
        let archived = project().archived(true, LATER).expect("a change");
        let error = archived.check_writable().expect_err("refused");
        assert_eq!(error.reason, "PROJECT_ARCHIVED");
        assert!(project().check_writable().is_ok());
    }

    #[test]
    fn members_come_and_go_without_a_new_version() {
        let joined = project().joined();
        assert_eq!((joined.member_count, joined.version), (2, 1));
        assert_eq!(joined.left(), project());
    }

    #[test]
    fn a_name_is_trimmed_and_not_blank() {
        assert_eq!(Name::parse("  Ada ").expect("valid").as_str(), "Ada");
        assert_eq!(Name::parse(" \t").expect_err("blank").0, "REQUIRED");
        assert_eq!(
            Name::parse("a\u{0}b").expect_err("control").0,
            "NOT_ALLOWED"
        );
    }

    #[test]
    fn a_description_has_lines_and_no_other_control_characters() {
        assert!(Description::parse("one\r\n\ttwo").is_ok());
        assert!(Description::parse("").is_ok());
        let refused = Description::parse("a\u{0}b").expect_err("control");
        assert_eq!(refused.0, "NOT_ALLOWED");
    }
}
