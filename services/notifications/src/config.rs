//! What an operator can set.

use std::{fmt, path::PathBuf};

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use portico_chassis::config::Env;
use url::Url;

const FROM: &str = "PORTICO_MAIL_FROM";
const SMTP_URL: &str = "PORTICO_SMTP_URL";

/// The configuration of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people find Portico, without a slash at the end.
    pub public_url: String,
    /// Who sends the mails.
    pub from: Mailbox,
    /// Where they go.
    pub outlet: Outlet,
}

/// Where mails go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlet {
    /// To a mail server.
    Smtp(SmtpServer),
    /// Into a folder, for people to look at.
    Mailbox(PathBuf),
}

/// A mail server, and how it is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) encryption: Encryption,
}

/// What is encrypted on the way to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Everything, from the first byte on.
    Implicit,
    /// Everything after `STARTTLS`, without which nothing is said.
    Required,
    /// Everything after `STARTTLS`, if the server offers it.
    Offered,
    /// Nothing.
    Never,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SmtpServer({}:{})", self.host, self.port)
    }
}

impl Config {
    /// Reads the variables of the service. Without a mail server, mails go into
    /// the folder `mailbox`, if there is one. Mistakes are noted in `env`.
    pub fn read(env: &mut Env, mailbox: Option<PathBuf>) -> Option<Self> {
        let public_url = env.text("PORTICO_PUBLIC_URL").unwrap_or_default();
        let from = match env.text(FROM) {
            Some(text) => {
                let from = text.parse().ok();
                if from.is_none() {
                    env.mistake(FROM, &format!("is `{text}`, expected {EXPECTED_FROM}"));
                }
                from
            }
            None => {
                env.missing(FROM, EXPECTED_FROM);
                None
            }
        };
        let outlet = if env.is_given(SMTP_URL) {
            env.secret(SMTP_URL, smtp_server).map(Outlet::Smtp)
        } else {
            if mailbox.is_none() {
                env.missing(SMTP_URL, EXPECTED_SERVER);
            }
            mailbox.map(Outlet::Mailbox)
        };
        Some(Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            from: from?,
            outlet: outlet?,
        })
    }
}

const EXPECTED_FROM: &str = "the sender of mails, such as Portico <portico@example.com>";
const EXPECTED_SERVER: &str = "a mail server, smtp(s)://user:password@host:port";

