//! What an operator can set.

use std::{fmt, path::PathBuf, time::Duration};

use portico_chassis::config::{self, Env};

use crate::{password::Cost, secret::MasterKey};

/// The configuration of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// The issuer of access tokens: the public URL, without a slash at the end.
    pub issuer: String,
    /// The audience of access tokens.
    pub audience: String,
    /// How long an access token lives.
    pub access_token_ttl: Duration,
    /// How long a session lasts unless it is used.
    pub session_ttl: Duration,
    /// Whether nobody signs in before the e-mail address is verified.
    pub require_verified_email: bool,
    /// What protects secrets at rest.
    pub master_key: MasterKey,
    /// What a password hash costs.
    pub password_cost: Cost,
    /// Whether those who fail to sign in often have to wait.
    pub is_throttled: bool,
    /// The full list of breached passwords, beside the one in the program.
    pub breached_passwords: Option<PathBuf>,
    /// The first administrator, made once if it is set.
    pub first_admin: Option<FirstAdmin>,
}

/// The first administrator.
#[derive(Clone)]
pub struct FirstAdmin {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for FirstAdmin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FirstAdmin({})", self.email)
    }
}

impl Config {
    /// Reads the variables of the service; `None` without a usable master key.
    /// Mistakes are noted in `env`.
    pub fn read(env: &mut Env) -> Option<Self> {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let issuer = env
            .text("PORTICO_PUBLIC_URL")
            .unwrap_or_else(|| "http://localhost:8080".to_owned());
        let audience = env
            .text("PORTICO_TOKEN_AUDIENCE")
            .unwrap_or_else(|| "portico".to_owned());
        let access_token_ttl = env.parse("PORTICO_ACCESS_TOKEN_TTL", minutes(10), config::duration);
        let session_ttl = env.parse(
            "PORTICO_SESSION_TTL",
            minutes(30 * 24 * 60),
            config::duration,
        );
        let require_verified_email =
            env.parse("PORTICO_REQUIRE_VERIFIED_EMAIL", false, config::switch);
        let is_throttled = env.parse("PORTICO_AUTH_THROTTLE", true, |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("on or off".to_owned()),
        });
        let breached_passwords = env.text("PORTICO_BREACHED_PASSWORDS_FILE");
        let breached_passwords = breached_passwords.map(PathBuf::from);
        let first_admin = read_first_admin(env);
        let is_given = env.text("PORTICO_MASTER_KEY").is_some()
            || env.text("PORTICO_MASTER_KEY_FILE").is_some();
        if !is_given {
            env.missing(
                "PORTICO_MASTER_KEY",
                "32 bytes or more in base64, which encrypt secrets at rest",
            );
        }
        let master_key = env.secret("PORTICO_MASTER_KEY", MasterKey::parse)?;
        Some(Self {
            issuer: issuer.trim_end_matches('/').to_owned(),
            audience,
            access_token_ttl,
            session_ttl,
            require_verified_email,
            master_key,
            password_cost: Cost::default(),
            is_throttled,
            breached_passwords,
            first_admin,
        })
    }
}

fn read_first_admin(env: &mut Env) -> Option<FirstAdmin> {
    let email = env.text("PORTICO_BOOTSTRAP_ADMIN_EMAIL");
    let password = env.secret("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", |text| {
        crate::password::Password::parse(text)
            .map(|_| text.to_owned())
            .map_err(|_| "a password of 8 to 128 characters that is not common".to_owned())
    });
    match (email, password) {
        (Some(email), Some(password)) => Some(FirstAdmin { email, password }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Env::of(variables.iter().map(own))
    }

    #[test]
    fn a_master_key_is_enough() {
        let key = "A".repeat(43);
        let mut env = env(&[
            ("PORTICO_MASTER_KEY", &key),
            ("PORTICO_PUBLIC_URL", "https://id.example.com/"),
        ]);
        let config = Config::read(&mut env).expect("configured");
        assert!(env.finish().is_ok());
        assert_eq!(config.issuer, "https://id.example.com");
        assert_eq!(config.access_token_ttl, Duration::from_secs(600));
        assert_eq!(config.session_ttl, Duration::from_secs(30 * 86_400));
    }

    #[test]
    fn mistakes_are_told_by_name_and_without_secrets() {
        let mut env = env(&[
            ("PORTICO_MASTER_KEY", "c2hvcnQ"),
            ("PORTICO_SESSION_TTL", "forever"),
            ("PORTICO_BOOTSTRAP_ADMIN_EMAIL", "admin@example.com"),
            ("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", "hunter2"),
        ]);
        assert!(Config::read(&mut env).is_none());
        let text = env.finish().expect_err("mistakes").to_string();
        assert!(text.contains("PORTICO_MASTER_KEY is not 32 bytes"));
        assert!(text.contains("PORTICO_SESSION_TTL is `forever`"));
        assert!(text.contains("PORTICO_BOOTSTRAP_ADMIN_PASSWORD is not a password"));
        assert!(!text.contains("hunter2") && !text.contains("c2hvcnQ"));
        let mut common = self::env(&[
            ("PORTICO_MASTER_KEY", &"A".repeat(43)),
            ("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", "Password1"),
            ("PORTICO_AUTH_THROTTLE", "sometimes"),
        ]);
        assert!(Config::read(&mut common).is_some());
        let text = common.finish().expect_err("mistakes").to_string();
        assert!(text.contains("PORTICO_BOOTSTRAP_ADMIN_PASSWORD is not a password"));
        assert!(text.contains("PORTICO_AUTH_THROTTLE is `sometimes`, expected on or off"));
        let mut empty = Env::of([]);
        assert!(Config::read(&mut empty).is_none());
        let text = empty.finish().expect_err("mistakes").to_string();
        assert!(text.contains("PORTICO_MASTER_KEY is not set"));
    }
}
