//! The address of a PostgreSQL database for PostgreSQL's own programs, which are
//! told the password in their environment: their arguments can be seen by
//! everybody on the machine.

use percent_encoding::percent_decode_str;
use url::Url;

use super::DatabaseUrl;

/// What is meant for our driver and unknown to PostgreSQL's programs.
const OURS: [&str; 1] = ["statement-cache-capacity"];

/// How PostgreSQL's programs reach a database. It has no `Debug` form.
#[derive(Clone, PartialEq, Eq)]
pub struct Libpq {
    /// The address, without the password.
    pub url: String,
    /// `PGPASSWORD` and `PGOPTIONS`, where they are needed.
    pub environment: Vec<(&'static str, String)>,
}

impl DatabaseUrl {
    /// How PostgreSQL's programs reach it; nothing, for a file.
    #[must_use]
    pub fn for_libpq(&self) -> Option<Libpq> {
        let Self::Postgres(text) = self else {
            return None;
        };
        let mut url = Url::parse(text).ok()?;
        let mut environment = Vec::new();
        let mut password = url
            .password()
            .map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        // An URL without a host has no place for a password either.
        let _ = url.set_password(None);
        let (mut kept, mut options) = (Vec::new(), Vec::new());
        for (name, value) in url.query_pairs() {
            let key = name
                .strip_prefix("options[")
                .and_then(|name| name.strip_suffix(']'));
            match (&*name, key) {
                ("password", _) => password = Some(value.into_owned()),
                ("options", _) => options.push(value.into_owned()),
                (_, Some(key)) => options.push(format!("-c {key}={value}")),
                (name, None) if OURS.contains(&name) => {}
                _ => kept.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            // A space is %20 there, and a plus is one.
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(kept)
                .finish();
            url.set_query(Some(&query.replace('+', "%20")));
        }
        environment.extend(password.map(|password| ("PGPASSWORD", password)));
        if !options.is_empty() {
            environment.push(("PGOPTIONS", options.join(" ")));
        }
        Some(Libpq {
            url: url.to_string(),
            environment,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libpq(text: &str) -> (String, Vec<(&'static str, String)>) {
        let url: DatabaseUrl = text.parse().expect("a URL");
        let libpq = url.for_libpq().expect("PostgreSQL");
        (libpq.url, libpq.environment)
    }

    #[test]
    fn a_password_is_told_apart() {
        let (url, environment) = libpq("postgres://u:p%40ss@db:5433/users?sslmode=verify-full");
        assert_eq!(url, "postgres://u@db:5433/users?sslmode=verify-full");
        assert_eq!(environment, [("PGPASSWORD", "p@ss".to_owned())]);
        let (url, environment) = libpq("postgres://u@db/users?password=s&sslrootcert=/a%20b");
        assert_eq!(url, "postgres://u@db/users?sslrootcert=%2Fa%20b");
        assert_eq!(environment, [("PGPASSWORD", "s".to_owned())]);
    }

    #[test]
    fn a_schema_is_told_as_an_option() {
        let text = "postgres://u@db/p?options[search_path]=users&statement-cache-capacity=0";
        let (url, environment) = libpq(text);
        assert_eq!(url, "postgres://u@db/p");
        let options = "-c search_path=users".to_owned();
        assert_eq!(environment, [("PGOPTIONS", options)]);
    }

    #[test]
    fn a_file_has_no_server() {
        let url: DatabaseUrl = "sqlite://users.db".parse().expect("a URL");
        assert!(url.for_libpq().is_none());
    }
}
