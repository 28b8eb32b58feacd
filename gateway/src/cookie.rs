//! The cookie in which browsers keep their refresh token, and the pages that may
//! use it (RFC 6265, and its draft successor for prefixes and `SameSite`).

use http::{HeaderMap, HeaderValue, header};

use crate::config::Config;

const PATH: &str = "/api/v1/auth";

/// How the cookie is read and written in this installation.
pub(crate) struct RefreshCookie {
    name: &'static str,
    attributes: String,
}

impl RefreshCookie {
    pub(crate) fn new(config: &Config) -> Self {
        let (name, secure) = if config.is_https() {
            ("__Secure-portico_refresh", "; Secure")
        } else {
            ("portico_refresh", "")
        };
        Self {
            name,
            attributes: format!("; Path={PATH}; HttpOnly; SameSite=Strict{secure}"),
        }
    }

    /// The refresh token that a browser sent.
    pub(crate) fn read<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        headers
            .get_all(header::COOKIE)
            .into_iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    }

    /// The header that a service's `<seconds> <token>` asks for; an empty text
    /// makes the browser forget its token.
    pub(crate) fn write(&self, asked: &str) -> Option<HeaderValue> {
        let (seconds, token) = match asked {
            "" => ("0", ""),
            _ => asked.split_once(' ')?,
        };
        let _: u64 = seconds.parse().ok()?;
        let (name, attributes) = (self.name, &self.attributes);
        HeaderValue::try_from(format!("{name}={token}{attributes}; Max-Age={seconds}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use portico_chassis::config::Env;

    use super::*;

    fn cookie(public_url: &str) -> RefreshCookie {
        let variables = [("PORTICO_PUBLIC_URL".to_owned(), public_url.to_owned())];
        RefreshCookie::new(&Config::read(&mut Env::of(variables)))
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            "cookie",
            HeaderValue::from_static("a=1; portico_refreshing=no"),
        );
        headers.append(
            "cookie",
            HeaderValue::from_static("b=2;portico_refresh=abc; c=3"),
        );
        assert_eq!(cookie("http://localhost").read(&headers), Some("abc"));
        assert_eq!(cookie("https://portico.example").read(&headers), None);
    }

    #[test]
    fn the_cookie_is_kept_away_from_scripts_and_other_sites() {
        assert_eq!(
            cookie("http://localhost")
                .write("2592000 abc")
                .expect("a header"),
            "portico_refresh=abc; Path=/api/v1/auth; HttpOnly; SameSite=Strict; Max-Age=2592000"
        );
        assert_eq!(
            cookie("https://portico.example")
                .write("")
                .expect("a header"),
            "__Secure-portico_refresh=; Path=/api/v1/auth; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
        );
        assert_eq!(cookie("http://localhost").write("soon abc"), None);
    }
}
