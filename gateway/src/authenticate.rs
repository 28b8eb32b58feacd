//! Who a client is, by its `Authorization` header (RFC 6750, section 2.1).

use http::{HeaderMap, header};
use portico_chassis::{
    caller::unauthenticated,
    guard::parse_bearer,
    status::Error,
    token::{Known, Verifier},
};

/// What a client shows of itself.
pub(crate) enum Credential<'h> {
    /// Nothing.
    None,
    /// A bearer token or an API key.
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

    /// Whether nobody need be asked to verify it.
    pub(crate) fn is_at_hand(&self, verifier: &Verifier) -> bool {
        match self {
            Self::Bearer(token) => verifier.is_at_hand(token),
            Self::None | Self::Unknown => true,
        }
    }

    /// Who is behind it; nobody, where nothing is shown.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`, or
    /// `SERVICE_UNAVAILABLE` while no token can be checked.
    pub(crate) async fn verify(&self, verifier: &Verifier) -> Result<Option<Known>, Error> {
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
