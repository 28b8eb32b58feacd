//! Errors as callers see them: one small table of kinds with the gRPC and the
//! HTTP column side by side, and the one conversion to and from
//! `tonic::Status`.
//!
//! A failure is logged where it becomes a status; what a kind calls internal
//! stays in that log and never reaches a caller.

mod details;

use std::{borrow::Cow, error::Error as StdError, time::Duration};

use prost::Message as _;
use serde_json::{Map, Value};
use tonic::{Code, Status};
use tonic_types::{StatusExt as _, pb};

pub use self::details::{from_struct, to_struct};

/// The `domain` of every `google.rpc.ErrorInfo` of Portico.
pub const DOMAIN: &str = "portico";

/// What kind of failure it is. It decides the status on both faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong whatever the state of the system.
    Invalid,
    /// The caller did not show who it is.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// A thing with this name or address exists.
    AlreadyExists,
    /// A rule forbids it in the present state.
    FailedPrecondition,
    /// The same request is being worked on.
    InProgress,
    /// The resource is not in the version that the caller expects.
    EtagMismatch,
    /// An idempotency key came back with another request.
    KeyReused,
    /// The caller asks too often.
    ResourceExhausted,
    /// A fault of the system itself.
    Internal,
    /// A part of the system does not answer; worth another try.
    Unavailable,
    /// It took too long.
    DeadlineExceeded,
}

impl Kind {
    /// Kind, gRPC code, HTTP status. Of kinds with the same code, the first is
    /// what a foreign status with that code counts as.
    const TABLE: [(Self, Code, u16); 13] = [
        (Self::Invalid, Code::InvalidArgument, 400),
        (Self::Unauthenticated, Code::Unauthenticated, 401),
        (Self::PermissionDenied, Code::PermissionDenied, 403),
        (Self::NotFound, Code::NotFound, 404),
        (Self::AlreadyExists, Code::AlreadyExists, 409),
        (Self::FailedPrecondition, Code::FailedPrecondition, 409),
        (Self::InProgress, Code::Aborted, 409),
        (Self::EtagMismatch, Code::Aborted, 412),
        (Self::KeyReused, Code::InvalidArgument, 422),
        (Self::ResourceExhausted, Code::ResourceExhausted, 429),
        (Self::Internal, Code::Internal, 500),
        (Self::Unavailable, Code::Unavailable, 503),
        (Self::DeadlineExceeded, Code::DeadlineExceeded, 504),
    ];

    /// The gRPC code.
    #[must_use]
    pub fn grpc(self) -> Code {
        Self::TABLE[self as usize].1
    }

    /// The HTTP status.
    #[must_use]
    pub fn http(self) -> u16 {
        Self::TABLE[self as usize].2
    }

    /// The kind of a status from elsewhere: by its reason where a code has
    /// several kinds, else by its code.
    #[must_use]
    pub fn of(code: Code, reason: &str) -> Self {
        match reason {
            "ETAG_MISMATCH" => return Self::EtagMismatch,
            "IDEMPOTENCY_KEY_REUSED" => return Self::KeyReused,
            // So tonic calls the end of a call whose time is up, if it is the
            // first to notice.
            _ if code == Code::Cancelled => return Self::DeadlineExceeded,
            _ => {}
        }
        Self::TABLE
            .iter()
            .find(|row| row.1 == code)
            .map_or(Self::Internal, |row| row.0)
    }

    /// The reason of a status that states none.
    fn default_reason(self) -> &'static str {
        match self {
            Self::Invalid => "VALIDATION_FAILED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::InProgress => "IDEMPOTENCY_KEY_IN_USE",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::ResourceExhausted => "RATE_LIMITED",
            Self::Internal => "INTERNAL_ERROR",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
        }
    }
}

/// One field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field's path in its JSON spelling, such as `newPassword`.
    pub field: String,
    /// The stable detail code, such as `TOO_LONG`.
    pub code: Cow<'static, str>,
    /// What is expected, for people.
    pub message: String,
}

