//! What `--from` and `--to` name: the databases of all services at once.

use std::{fmt, path::PathBuf, str::FromStr};

use portico_chassis::{
    config::{ConfigError, Env},
    database::DatabaseUrl,
};
use url::Url;

use crate::settings::Role;

/// Stands for the name of a service.
const ROLE: &str = "{role}";

/// The files of an installation on SQLite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFiles(String);

impl FromStr for SqliteFiles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Self(path.to_owned())),
            _ => Err(
                "expected a folder such as sqlite://./data, or files such as \
                 sqlite:///srv/{role}.db"
                    .to_owned(),
            ),
        }
    }
}

impl SqliteFiles {
    /// The file of a service: in the folder, under the name that it has by
    /// itself, or as the URL says with the name of the service in it.
    pub(super) fn of(&self, role: Role) -> PathBuf {
        if self.0.contains(ROLE) {
            self.0.replace(ROLE, role.name()).into()
        } else {
            PathBuf::from(&self.0).join(format!("{}.db", role.name()))
        }
    }
}

/// The databases of an installation on PostgreSQL.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresDatabases(String);

/// Without the password.
impl fmt::Debug for PostgresDatabases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PostgresDatabases")
    }
}

impl FromStr for PostgresDatabases {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let databases = Self(text.to_owned());
        match databases.url(Role::Users).parse() {
            Ok(DatabaseUrl::Postgres(_)) => Ok(databases),
            _ => Err(
                "expected a database such as postgres://user:password@host/portico, or several \
                 such as postgres://…/portico_{role}"
                    .to_owned(),
            ),
        }
    }
}

impl PostgresDatabases {
    /// Whether each service has a database of its own.
    pub(super) fn are_apart(&self) -> bool {
        self.0.contains(ROLE)
    }

    /// The schema of a service, if they share a database.
    pub(super) fn schema(&self, role: Role) -> Option<String> {
        (!self.are_apart()).then(|| format!("portico_{}", role.name()))
    }

    /// Where a service is to find its data.
    pub(super) fn url(&self, role: Role) -> String {
        match self.schema(role) {
            None => self.0.replace(ROLE, role.name()),
            Some(schema) => {
                let separator = if self.0.contains('?') { '&' } else { '?' };
                // Extensions are in `public`.
                format!(
                    "{}{separator}options=-csearch_path%3D{schema},public",
                    self.0
                )
            }
        }
    }

    /// The one database, before there are schemas in it.
    pub(super) fn whole(&self) -> &str {
        &self.0
    }
}

/// Where the settings say that each service has its data.
///
/// # Errors
///
/// All that are missing, or are no databases of PostgreSQL.
pub(super) fn of_settings<T>(roles: &[(Role, T)]) -> Result<Vec<String>, ConfigError> {
    let mut env = Env::of_process();
    let mut urls = Vec::new();
    for (role, _) in roles {
        let name = role.variable("DATABASE_URL");
        match env.secret(&name, DatabaseUrl::from_str) {
            Some(DatabaseUrl::Postgres(url)) => urls.push(url),
            Some(DatabaseUrl::Sqlite(_)) => {
                env.mistake(&name, "names no postgres:// database to move to");
            }
            None => env.missing(&name, "where to move to, postgres://…, if not by --to"),
        }
    }
    env.finish()?;
    Ok(urls)
}

/// A URL as it may be shown.
pub(super) fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            // It can be taken away from every URL with a host.
            let _ = url.set_password(None);
            url.into()
        }
        Err(_) => "postgres://…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_file_for_each_service() {
        let folder: SqliteFiles = "sqlite://./data".parse().expect("a folder");
        assert_eq!(folder.of(Role::Auth), PathBuf::from("./data/auth.db"));
        let files: SqliteFiles = "sqlite:///srv/{role}/my.db".parse().expect("files");
        assert_eq!(files.of(Role::Users), PathBuf::from("/srv/users/my.db"));
        for other in ["sqlite://", "./data", "postgres://host/portico"] {
            assert!(other.parse::<SqliteFiles>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_database_has_a_schema_for_each_service_unless_each_has_its_own_database() {
        let one: PostgresDatabases = "postgres://a:b@host/portico".parse().expect("a URL");
        assert_eq!(one.schema(Role::Auth).as_deref(), Some("portico_auth"));
        assert_eq!(
            one.url(Role::Auth),
            "postgres://a:b@host/portico?options=-csearch_path%3Dportico_auth,public"
        );
        let secure: PostgresDatabases = "postgres://host/portico?sslmode=require"
            .parse()
            .expect("a URL");
        assert!(
            secure
                .url(Role::Users)
                .contains("?sslmode=require&options=")
        );
        let own: PostgresDatabases = "postgres://{role}:b@host/portico_{role}"
            .parse()
            .expect("URLs");
        assert_eq!(own.schema(Role::Auth), None);
        assert_eq!(own.url(Role::Auth), "postgres://auth:b@host/portico_auth");
        for other in ["sqlite://./data", "postgres://host:port/portico", "host"] {
            assert!(other.parse::<PostgresDatabases>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = without_password("postgres://a:hunter2@host/portico?options=-cx%3Dy,public");
        assert_eq!(shown, "postgres://a@host/portico?options=-cx%3Dy,public");
        let databases: PostgresDatabases = "postgres://a:hunter2@host/b".parse().expect("a URL");
        assert!(!format!("{databases:?}").contains("hunter2"));
    }
}
