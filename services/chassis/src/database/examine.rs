//! What an operator should know of a database before a service relies on it.
//! Looking changes nothing.

mod disk;
mod privileges;

use std::{net::IpAddr, str::FromStr as _, time::Duration};

use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};

pub use self::disk::{examine_file, room};
use super::{Database, DatabaseUrl, Fit, Migrations, PostgresDatabase};
use crate::{
    clock::{Clock, Timestamp},
    finding::Finding,
    token::judge_clock,
};

/// The first version that has what the statements use: `xid8`,
/// `pg_current_xact_id()` and `pg_snapshot_xmin()`.
const LEAST_POSTGRES: i32 = 13;

/// The oldest version that the tests run on.
const TESTED_POSTGRES: i32 = 15;

/// Nothing, if the database answers. Tells why not, where a pool would only
/// tell that it waited.
///
/// # Errors
///
/// What is in the way, without the password.
pub async fn reach(url: &DatabaseUrl) -> Result<(), sqlx::Error> {
    match url {
        DatabaseUrl::Postgres(url) => {
            let options = PgConnectOptions::from_str(url)?.application_name("portico");
            options.connect().await?.close().await
        }
        DatabaseUrl::Sqlite(_) => {
            let database = Database::open(url, 1).await?;
            let answered = database.ping().await;
            database.close().await;
            answered
        }
    }
}

impl Database {
    /// Which version it is, and whether that is new enough.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn examine_version(&self) -> Result<Finding, sqlx::Error> {
        match self {
            Self::Postgres(database) => {
                let sql = "SELECT current_setting('server_version_num')::integer / 10000, \
                    current_setting('server_version')";
                let (major, name) = sqlx::query_as(sql).fetch_one(&database.pool).await?;
                Ok(judge_version(major, name))
            }
            Self::Sqlite(database) => {
                let sql = "SELECT sqlite_version()";
                let version: String = sqlx::query_scalar(sql)
                    .fetch_one(database.watcher())
                    .await?;
                Ok(Finding::fine(format!("SQLite {version}, in this program")))
            }
        }
    }

    /// Whether what is said to the server can be read on the way; nothing,
    /// where there is no way.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn examine_encryption(&self) -> Result<Option<Finding>, sqlx::Error> {
        let Self::Postgres(PostgresDatabase { pool, .. }) = self else {
            return Ok(None);
        };
        let sql = "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), \
            false), host(inet_server_addr())";
        let (is_encrypted, server): (bool, Option<String>) =
            sqlx::query_as(sql).fetch_one(pool).await?;
        let server = server.and_then(|server| server.parse().ok());
        let is_near = server.is_none_or(|server: IpAddr| server.is_loopback());
        Ok((!is_near).then(|| {
            if is_encrypted {
                Finding::fine("the connection is encrypted")
            } else {
                Finding::warning(
                    "the connection is not encrypted: add ?sslmode=verify-full to its URL, and \
                     sslrootcert where the server's authority is one's own",
                )
            }
        }))
    }

    /// Whether the program may do in it what it has to.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn examine_privileges(&self) -> Result<Vec<Finding>, sqlx::Error> {
        match self {
            Self::Postgres(database) => privileges::examine(database).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// Whether the schema has what this program knows, and what else.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn examine_migrations(
        &self,
        migrations: &Migrations,
    ) -> Result<Finding, sqlx::Error> {
        let applied = self.applied().await?;
        let known: Vec<i64> = self
            .known(migrations)
            .iter()
            .map(|migration| migration.version)
            .collect();
        let newer = applied.iter().filter(|version| !known.contains(version));
        let fit = self.fit(migrations).await?;
        Ok(judge_migrations(fit, known.len(), newer.count()))
    }

    /// Whether the server's clock is in step with this machine's; nothing,
    /// where there is no server.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn examine_clock(&self, clock: &Clock) -> Result<Option<Finding>, sqlx::Error> {
        let Self::Postgres(PostgresDatabase { pool, .. }) = self else {
            return Ok(None);
        };
        // The connection is made before the time is taken.
        let mut connection = pool.pool().acquire().await?;
        let asked = clock.now();
        let theirs: Timestamp = sqlx::query_scalar("SELECT clock_timestamp()")
            .fetch_one(&mut *connection)
            .await?;
        let answered = clock.now();
        let precision = Duration::from_millis(1);
        let whose = "the database server";
        Ok(Some(judge_clock(
            whose,
            theirs,
            precision,
            (asked, answered),
        )))
    }
}

fn judge_version(major: i32, name: String) -> Finding {
    if major < LEAST_POSTGRES {
        Finding::failure(format!(
            "PostgreSQL {name} is too old: the statements need {LEAST_POSTGRES} or newer"
        ))
    } else if major < TESTED_POSTGRES {
        Finding::warning(format!(
            "PostgreSQL {name} is older than any that Portico is tested on: upgrade to \
             {TESTED_POSTGRES} or newer"
        ))
    } else {
        Finding::fine(format!("PostgreSQL {name}"))
    }
}

/// What is said of a schema, beside how many migrations this program knows, and
/// how many others the schema had.
fn judge_migrations(fit: Fit, known: usize, newer: usize) -> Finding {
    match fit {
        Fit::Behind(pending) => {
            Finding::failure(format!("lacks {pending} migrations: run `portico migrate`"))
        }
        Fit::TakenAway(taken_away) => Finding::failure(format!("cannot be used: {taken_away}")),
        Fit::Fits if newer > 0 => Finding::warning(format!(
            "has {newer} migrations of a newer version of Portico: upgrade this program"
        )),
        Fit::Fits => Finding::fine(format!("up to date, with {known} migrations")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Verdict::{self, Failure, Fine, Warning};

    #[test]
    fn an_old_server_is_told_of() {
        let verdict = |major| judge_version(major, major.to_string()).verdict;
        let verdicts: Vec<Verdict> = [12, 13, 14, 15, 18].map(verdict).into();
        assert_eq!(verdicts, [Failure, Warning, Warning, Fine, Fine]);
    }

    #[test]
    fn a_schema_may_be_too_old_or_too_new() {
        assert_eq!(judge_migrations(Fit::Fits, 3, 0).verdict, Fine);
        assert_eq!(judge_migrations(Fit::Fits, 3, 1).verdict, Warning);
        let behind = judge_migrations(Fit::Behind(2), 3, 1);
        assert_eq!(behind.verdict, Failure);
        let text = &behind.text;
        assert!(text.starts_with("lacks 2 migrations"), "{text}");
    }
}