/// A failure that a caller is told of.
#[derive(Debug)]
pub struct Error {
    /// What kind of failure it is.
    pub kind: Kind,
    /// The stable code of the contract, such as `EMAIL_EXISTS`.
    pub reason: Cow<'static, str>,
    /// What happened and what to do, for people. Leaks nothing internal.
    pub message: Cow<'static, str>,
    /// The fields at fault, of a request that is wrong.
    pub violations: Vec<Violation>,
    /// More about the failure, such as the things in the way. Boxed, because it
    /// is rare and would double the size of every result.
    pub details: Option<Box<Map<String, Value>>>,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
    /// What went wrong inside: for the log only.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of this kind with its stable code and a message for people.
    #[must_use]
    pub fn new(
        kind: Kind,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            reason: reason.into(),
            message: message.into(),
            violations: Vec::new(),
            details: None,
            retry_after: None,
            source: None,
        }
    }

    /// A fault of the system itself, with its cause for the log.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Kind::Internal,
                "INTERNAL_ERROR",
                "Something went wrong on our side. Try again; if it stays, tell the operator the request id.",
            )
        }
    }

    /// A part of the system that does not answer, with the cause for the log.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(
                Kind::Unavailable,
                "SERVICE_UNAVAILABLE",
                "The service is not available at the moment. Try again shortly.",
            )
        }
    }

    /// A request with these fields at fault.
    #[must_use]
    pub fn validation(violations: Vec<Violation>) -> Self {
        let fields: Vec<&str> = violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        let message = format!("The request is not valid: {}.", fields.join(", "));
        Self {
            violations,
            ..Self::new(Kind::Invalid, "VALIDATION_FAILED", message)
        }
    }

    /// A request with one field at fault.
    #[must_use]
    pub fn invalid_field(
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self::validation(vec![Violation {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        }])
    }

    /// The same failure with more about it.
    #[must_use]
    pub fn with_details(mut self, details: Map<String, Value>) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// The same failure with a time to wait before another try.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What a peer or a service answered.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let stated = status.get_details_error_info();
        let kind = Kind::of(
            status.code(),
            stated.as_ref().map_or("", |info| info.reason.as_str()),
        );
        // A status without our ErrorInfo comes from the transport or from a
        // foreign layer; its text is not meant for callers.
        let Some(info) = stated.filter(|info| info.domain == DOMAIN) else {
            return match kind {
                Kind::Unavailable => Self::unavailable(status.clone()),
                Kind::Internal => Self::internal(status.clone()),
                Kind::DeadlineExceeded => Self::deadline_exceeded(),
                kind => Self::new(kind, kind.default_reason(), status.message().to_owned()),
            };
        };
        let violations = status.get_details_bad_request().map(|bad_request| {
            bad_request
                .field_violations
                .into_iter()
                .map(|violation| Violation {
                    field: violation.field,
                    code: violation.reason.into(),
                    message: violation.description,
                })
                .collect()
        });
        Self {
            kind,
            reason: info.reason.into(),
            message: status.message().to_owned().into(),
            violations: violations.unwrap_or_default(),
            details: details::read(status).map(Box::new),
            retry_after: status
                .get_details_retry_info()
                .and_then(|retry| retry.retry_delay),
            source: None,
        }
    }

    /// A call that took too long.
    #[must_use]
    pub fn deadline_exceeded() -> Self {
        Self::new(
            Kind::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
            "The request took too long.",
        )
    }

    fn log(&self) {
        let source = self.source.as_deref().map(chain).unwrap_or_default();
        match self.kind {
            Kind::Internal => {
                tracing::error!(reason = %self.reason, error = %source, "request failed")
            }
            Kind::Unavailable | Kind::DeadlineExceeded => {
                tracing::warn!(reason = %self.reason, error = %source, "request failed");
            }
            _ => tracing::debug!(reason = %self.reason, message = %self.message, "request refused"),
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.reason, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.log();
        let code = error.kind.grpc();
        let info = pb::ErrorInfo {
            reason: error.reason.into_owned(),
            domain: DOMAIN.to_owned(),
            ..Default::default()
        };
        let mut details = vec![details::pack("google.rpc.ErrorInfo", &info)];
        if !error.violations.is_empty() {
            let violations =
                error
                    .violations
                    .into_iter()
                    .map(|violation| pb::bad_request::FieldViolation {
                        field: violation.field,
                        description: violation.message,
                        reason: violation.code.into_owned(),
                        ..Default::default()
                    });
            let bad_request = pb::BadRequest {
                field_violations: violations.collect(),
            };
            details.push(details::pack("google.rpc.BadRequest", &bad_request));
        }
        if let Some(delay) = error.retry_after {
            let retry = pb::RetryInfo {
                retry_delay: prost_types::Duration::try_from(delay).ok(),
            };
            details.push(details::pack("google.rpc.RetryInfo", &retry));
        }
        if let Some(more) = error.details {
            details.push(details::write(*more));
        }
        let status = pb::Status {
            code: code as i32,
            message: error.message.clone().into_owned(),
            details,
        };
        Self::with_details(code, error.message, status.encode_to_vec().into())
    }
}

