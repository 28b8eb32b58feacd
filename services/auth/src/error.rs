//! What can go wrong in this service: kind, stable code and message.

use std::time::Duration;

use portico_chassis::status::{Error, Kind};

pub(crate) fn invalid_credentials() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "INVALID_CREDENTIALS",
        "The e-mail address or the password is wrong.",
    )
}

pub(crate) fn too_many_attempts(wait: Duration) -> Error {
    Error::new(
        Kind::ResourceExhausted,
        "TOO_MANY_ATTEMPTS",
        "Too many attempts failed. Wait before you try again, or set a new password by mail.",
    )
    .with_retry_after(wait)
}

pub(crate) fn account_disabled() -> Error {
    Error::new(
        Kind::PermissionDenied,
        "ACCOUNT_DISABLED",
        "The account is disabled. Ask an administrator.",
    )
}

pub(crate) fn refresh_token_invalid() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "REFRESH_TOKEN_INVALID",
        "The session has ended. Sign in again.",
    )
}

pub(crate) fn refresh_token_reused() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "REFRESH_TOKEN_REUSED",
        "The refresh token was used before, so the session was ended for safety. Sign in again.",
    )
}

pub(crate) fn session_ended() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "TOKEN_REVOKED",
        "The session has ended. Sign in again.",
    )
}

pub(crate) fn ticket_invalid() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "UNAUTHENTICATED",
        "The ticket was used, has expired, or was never one. Get a new one.",
    )
}

pub(crate) fn session_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "SESSION_NOT_FOUND",
        "There is no such session.",
    )
}

pub(crate) fn api_key_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "API_KEY_NOT_FOUND",
        "There is no such API key.",
    )
}

pub(crate) fn service_account_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "SERVICE_ACCOUNT_NOT_FOUND",
        "There is no such service account.",
    )
}

pub(crate) fn too_many_api_keys() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "TOO_MANY_API_KEYS",
        "There are too many API keys. Revoke one first.",
    )
}

pub(crate) fn user_not_found() -> Error {
    Error::new(Kind::NotFound, "USER_NOT_FOUND", "There is no such user.")
}

pub(crate) fn email_exists() -> Error {
    Error::new(
        Kind::AlreadyExists,
        "EMAIL_EXISTS",
        "An account with this e-mail address exists.",
    )
}

pub(crate) fn new_owner_not_found() -> Error {
    Error::invalid_field("newOwnerId", "USER_NOT_FOUND", "must be an active user")
}

pub(crate) fn new_owner_is_deleted() -> Error {
    Error::invalid_field("newOwnerId", "NOT_ALLOWED", "must be somebody else")
}

pub(crate) fn inherits_projects() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "INHERITS_PROJECTS",
        "This person is about to get the projects of an account that is being deleted. Try again shortly.",
    )
}

pub(crate) fn password_incorrect(field: &'static str) -> Error {
    Error::invalid_field(field, "PASSWORD_INCORRECT", "is not your password")
}

pub(crate) fn code_incorrect() -> Error {
    Error::invalid_field("code", "CODE_INCORRECT", "is not a code of now")
}

pub(crate) fn credential_invalid() -> Error {
    Error::invalid_field("credential", "CREDENTIAL_INVALID", "does not verify")
}

pub(crate) fn passkey_refused() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "INVALID_CREDENTIALS",
        "The passkey does not verify, or nobody has it.",
    )
}

pub(crate) fn mfa_code_invalid() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "MFA_CODE_INVALID",
        "The code is wrong or was used before.",
    )
}

pub(crate) fn mfa_token_invalid() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "MFA_TOKEN_INVALID",
        "The sign-in took too long or too many tries. Begin again.",
    )
}

pub(crate) fn too_many_codes(pause: Duration) -> Error {
    Error::new(
        Kind::ResourceExhausted,
        "TOO_MANY_ATTEMPTS",
        "There were too many wrong codes. Wait before the next one.",
    )
    .with_retry_after(pause)
}

pub(crate) fn mfa_already_enabled() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "MFA_ALREADY_ENABLED",
        "There is an authenticator already. Turn it off first.",
    )
}

pub(crate) fn mfa_not_enabled() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "MFA_NOT_ENABLED",
        "There is neither an authenticator nor a passkey that the codes could stand in for.",
    )
}

pub(crate) fn passkey_not_found() -> Error {
    Error::new(
        Kind::NotFound,
        "PASSKEY_NOT_FOUND",
        "There is no such passkey.",
    )
}

pub(crate) fn passkey_limit_reached() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "PASSKEY_LIMIT_REACHED",
        "There are as many passkeys as one account may have. Remove one first.",
    )
}

pub(crate) fn passkeys_unavailable() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "PASSKEYS_UNAVAILABLE",
        "Passkeys need a public URL with a name for a host, not an address.",
    )
}

pub(crate) fn reauthentication_required() -> Error {
    Error::new(
        Kind::PermissionDenied,
        "REAUTHENTICATION_REQUIRED",
        "This needs a fresh sign-in: call /auth/reauthenticate first.",
    )
}

pub(crate) fn link_invalid() -> Error {
    Error::new(
        Kind::Invalid,
        "LINK_INVALID",
        "The link was used, has expired, or was never one. Ask for a new one.",
    )
}

pub(crate) fn link_not_needed() -> Error {
    Error::new(
        Kind::FailedPrecondition,
        "LINK_NOT_NEEDED",
        "Such a link would lead nowhere.",
    )
}

pub(crate) fn email_not_verified() -> Error {
    Error::new(
        Kind::PermissionDenied,
        "EMAIL_NOT_VERIFIED",
        "Verify your e-mail address first: a mail with a link is on its way.",
    )
}

pub(crate) fn origin_not_allowed() -> Error {
    Error::new(
        Kind::PermissionDenied,
        "ORIGIN_NOT_ALLOWED",
        "Pages of this origin may not use the refresh cookie.",
    )
}
