//! What can go wrong in this service: kind, stable code and message.

use portico_chassis::status::{Error, Kind};

pub(crate) fn not_found() -> Error {
    Error::new(Kind::NotFound, "USER_NOT_FOUND", "There is no such user.")
}

pub(crate) fn email_exists() -> Error {
    Error::new(
        Kind::AlreadyExists,
        "EMAIL_EXISTS",
        "An account with this e-mail address exists.",
    )
}

pub(crate) fn last_admin() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "LAST_ADMIN",
        "This is the last active administrator. Make somebody else one first.",
    )
}

pub(crate) fn deleted() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "USER_DELETED",
        "The user is deleted. Restore it first.",
    )
}