/// Collects the fields at fault, at most one violation a field.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// The violations that `check` reports: field, code and message.
    pub fn collect(check: impl FnOnce(&mut dyn FnMut(&str, &'static str, String))) -> Self {
        let mut violations = Self::default();
        check(&mut |field, code, message| violations.add(field, code, message));
        violations
    }

    /// Notes a field at fault, unless it is noted already.
    pub fn add(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        if !self.0.iter().any(|known| known.field == field) {
            self.0.push(Violation {
                field: field.to_owned(),
                code: code.into(),
                message: message.into(),
            });
        }
    }

    /// The value, or `None` after noting why `field` has none.
    pub fn take<T>(&mut self, field: &str, parsed: Result<T, (&'static str, String)>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err((code, message)) => {
                self.add(field, code, message);
                None
            }
        }
    }

    /// Nothing, if no field was at fault.
    ///
    /// # Errors
    ///
    /// `VALIDATION_FAILED` with the fields at fault.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::validation(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_stands_in_the_order_of_the_kinds() {
        for (index, row) in Kind::TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index);
        }
    }

    #[test]
    fn a_call_that_was_cancelled_because_its_time_was_up_took_too_long() {
        let error = Error::from_status(&Status::cancelled("Timeout expired"));
        assert_eq!(
            (error.kind, &*error.reason),
            (Kind::DeadlineExceeded, "DEADLINE_EXCEEDED")
        );
    }

    #[test]
    fn an_error_survives_the_way_through_a_status() {
        let mut details = Map::new();
        details.insert(
            "projects".into(),
            serde_json::json!([{"id": "1", "n": 2, "half": 0.5}]),
        );
        let error = Error {
            violations: vec![Violation {
                field: "newPassword".into(),
                code: "PASSWORD_TOO_SHORT".into(),
                message: "must have at least 8 characters".into(),
            }],
            ..Error::new(Kind::KeyReused, "IDEMPOTENCY_KEY_REUSED", "Use a new key.")
        }
        .with_details(details.clone())
        .with_retry_after(Duration::from_secs(3));
        let back = Error::from_status(&Status::from(error));
        assert_eq!(back.kind, Kind::KeyReused);
        assert_eq!(back.kind.http(), 422);
        assert_eq!(back.reason, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(back.message, "Use a new key.");
        assert_eq!(back.violations[0].code, "PASSWORD_TOO_SHORT");
        assert_eq!(back.details.as_deref(), Some(&details));
        assert_eq!(back.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn internal_text_does_not_reach_the_caller() {
        let status = Status::from(Error::internal("password of the database is hunter2"));
        assert!(!format!("{status:?}").contains("hunter2"));
        let foreign = Error::from_status(&Status::unknown("stack trace"));
        assert_eq!(foreign.reason, "INTERNAL_ERROR");
        assert!(!foreign.message.contains("stack trace"));
    }

    #[test]
    fn a_field_is_noted_once() {
        let mut violations = Violations::default();
        violations.add("name", "REQUIRED", "is required");
        violations.add("name", "TOO_SHORT", "is too short");
        let error = violations.finish().expect_err("one violation");
        assert_eq!(error.violations.len(), 1);
        assert_eq!(error.violations[0].code, "REQUIRED");
    }
}
