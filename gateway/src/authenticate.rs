//! Who a client is, by its `Authorization` header (RFC 6750, section 2.1).

use std::sync::Arc;

use http::{HeaderMap, header};
use portico_chassis::{
    caller::{User, unauthenticated},
    guard::parse_bearer,
    status::Error,
    token::Verifier,
};

/// What a client shows of itself.
pub(crate) enum Credential<'h> {
    /// Nothing.
    None,
    /// A bearer token.
    Bearer(&'h str),
    /// Something that is no bearer token.
    Unknown,
}

impl<'h> Credential<'h> {
    pub(crate) fn of(headers: &'h HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => match value.to_str().map(parse_bearer) {
                Ok(Ok(token)) => Self::Bearer(token),
                _ => Self::Unknown,
            },
            // Which of two would count is anybody's guess.
            (Some(_), Some(_)) => Self::Unknown,
        }
    }

    /// The person behind it; nobody, where nothing is shown.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`, or
    /// `SERVICE_UNAVAILABLE` while no token can be checked.
    pub(crate) async fn verify(&self, verifier: &Verifier) -> Result<Option<Arc<User>>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Bearer(token) => verifier.verify(token).await.map(Some),
            Self::Unknown => Err(unauthenticated()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn only_one_bearer_token_is_a_credential() {
        assert!(matches!(Credential::of(&headers(&[])), Credential::None));
        assert!(matches!(
            Credential::of(&headers(&["bearer a.b.c"])),
            Credential::Bearer("a.b.c")
        ));
        assert!(matches!(
            Credential::of(&headers(&["Basic YTpi"])),
            Credential::Unknown
        ));
        assert!(matches!(
            Credential::of(&headers(&["Bearer a", "Bearer b"])),
            Credential::Unknown
        ));
    }
}
