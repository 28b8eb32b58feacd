//! The gateway's settings, read once at the start.

use std::{net::IpAddr, num::NonZeroU32, path::PathBuf, str::FromStr, time::Duration};

use portico_chassis::config::{self, Env};

use crate::web::Web;

const PUBLIC_URL: &str = "http://localhost:8080";
const BODY_LIMIT: usize = 1 << 20;
const MESSAGE_LIMIT: usize = 16 << 10;

/// What can be set about the gateway.
#[derive(Clone)]
pub struct Config {
    /// Where clients find Portico, without a slash at the end.
    pub public_url: String,
    /// The origins besides the public URL's whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// The greatest size of a request's body, in bytes, after inflation.
    pub body_limit: usize,
    /// The proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// How often clients may call.
    pub limits: LimitsConfig,
    /// What clients of live changes may have.
    pub live: LiveConfig,
    /// The folder of mails to show, in a development installation that has no
    /// mail server.
    pub mailbox: Option<PathBuf>,
    /// The web client; `None` where it was left out.
    pub web: Option<Web>,
}

/// What clients of live changes may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveConfig {
    /// Connections of one person at once.
    pub connections_per_user: usize,
    /// Connections from one address at once.
    pub connections_per_address: usize,
    /// Projects that one socket may join at once.
    pub rooms: usize,
    /// The greatest message that a socket may send, in bytes.
    pub message_limit: usize,
    /// How often one socket may send messages; `None`: as it likes.
    pub messages: Option<Quota>,
}

/// How often clients may call; `None` switches a limit off. It has no `Debug`
/// form: the URL may hold a password.
#[derive(Clone)]
pub struct LimitsConfig {
    /// Where gateways share their counts; `None`: each counts in its memory.
    pub redis_url: Option<String>,
    /// Calls of nobody in particular, per address.
    pub anonymous: Option<Quota>,
    /// Calls of one person.
    pub user: Option<Quota>,
    /// Calls that try a password or a token, per address, and per account and network.
    pub credentials: Option<Quota>,
}

/// So many calls in so much time, written `300/1m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many calls.
    pub calls: NonZeroU32,
    /// In how much time.
    pub window: Duration,
}

/// A block of addresses in CIDR notation (RFC 4632), or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Config {
    /// Reads the settings of the gateway; what is wrong with them is noted in
    /// `env`.
    pub fn read(env: &mut Env) -> Self {
        let quota = |env: &mut Env, name, default| {
            let default = limit(default).unwrap_or_default();
            env.parse(name, default, limit)
        };
        Self {
            public_url: env.parse("PORTICO_PUBLIC_URL", PUBLIC_URL.to_owned(), public_url),
            cors_origins: env.parse("PORTICO_CORS_ORIGINS", Vec::new(), |text| {
                list(text, origin)
            }),
            body_limit: env.parse("PORTICO_BODY_LIMIT", BODY_LIMIT, config::size),
            trusted_proxies: env.parse("PORTICO_TRUSTED_PROXIES", Vec::new(), |text| {
                list(text, str::parse)
            }),
            limits: LimitsConfig {
                redis_url: env.secret("PORTICO_RATE_LIMIT_URL", limit_url).flatten(),
                anonymous: quota(env, "PORTICO_RATE_LIMIT_ANONYMOUS", "300/1m"),
                user: quota(env, "PORTICO_RATE_LIMIT_USER", "1200/1m"),
                credentials: quota(env, "PORTICO_RATE_LIMIT_CREDENTIALS", "10/1m"),
            },
            live: LiveConfig {
                connections_per_user: env.parse("PORTICO_LIVE_PER_USER", 20, count),
                connections_per_address: env.parse("PORTICO_LIVE_PER_ADDRESS", 500, count),
                rooms: env.parse("PORTICO_LIVE_ROOMS", 100, count),
                message_limit: env.parse("PORTICO_LIVE_MESSAGE_LIMIT", MESSAGE_LIMIT, config::size),
                messages: quota(env, "PORTICO_LIVE_MESSAGES", "20/1s"),
            },
            mailbox: None,
            web: Web::embedded(),
        }
    }

    /// Whether clients reach Portico by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// Reads an URL with nothing after its authority; plain http only for this
/// machine.
fn public_url(text: &str) -> Result<String, String> {
    let expected = "an URL such as https://portico.example; http only for loopback hosts";
    let text = origin(text.strip_suffix('/').unwrap_or(text)).map_err(|_| expected.to_owned())?;
    let host = text.strip_prefix("http://").map(|authority| {
        let bracket_end = authority.rfind(']').map_or(0, |end| end + 1);
        let name_end = authority[bracket_end..].find(':');
        &authority[..name_end.map_or(authority.len(), |end| bracket_end + end)]
    });
    let is_safe = host.is_none_or(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    });
    if is_safe {
        Ok(text)
    } else {
        Err(expected.to_owned())
    }
}

/// Reads an origin as browsers send it (RFC 6454, section 6.1).
fn origin(text: &str) -> Result<String, String> {
    let expected = || "origins such as https://app.example".to_owned();
    let uri: http::Uri = text.parse().map_err(|_| expected())?;
    let authority = uri.authority().ok_or_else(expected)?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_bare = format!("{}://{authority}", uri.scheme_str().unwrap_or_default()) == text;
    let is_plain = is_web && is_bare && !text.contains('@') && !authority.host().is_empty();
    if is_plain {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(expected())
    }
}

fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(|part| parse(part.trim())).collect()
}

fn limit_url(text: &str) -> Result<Option<String>, String> {
    match text {
        "memory" => Ok(None),
        _ if text.starts_with("redis://") || text.starts_with("rediss://") => {
            Ok(Some(text.to_owned()))
        }
        _ => Err("`memory` or an URL such as redis://host:6379".to_owned()),
    }
}

/// Reads `300/1m` or `off`.
fn limit(text: &str) -> Result<Option<Quota>, String> {
    if text == "off" {
        return Ok(None);
    }
    let expected = || "a limit such as 300/1m, or off".to_owned();
    let (calls, window) = text.split_once('/').ok_or_else(expected)?;
    Ok(Some(Quota {
        calls: calls.parse().map_err(|_| expected())?,
        window: config::duration(window).map_err(|_| expected())?,
    }))
}

/// Reads how many there may be.
fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a number from 1 on".to_owned())
}

impl Quota {
    /// The same for GCRA: after a burst, calls come back one by one.
    pub(crate) fn gcra(self) -> governor::Quota {
        let pace = self.window / self.calls.get();
        governor::Quota::with_period(pace)
            .unwrap_or(governor::Quota::per_second(self.calls))
            .allow_burst(self.calls)
    }
}

impl Network {
    /// Whether every address is in it.
    pub(crate) fn is_everybody(&self) -> bool {
        self.prefix == 0
    }

    /// Whether an address belongs to it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (mine, other, width) = match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                (mine.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => (mine.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let free_bits = width - u32::from(self.prefix);
        u128::checked_shr(mine ^ other, free_bits).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "networks such as 10.0.0.0/8 or fd00::/8".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| expected())?,
            None => width,
        };
        if prefix > width {
            return Err(expected());
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Config, Env) {
        let variables = variables.iter();
        let mut env =
            Env::of(variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        (Config::read(&mut env), env)
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let (config, env) = read(&[]);
        env.finish().expect("no mistake");
        assert_eq!(config.public_url, "http://localhost:8080");
        assert_eq!(config.body_limit, 1_048_576);
        assert_eq!(config.limits.user.expect("a limit").calls.get(), 1200);
        assert!(config.limits.redis_url.is_none());
    }

    #[test]
    fn everything_can_be_set() {
        let (config, env) = read(&[
            ("PORTICO_PUBLIC_URL", "https://portico.example/"),
            (
                "PORTICO_CORS_ORIGINS",
                "https://a.example, http://localhost:5173",
            ),
            ("PORTICO_BODY_LIMIT", "64KiB"),
            ("PORTICO_TRUSTED_PROXIES", "10.0.0.0/8,::1"),
            ("PORTICO_RATE_LIMIT_URL", "redis://cache:6379"),
            ("PORTICO_RATE_LIMIT_USER", "off"),
            ("PORTICO_RATE_LIMIT_CREDENTIALS", "5/30s"),
            ("PORTICO_LIVE_PER_USER", "1"),
            ("PORTICO_LIVE_PER_ADDRESS", "2"),
            ("PORTICO_LIVE_ROOMS", "3"),
            ("PORTICO_LIVE_MESSAGE_LIMIT", "1KiB"),
            ("PORTICO_LIVE_MESSAGES", "off"),
        ]);
        env.finish().expect("no mistake");
        assert_eq!(config.public_url, "https://portico.example");
        assert!(config.is_https());
        assert_eq!(
            config.cors_origins,
            ["https://a.example", "http://localhost:5173"]
        );
        assert_eq!(config.trusted_proxies.len(), 2);
        assert_eq!(
            config.limits.redis_url.as_deref(),
            Some("redis://cache:6379")
        );
        assert_eq!(config.limits.user, None);
        let credentials = config.limits.credentials.expect("a limit");
        assert_eq!(
            (credentials.calls.get(), credentials.window.as_secs()),
            (5, 30)
        );
        let live = LiveConfig {
            connections_per_user: 1,
            connections_per_address: 2,
            rooms: 3,
            message_limit: 1024,
            messages: None,
        };
        assert_eq!(config.live, live);
    }

    #[test]
    fn every_mistake_is_named() {
        let (_, env) = read(&[
            ("PORTICO_PUBLIC_URL", "http://portico.example"),
            ("PORTICO_CORS_ORIGINS", "https://a.example/path"),
            ("PORTICO_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("PORTICO_RATE_LIMIT_USER", "0/1m"),
            ("PORTICO_RATE_LIMIT_URL", "http://cache"),
            ("PORTICO_LIVE_ROOMS", "0"),
        ]);
        let text = env.finish().expect_err("mistakes").to_string();
        for name in [
            "PUBLIC_URL",
            "CORS_ORIGINS",
            "TRUSTED_PROXIES",
            "LIMIT_USER",
            "LIMIT_URL",
            "LIVE_ROOMS",
        ] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080/",
        ] {
            assert!(public_url(url).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "ftp://localhost",
            "https://a.example/b",
            "https://",
            "x",
        ] {
            assert!(public_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_network_contains_its_addresses_only() {
        let contains = |network: &str, address: &str| {
            let network: Network = network.parse().expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.6"));
    }
}
