//! What can go wrong in this service: kind, stable code and message.

use portico_chassis::status::{Error, Kind};

pub(crate) fn not_found() -> Error {
    Error::new(Kind::NotFound, "JOB_NOT_FOUND", "There is no such job.")
}

pub(crate) fn user_not_found() -> Error {
    Error::new(Kind::NotFound, "USER_NOT_FOUND", "There is no such user.")
}

pub(crate) fn not_dead() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "JOB_NOT_DEAD",
        "The mail is sent, is being sent, or is about to be. Only what failed can be retried.",
    )
}
