//! What can go wrong in this service: kind, stable code and message.

use portico_chassis::status::{Error, Kind};
use serde_json::json;

use crate::project::Project;

pub(crate) fn project_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "PROJECT_NOT_FOUND",
        "There is no such project.",
    )
}

pub(crate) fn member_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "MEMBER_NOT_FOUND",
        "The project has no such member.",
    )
}

pub(crate) fn user_not_found() -> Error {
    Error::new(Kind::NotFound, "USER_NOT_FOUND", "There is no such user.")
}

pub(crate) fn invitation_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "INVITATION_NOT_FOUND",
        "There is no such invitation.",
    )
}

pub(crate) fn slug_exists() -> Error {
    Error::new(
        Kind::AlreadyExists,
        "SLUG_EXISTS",
        "Another project has this slug. Choose another one.",
    )
}

pub(crate) fn already_member() -> Error {
    Error::new(
        Kind::AlreadyExists,
        "ALREADY_MEMBER",
        "This person is a member of the project.",
    )
}

pub(crate) fn already_invited() -> Error {
    Error::new(
        Kind::AlreadyExists,
        "ALREADY_INVITED",
        "An invitation to this address is pending. Send it again, or revoke it first.",
    )
}

pub(crate) fn invitation_not_pending() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "INVITATION_NOT_PENDING",
        "The invitation was answered or revoked, or has expired.",
    )
}

pub(crate) fn email_not_verified() -> Error {
    Error::new(
        Kind::PermissionDenied,
        "EMAIL_NOT_VERIFIED",
        "Show first that the e-mail address is yours: verify it.",
    )
}

pub(crate) fn archived() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "PROJECT_ARCHIVED",
        "The project is archived. Unarchive it first.",
    )
}

pub(crate) fn last_owner() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "LAST_OWNER",
        "A project needs an owner, and this is its last one. Make somebody else one first.",
    )
}

/// [`last_owner`] of several projects, which the details name.
pub(crate) fn last_owner_of(projects: &[&Project]) -> Error {
    let named: Vec<_> = projects
        .iter()
        .map(|project| json!({ "id": project.id, "name": project.name }))
        .collect();
    let mut details = serde_json::Map::new();
    details.insert("projects".to_owned(), named.into());
    last_owner().with_details(details)
}