/// Reads `smtps://user:password@host:port`, encrypted from the first byte on,
/// or `smtp://…`, encrypted by `STARTTLS`: always where there is a password,
/// else where the server offers it, unless `?tls=required` or `?tls=never`
/// says otherwise. No password ever travels in the clear.
fn smtp_server(text: &str) -> Result<SmtpServer, String> {
    let expected = || EXPECTED_SERVER.to_owned();
    let url = Url::parse(text).map_err(|_| expected())?;
    let is_bare = matches!(url.path(), "" | "/") && url.fragment().is_none();
    let host = url.host_str().filter(|host| !host.is_empty() && is_bare);
    let host = host.ok_or_else(expected)?;
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(String::from).map_err(|_| expected())
    };
    let credentials = match (url.username(), url.password()) {
        ("", None) => None,
        ("", Some(_)) | (_, None) => return Err(expected()),
        (user, Some(password)) => Some((decode(user)?, decode(password)?)),
    };
    let encryption = match (url.scheme(), url.query(), &credentials) {
        ("smtps", None, _) => Encryption::Implicit,
        ("smtp", Some("tls=required"), _) | ("smtp", None, Some(_)) => Encryption::Required,
        ("smtp", None, None) => Encryption::Offered,
        ("smtp", Some("tls=never"), None) => Encryption::Never,
        ("smtp", Some("tls=never"), Some(_)) => {
            return Err(format!("{EXPECTED_SERVER}; a password needs encryption"));
        }
        _ => return Err(expected()),
    };
    let usual_port = if encryption == Encryption::Implicit {
        465
    } else {
        587
    };
    Ok(SmtpServer {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(usual_port),
        credentials,
        encryption,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], mailbox: Option<&str>) -> (Option<Config>, Env) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut env = Env::of(variables.iter().map(own));
        (Config::read(&mut env, mailbox.map(PathBuf::from)), env)
    }

    #[test]
    fn a_development_installation_needs_no_mail_server() {
        let url = ("PORTICO_PUBLIC_URL", "http://localhost:8080/");
        let from = ("PORTICO_MAIL_FROM", "portico@localhost");
        let (config, env) = read(&[url, from], Some("data/mailbox"));
        env.finish().expect("no mistake");
        let config = config.expect("configured");
        assert_eq!(config.outlet, Outlet::Mailbox("data/mailbox".into()));
        assert_eq!(config.public_url, "http://localhost:8080");
    }

    #[test]
    fn production_needs_a_mail_server_and_a_sender() {
        let (config, env) = read(&[], None);
        assert!(config.is_none());
        let text = env.finish().expect_err("mistakes").to_string();
        assert!(text.contains("PORTICO_SMTP_URL is not set"), "{text}");
        assert!(text.contains("PORTICO_MAIL_FROM is not set"), "{text}");
    }

    #[test]
    fn mistakes_are_told_by_name_and_without_secrets() {
        let url = ("PORTICO_SMTP_URL", "smtp://ada:hunter2@");
        let (config, env) = read(&[url, ("PORTICO_MAIL_FROM", "nobody")], None);
        assert!(config.is_none());
        let text = env.finish().expect_err("mistakes").to_string();
        assert!(
            text.contains("PORTICO_SMTP_URL is not a mail server"),
            "{text}"
        );
        assert!(text.contains("PORTICO_MAIL_FROM is `nobody`"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(text.matches("PORTICO_SMTP_URL").count(), 1, "{text}");
    }

    #[test]
    fn a_server_says_how_it_is_spoken_to() {
        let server =
            smtp_server("smtps://ada%40example.com:p%3Aw@mail.example.com").expect("valid");
        assert_eq!(
            (server.host.as_str(), server.port),
            ("mail.example.com", 465)
        );
        assert_eq!(server.encryption, Encryption::Implicit);
        let credentials = ("ada@example.com".to_owned(), "p:w".to_owned());
        assert_eq!(server.credentials, Some(credentials));
        let server = smtp_server("smtp://[::1]:2525").expect("valid");
        assert_eq!((server.host.as_str(), server.port), ("::1", 2525));
    }

    #[test]
    fn a_password_is_never_sent_in_the_clear() {
        let encryption = |url: &str| smtp_server(url).map(|server| server.encryption);
        assert_eq!(encryption("smtp://u:p@mail:25"), Ok(Encryption::Required));
        assert_eq!(encryption("smtp://u:p@localhost"), Ok(Encryption::Required));
        assert!(encryption("smtp://u:p@mail:25?tls=never").is_err());
        assert_eq!(encryption("smtp://mail:25"), Ok(Encryption::Offered));
        assert_eq!(encryption("smtp://mail?tls=never"), Ok(Encryption::Never));
        assert_eq!(
            encryption("smtp://mail?tls=required"),
            Ok(Encryption::Required)
        );
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for url in [
            "",
            "mail.example.com:25",
            "http://mail.example.com",
            "smtp://",
            "smtp://ada@mail",
            "smtp://:secret@mail",
            "smtp://mail/path",
            "smtp://mail#x",
            "smtp://mail?tls=maybe",
            "smtps://mail?tls=never",
            "smtp://mail:99999",
        ] {
            assert!(smtp_server(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_server_is_shown_without_its_password() {
        let server = smtp_server("smtp://ada:hunter2@mail:25").expect("valid");
        assert_eq!(format!("{server:?}"), "SmtpServer(mail:25)");
    }
}
