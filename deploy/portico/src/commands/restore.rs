//! `portico restore`: brings all databases back to what a backup has, while
//! nothing runs. The backup and what is there already are checked before anything
//! is changed. Files of SQLite are prepared beside those that they become, and
//! renamed at the end; each database of PostgreSQL is made in one transaction.
//! Whether the master key is the one that belongs to it shows in that of auth.

mod files;
mod servers;

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use portico_chassis::{
    clock::Clock,
    database::{Database, DatabaseUrl},
    finding::Verdict,
};

use self::files::Staged;
use super::{
    Outcome,
    backup::{
        manifest::{Copied, Engine, Manifest},
        urls,
    },
    print,
};
use crate::{
    cli::Restore,
    services::{migrations, open},
    settings::{Role, Settings},
};

/// A database of a backup, and where it goes.
struct Part<'a> {
    role: Role,
    url: &'a DatabaseUrl,
    copied: &'a Copied,
}

impl Part<'_> {
    /// What it is, for messages.
    fn name(&self) -> String {
        format!("the {} database", self.role.name())
    }
}

pub(super) async fn run(settings: &Settings, command: &Restore) -> Outcome {
    let folder = &command.folder;
    let manifest = Manifest::read(folder)?;
    let mut parts = Vec::new();
    for (role, url) in urls(settings)? {
        let copied = manifest.of(role)?;
        parts.push(Part { role, url, copied });
    }
    // Of servers, that of auth comes first: it shows whether the master key is the
    // one that the rest can be used with.
    parts.sort_by_key(|part| part.role != Role::Auth);
    for part in &parts {
        part.check_backup(folder).await?;
        part.check_target(command.replace)
            .await
            .with_context(|| format!("{} cannot be restored", part.name()))?;
    }
    // What can be thrown away comes first, then what is made at once, and the
    // renaming, which hardly fails, last.
    let mut staged = Vec::new();
    for part in &parts {
        if let DatabaseUrl::Sqlite(path) = part.url {
            let file = Staged::copy(&folder.join(&part.copied.file), path)
                .await
                .with_context(|| format!("cannot restore {}", part.name()))?;
            part.settle(settings, &file.url()).await?;
            staged.push(file);
        }
    }
    for part in &parts {
        if let (DatabaseUrl::Postgres(_), Engine::Postgres { schema }) =
            (part.url, &part.copied.engine)
        {
            servers::restore(part.url, schema, &folder.join(&part.copied.file))
                .await
                .with_context(|| format!("cannot restore {}", part.name()))?;
            part.settle(settings, part.url).await?;
        }
    }
    for file in staged {
        file.put_in_place().await?;
    }
    print(&format!(
        "restored {} databases, as of {}",
        parts.len(),
        manifest.taken_at
    ))?;
    print("now run `portico migrate` and `portico doctor`, then start all roles")
}

impl Part<'_> {
    /// Nothing, if the backup is whole and this program can read it.
    async fn check_backup(&self, folder: &Path) -> anyhow::Result<()> {
        let is_same_engine = matches!(
            (self.url, &self.copied.engine),
            (DatabaseUrl::Sqlite(_), Engine::Sqlite)
                | (DatabaseUrl::Postgres(_), Engine::Postgres { .. })
        );
        ensure!(
            is_same_engine,
            "{} of the backup is of another engine than {} names: restore it where it was, and use \
             `portico move`",
            self.name(),
            self.role.variable("DATABASE_URL")
        );
        self.copied.check(folder).await?;
        let known = migrations(self.role).map(|known| known.versions(self.url));
        let known = known.unwrap_or_default();
        let newer = self.copied.migrations.iter();
        let newer = newer.filter(|version| !known.contains(version)).count();
        ensure!(
            newer == 0,
            "{} of the backup has {newer} migrations of a newer version of Portico: restore it with \
             that one",
            self.name()
        );
        Ok(())
    }

    /// Nothing, if nobody uses the place that it goes to, and nothing is lost
    /// there.
    async fn check_target(&self, may_replace: bool) -> anyhow::Result<()> {
        match (self.url, &self.copied.engine) {
            (DatabaseUrl::Sqlite(path), _) => files::check(path, may_replace).await,
            (DatabaseUrl::Postgres(_), Engine::Postgres { schema }) => {
                servers::check(self.url, schema).await
            }
            (DatabaseUrl::Postgres(_), Engine::Sqlite) => bail!("it is of another engine"),
        }
    }

    /// What is to be done in a database that has gone back in time, and whether
    /// its secrets can be opened.
    async fn settle(&self, settings: &Settings, url: &DatabaseUrl) -> anyhow::Result<()> {
        let database = open(url, 2).await?;
        let settled = self.settle_in(settings, &database).await;
        database.close().await;
        settled
    }

    async fn settle_in(&self, settings: &Settings, database: &Database) -> anyhow::Result<()> {
        portico_chassis::outbox::leave_room_for_lost_events(database).await?;
        let Some(config) = settings.auth.as_ref().filter(|_| self.role == Role::Auth) else {
            return Ok(());
        };
        let keys = portico_auth::examine_keys(config, database, Clock::system()).await?;
        ensure!(
            keys.verdict != Verdict::Failure,
            "{}. A backup does not have it: in dev, it is the file master.key of the data folder",
            keys.text
        );
        Ok(())
    }
}
