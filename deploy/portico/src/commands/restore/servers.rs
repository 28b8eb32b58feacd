//! Databases of PostgreSQL: each is made in one transaction, in a database that
//! is empty.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use portico_chassis::database::{Database, DatabaseUrl};

use crate::{commands::backup::postgres, services::open};

/// A server takes a moment to notice that a connection was closed, such as that
/// of the look before.
const LEAVING: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(50);

/// Nothing, if the schema that a dump makes is empty, is the one that the
/// service will look into, and nobody uses it.
pub(super) async fn check(url: &DatabaseUrl, schema: &str) -> anyhow::Result<()> {
    let database = open(url, 1).await?;
    let checked = check_in(&database, schema).await;
    database.close().await;
    checked
}

async fn check_in(database: &Database, schema: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    let found = loop {
        let found = database.examine_emptiness().await;
        let found = found.context("its server does not answer")?;
        if found.users == 0 || begun.elapsed() > LEAVING {
            break found;
        }
        tokio::time::sleep(INTERVAL).await;
    };
    if found.is_empty {
        ensure!(
            found.schema.as_deref() == Some(schema),
            "the backup has the schema {schema}, and here {} is used: make an empty schema of that \
             name, and have it in the search_path",
            found.schema.as_deref().unwrap_or("none")
        );
    } else {
        bail!("it is not empty: make an empty database, and name that one");
    }
    ensure!(
        found.users == 0,
        "{} connections of Portico use it: stop all roles first",
        found.users
    );
    Ok(())
}

/// Makes what a dump has, but for the schema itself, which is there.
pub(super) async fn restore(url: &DatabaseUrl, schema: &str, dump: &Path) -> anyhow::Result<()> {
    let listed = postgres::list(dump).await?;
    let chosen: Vec<&str> = listed
        .lines()
        .filter(|line| !is_schema(line, schema))
        .collect();
    postgres::restore(url, dump, &(chosen.join("\n") + "\n")).await
}

/// Whether a line of a list is about the schema itself: `5; 2615 2200 SCHEMA - public owner`.
fn is_schema(line: &str, schema: &str) -> bool {
    line.contains(&format!(" SCHEMA - {schema} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_schema_itself_is_left_out() {
        assert!(is_schema("5; 2615 2200 SCHEMA - public portico", "public"));
        for line in [
            "217; 1259 16386 TABLE public users portico",
            "3330; 0 0 COMMENT - SCHEMA public portico",
            "6; 2615 2201 SCHEMA - users portico",
        ] {
            assert!(!is_schema(line, "public"), "{line}");
        }
    }
}
