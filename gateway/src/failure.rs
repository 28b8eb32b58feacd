//! A failure with what HTTP says of it beside the code: the status, which for
//! some of the gateway's own no gRPC code knows, and headers.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use portico_chassis::status::{Error, Kind, Violation};

use crate::{limits::ceil_seconds, transcode::Rejection};

/// Why a request is not answered with a success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// In a box, to keep results small.
    pub(crate) error: Box<Error>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// One of the gateway's own, which gRPC does not have.
    pub(crate) fn new(
        status: StatusCode,
        reason: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            error: Box::new(Error::new(Kind::Invalid, reason, message)),
            header: None,
        }
    }

    pub(crate) fn route_not_found() -> Self {
        Error::new(
            Kind::NotFound,
            "ROUTE_NOT_FOUND",
            "There is nothing at this path.",
        )
        .into()
    }

    pub(crate) fn method_not_allowed(allow: HeaderValue) -> Self {
        let message = "This path does not take this method; the header Allow has those it takes.";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            message,
        )
        .with_header(header::ALLOW, allow)
    }

    pub(crate) fn not_acceptable(media_type: &str) -> Self {
        let message = format!("The answer is {media_type}, which the header Accept excludes.");
        Self::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Adds the headers that clients act upon.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some((name, value)) = &self.header {
            headers.insert(name, value.clone());
        }
        match self.status {
            // RFC 9110, section 15.5.2, demands one; RFC 6750, section 3.
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::FORBIDDEN => {
                let challenge = self.missing_scope().and_then(insufficient_scope);
                headers.extend(challenge.map(|value| (header::WWW_AUTHENTICATE, value)));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let wait = self.error.retry_after.unwrap_or_default();
                headers.insert(header::RETRY_AFTER, ceil_seconds(wait).into());
            }
            _ => {}
        }
    }

    /// The scope that a key lacks.
    fn missing_scope(&self) -> Option<&str> {
        let details = self.error.details.as_ref()?;
        let is_missing = self.error.reason == "SCOPE_MISSING";
        details.get("scope")?.as_str().filter(|_| is_missing)
    }

    /// Logs what is the system's own fault, unless the service that it comes
    /// from did.
    pub(crate) fn log(&self) {
        let Some(source) = &self.error.source else {
            return;
        };
        let reason = &*self.error.reason;
        if self.error.kind == Kind::Internal {
            tracing::error!(reason, error = %source, "request failed");
        } else {
            tracing::warn!(reason, error = %source, "request failed");
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.kind.http());
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error: Box::new(error),
            header: None,
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let error = match rejection {
            Rejection::Malformed(malformed) => Error::new(
                Kind::Invalid,
                "MALFORMED_REQUEST",
                format!("The request cannot be read: {malformed}."),
            ),
            Rejection::Invalid(violations) => {
                let violations = violations.into_iter().map(|violation| Violation {
                    field: violation.field,
                    code: violation.code.as_str().into(),
                    message: violation.message,
                });
                Error::validation(violations.collect())
            }
        };
        error.into()
    }
}

/// What tells whoever shows a key which scope it lacks (RFC 6750, section 3.1);
/// nothing, if it is none (RFC 6749, section 3.3).
fn insufficient_scope(scope: &str) -> Option<HeaderValue> {
    let is_scope = scope
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    challenge.try_into().ok().filter(|_| is_scope)
}

/// The methods of a path as the header `Allow` has them.
pub(crate) fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portico_chassis::caller;

    use super::*;

    fn headers(failure: impl Into<Failure>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        failure.into().write(&mut headers);
        headers
    }

    #[test]
    fn whoever_must_sign_in_is_told_how() {
        let headers = headers(caller::unauthenticated());
        assert_eq!(headers["www-authenticate"], "Bearer");
    }

    #[test]
    fn whoever_shows_a_key_is_told_which_scope_it_lacks() {
        let challenge = |failure: Error| headers(failure).remove("www-authenticate");
        let missing = |scope: &str| challenge(caller::scope_missing(scope));
        assert_eq!(
            missing("projects:write").expect("a challenge"),
            "Bearer error=\"insufficient_scope\", scope=\"projects:write\""
        );
        for no_scope in ["a\", x=\"b", "a\\", "a b", "a\r\nX: y"] {
            assert_eq!(missing(no_scope), None, "{no_scope}");
        }
        assert_eq!(challenge(caller::forbidden()), None);
    }

    #[test]
    fn whoever_must_wait_is_told_how_long() {
        assert_eq!(headers(Error::unavailable("down"))["retry-after"], "1");
        let limited = Error::new(Kind::ResourceExhausted, "TOO_MANY_ATTEMPTS", "Wait.");
        let wait = Duration::from_millis(2_100);
        assert_eq!(headers(limited.with_retry_after(wait))["retry-after"], "3");
    }

    #[test]
    fn allowed_methods_stand_in_one_header() {
        let failure = Failure::method_not_allowed(allow(&[Method::GET, Method::HEAD]));
        assert_eq!(headers(failure)["allow"], "GET, HEAD");
    }
}
