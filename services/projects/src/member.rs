//! A person in a project, and the roles. No I/O, no protobuf, no SQL.

use portico_chassis::{clock::Timestamp, email_address::EmailAddress, outbox::Changes};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) project_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) role: Role,
    /// Counts the changes.
    pub(crate) version: u64,
    /// The person's name as names are sorted.
    pub(crate) name_key: String,
    pub(crate) joined_at: Timestamp,
}

/// A person's place in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) project_id: Uuid,
    pub(crate) user_id: Uuid,
}

/// What a member may do in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Role {
    Owner,
    Admin,
    Member,
    Viewer,
}

/// A person who may join, as the users service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) email: EmailAddress,
    /// Whether the person has shown that the address is its own.
    pub(crate) is_email_verified: bool,
}

/// A person's name as names are sorted.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}

impl Person {
    /// The person as a new member.
    pub(crate) fn joining(&self, project_id: Uuid, role: Role, at: Timestamp) -> Member {
        Member {
            project_id,
            user_id: self.id,
            role,
            version: 1,
            name_key: name_key(&self.name),
            joined_at: at,
        }
    }
}

impl Seat {
    pub(crate) fn new(project_id: Uuid, user_id: Uuid) -> Self {
        Self {
            project_id,
            user_id,
        }
    }
}

impl Member {
    pub(crate) fn seat(&self) -> Seat {
        Seat::new(self.project_id, self.user_id)
    }

    /// What is different from the member before.
    pub(crate) fn changes_from(&self, before: &Self) -> Changes {
        Changes::default().value("role", &before.role, &self.role)
    }

    /// The member in a role; `None` if it has that role.
    pub(crate) fn with_role(&self, role: Role) -> Option<Self> {
        (self.role != role).then(|| Self {
            role,
            version: self.version + 1,
            ..self.clone()
        })
    }
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Admin => "ADMIN",
            Self::Member => "MEMBER",
            Self::Viewer => "VIEWER",
        }
    }

    /// From how it is stored; what nobody stored is the least.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "OWNER" => Self::Owner,
            "ADMIN" => Self::Admin,
            "MEMBER" => Self::Member,
            _ => Self::Viewer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_role_counts_as_a_change() {
        let person = Person {
            id: Uuid::from_u128(2),
            name: "Ada".to_owned(),
            email: EmailAddress::stored("ada@example.com".to_owned()),
            is_email_verified: false,
        };
        let member = person.joining(Uuid::from_u128(1), Role::Member, Timestamp::from_millis(3));
        assert_eq!(member.with_role(Role::Member), None);
        let changed = member.with_role(Role::Admin).expect("a change");
        assert_eq!((changed.role, changed.version), (Role::Admin, 2));
        assert_eq!(changed.joined_at, member.joined_at);
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in [Role::Owner, Role::Admin, Role::Member, Role::Viewer] {
            assert_eq!(Role::stored(role.as_str()), role);
        }
    }
}
