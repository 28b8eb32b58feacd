//! `portico move`: everything of an installation from SQLite to PostgreSQL.
//!
//! In the order of a move: [`places`] says which databases are meant, [`source`]
//! locks and reads the files, [`target`] writes, [`table`] finds what there is
//! to move and [`row`] converts it, and [`verify`] compares both sides. The
//! files stay as they are. It can be ended at any time and repeated: it goes on
//! after the last row that arrived, and compares everything in any case.

mod places;
mod row;
mod source;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod verify;

use std::io::Write;

use anyhow::{Context as _, bail};
use portico_chassis::database::{Database, DatabaseUrl, Migrations};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

pub use self::places::{PostgresDatabases, SqliteFiles};
use self::{
    source::Source,
    table::quoted,
    target::{State, Target},
};
use super::{Outcome, print};
use crate::{
    cli::Move,
    services::{migrations, open},
    settings::Role,
};

/// Connections to a database: the migrations take one beside that of the move.
const CONNECTIONS: u32 = 2;

/// The database of a service on both sides.
struct Service {
    role: Role,
    migrations: &'static Migrations,
    source: Source,
    identity: String,
    target: Target,
    state: State,
}

pub(super) async fn run(command: &Move) -> Outcome {
    let roles = Role::ALL.into_iter();
    let roles: Vec<_> = roles
        .filter_map(|role| Some((role, migrations(role)?)))
        .collect();
    let urls = match &command.to {
        Some(databases) => roles.iter().map(|(role, _)| databases.url(*role)).collect(),
        None => places::of_settings(&roles)?,
    };
    // Nothing is done before all of it is known to be possible.
    let mut sources = Vec::new();
    for (role, migrations) in roles {
        let path = command.from.of(role);
        sources.push((role, migrations, Source::open(&path, migrations).await?));
    }
    if let Some(databases) = &command.to {
        make_schemas(databases).await?;
    }
    let mut services = Vec::new();
    for ((role, migrations, source), url) in sources.into_iter().zip(&urls) {
        let name = role.name();
        let service = Service::open(role, migrations, source, url).await;
        services.push(service.with_context(|| format!("cannot move {name}"))?);
    }
    let moved: Option<Vec<&str>> = services.iter().map(Service::moved_before).collect();
    if let Some([when, ..]) = moved.as_deref() {
        return print(&format!(
            "All was moved and verified on {when}. What has changed since is left as it is."
        ));
    }
    move_all(&mut services).await?;
    print(&farewell(command, &services, &urls))
}

/// Makes a schema for each service where they share a database.
async fn make_schemas(databases: &PostgresDatabases) -> Outcome {
    if databases.are_apart() {
        return Ok(());
    }
    let connection = PgConnection::connect(databases.whole()).await;
    let mut connection = connection.context("cannot open the PostgreSQL database")?;
    for role in Role::ALL {
        let (Some(_), Some(schema)) = (migrations(role), databases.schema(role)) else {
            continue;
        };
        // It may be there without the right to make others.
        let is_there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
                .bind(&schema)
                .fetch_one(&mut connection)
                .await?;
        if is_there {
            continue;
        }
        let sql = format!("CREATE SCHEMA {}", quoted(&schema));
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .with_context(|| format!("cannot make the schema {schema}"))?;
    }
    connection.close().await?;
    Ok(())
}

async fn move_all(services: &mut [Service]) -> Outcome {
    let mut report = std::io::stdout();
    writeln!(report, "{:<32} {:>10}  SHA-256", "table", "rows")?;
    for service in &mut *services {
        let name = service.role.name();
        let moved = service.move_tables(&mut report).await;
        moved.with_context(|| format!("cannot move {name}"))?;
    }
    for service in services {
        service.target.end().await?;
    }
    Ok(())
}

impl Service {
    async fn open(
        role: Role,
        migrations: &'static Migrations,
        mut source: Source,
        url: &str,
    ) -> anyhow::Result<Self> {
        let url = DatabaseUrl::Postgres(url.to_owned());
        let Database::Postgres(database) = open(&url, CONNECTIONS).await? else {
            bail!("it is no PostgreSQL database");
        };
        let mut target = Target::open(&database).await?;
        let identity = source.identity().await?;
        let state = target.state(&identity).await?;
        Ok(Self {
            role,
            migrations,
            source,
            identity,
            target,
            state,
        })
    }

    fn moved_before(&self) -> Option<&str> {
        match &self.state {
            State::Moved(when) => Some(when),
            State::Empty | State::HalfMoved => None,
        }
    }

    /// Moves and compares every table, and has PostgreSQL go on counting where
    /// SQLite is. Reports each.
    async fn move_tables(&mut self, report: &mut dyn Write) -> Outcome {
        let (role, target) = (self.role.name(), &mut self.target);
        target.begin(&self.identity, self.migrations).await?;
        let tables = target.matched(&self.source.tables().await?).await?;
        for table in &tables {
            let last = target.last_key(table).await?;
            let is_begun = !last.is_empty();
            let copied = target.copy(table, self.source.rows(table, last)).await?;
            let contents = verify::compare(table, &mut self.source, target).await?;
            if let Some(column) = &table.numbered
                && let Some(last) = self.source.last_number(table).await?
            {
                target.number_after(table, column, last).await?;
            }
            let name = format!("{role}.{}", table.name);
            let mut line = format!("{name:<32} {:>10}  {}", contents.rows, contents.checksum);
            if is_begun {
                line += &format!("  ({} were there)", contents.rows.saturating_sub(copied));
            }
            writeln!(report, "{line}").context("cannot write the report")?;
        }
        Ok(())
    }
}

/// What to do next.
fn farewell(command: &Move, services: &[Service], urls: &[String]) -> String {
    let mut text = "\nAll is moved, and the same on both sides; the files on SQLite are as they \
                    were.\n\n"
        .to_owned();
    if command.to.is_some() {
        text += "Start Portico with these settings, with the password in them:\n\n";
        for (service, url) in services.iter().zip(urls) {
            let name = service.role.variable("DATABASE_URL");
            text += &format!("  {name}='{}'\n", places::without_password(url));
        }
        text += "\n";
    }
    text += "It takes the same PORTICO_MASTER_KEY and PORTICO_PUBLIC_URL as before. The key of a \
             development installation is in its data folder, in the file master.key: keep the \
             folder, or name the file by PORTICO_MASTER_KEY_FILE.";
    text
}

/// Whether a database holds a part of what is to be moved there, which nobody
/// may work on.
///
/// # Errors
///
/// A failure of the database.
pub(crate) async fn is_half_moved(database: &Database) -> Result<bool, sqlx::Error> {
    match database {
        Database::Postgres(database) => target::is_half_moved(database).await,
        Database::Sqlite(_) => Ok(false),
    }
}
