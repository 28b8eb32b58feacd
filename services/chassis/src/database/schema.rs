//! Whether a program fits the schema that it finds.
//!
//! Migrations only go forward, and while an installation is upgraded, or an
//! upgrade is taken back, programs meet schemas of later versions. What a program
//! does not know it does not use, so it serves from them, with one exception: a
//! migration that takes something away says so in its name, which the database
//! keeps, and since when nobody needs it. `0014_contract_after_0013_old_names.sql`
//! is only for programs that know 0013; others refuse to start.

use std::fmt;

use sqlx::migrate::{MigrateError, Migrator};

use super::{Database, Migrations};

/// What the name of a migration that takes something away begins with, as the
/// database keeps it.
const TAKES_AWAY: &str = "contract after ";

/// How a program and a schema go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The schema has all that the program knows, and perhaps more.
    Fits,
    /// It lacks so many migrations.
    Behind(usize),
    /// It lacks what the program needs.
    TakenAway(TakenAway),
}

/// A later version has taken away what a program needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct TakenAway {
    /// The migration that did it.
    migration: i64,
    /// The migration that a program must know after it.
    needed: i64,
    /// The last one that this program knows.
    known: i64,
}

impl fmt::Display for TakenAway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            migration,
            needed,
            known,
        } = self;
        write!(
            formatter,
            "migration {migration} of a later version took away what this version needs: use one \
             that knows migration {needed} (this one knows up to {known})"
        )
    }
}

/// Why a schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is too new.
    #[error(transparent)]
    TakenAway(#[from] TakenAway),
    /// A migration failed.
    #[error(transparent)]
    Failed(#[from] MigrateError),
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Database {
    /// How a program that knows these migrations and the schema go together.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn fit(&self, migrations: &Migrations) -> Result<Fit, sqlx::Error> {
        let sql = "SELECT version, description FROM _sqlx_migrations WHERE success";
        let (known, applied) = match self {
            Self::Postgres(database) => {
                let applied = sqlx::query_as(sql).fetch_all(&database.pool).await;
                (&migrations.postgres, applied)
            }
            Self::Sqlite(database) => {
                let applied = sqlx::query_as(sql).fetch_all(&database.writer).await;
                (&migrations.sqlite, applied)
            }
        };
        let applied = match applied {
            Ok(applied) => applied,
            // The table itself is not there yet.
            Err(sqlx::Error::Database(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let known: Vec<i64> = known.iter().map(|migration| migration.version).collect();
        Ok(fit(&known, &applied))
    }

    /// Brings the schema up to date, alone: others who want to do so wait. What
    /// a later version has done already stays.
    ///
    /// # Errors
    ///
    /// If a migration fails, or a later version has taken away what this one
    /// needs.
    pub async fn migrate(&self, migrations: &Migrations) -> Result<(), SchemaError> {
        if let Fit::TakenAway(taken_away) = self.fit(migrations).await? {
            return Err(taken_away.into());
        }
        match self {
            Self::Postgres(database) => {
                let migrator = beside_later_ones(&migrations.postgres);
                migrator.run(database.pool.pool()).await?;
            }
            Self::Sqlite(database) => {
                let migrator = beside_later_ones(&migrations.sqlite);
                // SQLite has no lock but that for writing.
                let mut transaction = database.writer.pool().begin_with("BEGIN IMMEDIATE").await?;
                migrator.run(&mut *transaction).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }
}

/// The migrations, for a schema that may have had later ones.
fn beside_later_ones(migrations: &Migrator) -> Migrator {
    let mut migrator = Migrator::with_migrations(migrations.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    migrator
}

/// How a program that knows some migrations, and a schema that has seen some
/// with these names, go together.
fn fit(known: &[i64], applied: &[(i64, String)]) -> Fit {
    let last = known.iter().copied().max().unwrap_or_default();
    let taken_away = applied.iter().find_map(|(version, name)| {
        let needed = needed_after(name).filter(|needed| *needed > last)?;
        let is_known = known.contains(version);
        (!is_known).then_some(TakenAway {
            migration: *version,
            needed,
            known: last,
        })
    });
    if let Some(taken_away) = taken_away {
        return Fit::TakenAway(taken_away);
    }
    let is_applied = |version: &&i64| applied.iter().any(|(applied, _)| applied == *version);
    match known.iter().filter(|version| !is_applied(version)).count() {
        0 => Fit::Fits,
        pending => Fit::Behind(pending),
    }
}

/// Which migration a program must know where the one with this name was applied:
/// `contract after 0013 old names`. All of them, if the name does not say it.
fn needed_after(name: &str) -> Option<i64> {
    let after = name.strip_prefix(TAKES_AWAY)?;
    let number = after.split(' ').next().and_then(|word| word.parse().ok());
    Some(number.unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(names: &[(i64, &str)]) -> Vec<(i64, String)> {
        let owned = names
            .iter()
            .map(|(version, name)| (*version, (*name).to_owned()));
        owned.collect()
    }

    #[test]
    fn a_schema_that_has_more_than_is_known_fits() {
        let later = applied(&[(1, "users"), (2, "streams"), (5, "audit")]);
        assert_eq!(fit(&[1, 2], &later), Fit::Fits);
        assert_eq!(fit(&[1, 2, 5], &later), Fit::Fits);
    }

    #[test]
    fn a_schema_that_lacks_what_is_known_is_behind() {
        assert_eq!(fit(&[1, 2, 3], &applied(&[(1, "users")])), Fit::Behind(2));
        let gap = applied(&[(1, "users"), (3, "audit"), (4, "later")]);
        assert_eq!(fit(&[1, 2, 3], &gap), Fit::Behind(1));
    }

    #[test]
    fn what_was_taken_away_is_missed_only_by_those_who_needed_it() {
        let contracted = applied(&[
            (1, "users"),
            (2, "names"),
            (3, "contract after 0002 old names"),
        ]);
        let taken_away = TakenAway {
            migration: 3,
            needed: 2,
            known: 1,
        };
        assert_eq!(fit(&[1], &contracted), Fit::TakenAway(taken_away));
        assert_eq!(fit(&[1, 2], &contracted), Fit::Fits);
        assert_eq!(fit(&[1, 2, 3], &contracted), Fit::Fits);
    }

    #[test]
    fn a_name_that_does_not_say_who_needs_it_is_for_nobody() {
        let unclear = applied(&[(1, "users"), (3, "contract after all")]);
        assert!(matches!(fit(&[1], &unclear), Fit::TakenAway(_)));
    }
}
