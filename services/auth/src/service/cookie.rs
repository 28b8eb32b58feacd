//! Where browsers keep the refresh token. The gateway turns metadata into the
//! cookie and back; here stands when.

use std::time::Duration;

use portico_chassis::{
    caller::{Call, insert, metadata},
    status::Error,
};
use tonic::Response;

use crate::error;

/// The way by which a refresh token reaches its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Body,
    Cookie,
}

impl Delivery {
    /// The way that a call asks for.
    ///
    /// # Errors
    ///
    /// `ORIGIN_NOT_ALLOWED` for the cookie and a page of a foreign origin.
    pub(super) fn of(call: &Call, by_cookie: bool) -> Result<Self, Error> {
        match by_cookie {
            false => Ok(Self::Body),
            true if call.foreign_origin => Err(error::origin_not_allowed()),
            true => Ok(Self::Cookie),
        }
    }

    /// The token, if it belongs into the body.
    pub(super) fn in_body(self, token: &str) -> Option<String> {
        (self == Self::Body).then(|| token.to_owned())
    }

    /// Adds the token, if it belongs into the cookie: after how many seconds
    /// the browser forgets it, and the token.
    pub(super) fn write<T>(self, response: &mut Response<T>, token: &str, max_age: Duration) {
        if self == Self::Cookie {
            let value = format!("{} {token}", max_age.as_secs());
            insert(response.metadata_mut(), metadata::REFRESH_COOKIE, &value);
        }
    }
}

/// An answer that makes the browser forget its cookie, if it sent one.
///
/// # Errors
///
/// `ORIGIN_NOT_ALLOWED` for a page of a foreign origin.
pub(super) fn forget(call: &Call) -> Result<Response<()>, Error> {
    let mut response = Response::new(());
    if call.refresh_cookie.is_some() {
        Delivery::of(call, true)?;
        insert(response.metadata_mut(), metadata::REFRESH_COOKIE, "");
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(response: &Response<()>) -> Option<&str> {
        let value = response.metadata().get(metadata::REFRESH_COOKIE)?;
        value.to_str().ok()
    }

    #[test]
    fn a_token_goes_one_way_only() {
        let call = Call::default();
        let mut response = Response::new(());
        let body = Delivery::of(&call, false).expect("allowed");
        body.write(&mut response, "prt_x", Duration::from_secs(60));
        assert_eq!(body.in_body("prt_x").as_deref(), Some("prt_x"));
        assert_eq!(cookie(&response), None);
        let by_cookie = Delivery::of(&call, true).expect("allowed");
        by_cookie.write(&mut response, "prt_x", Duration::from_secs(60));
        assert_eq!(by_cookie.in_body("prt_x"), None);
        assert_eq!(cookie(&response), Some("60 prt_x"));
    }

    #[test]
    fn a_foreign_page_neither_gets_nor_uses_the_cookie() {
        let mut call = Call::default();
        call.foreign_origin = true;
        call.refresh_cookie = Some("prt_x".to_owned());
        let refused = Delivery::of(&call, true).expect_err("refused");
        assert_eq!(refused.reason, "ORIGIN_NOT_ALLOWED");
        assert!(forget(&call).is_err());
        assert!(Delivery::of(&call, false).is_ok());
    }

    #[test]
    fn only_a_browser_that_sent_a_cookie_is_told_to_forget_it() {
        let mut with = Call::default();
        with.refresh_cookie = Some("prt_x".to_owned());
        assert_eq!(cookie(&forget(&with).expect("answer")), Some(""));
        assert_eq!(cookie(&forget(&Call::default()).expect("answer")), None);
    }
}
