//! `portico migrate`: brings every database that is configured up to date, or
//! tells whether they are, for whoever waits for that.

use anyhow::{Context as _, bail};

use super::{Outcome, print};
use crate::{
    services::{migrations, open},
    settings::Settings,
};

pub(super) async fn run(settings: &Settings, only_looks: bool) -> Outcome {
    let mut is_done = false;
    for place in &settings.places {
        let (Some(url), Some(migrations)) = (&place.database, migrations(place.role)) else {
            continue;
        };
        let name = place.role.name();
        let database = open(url, 2).await?;
        let pending = database
            .pending(migrations)
            .await
            .with_context(|| format!("the {name} database does not answer"))?;
        is_done = true;
        if only_looks {
            database.close().await;
            if pending > 0 {
                bail!("the {name} database lacks {pending} migrations: run `portico migrate`");
            }
            print(&format!("{name}: up to date"))?;
            continue;
        }
        database
            .migrate(migrations)
            .await
            .with_context(|| format!("cannot bring the {name} database up to date"))?;
        database.close().await;
        print(&format!("{name}: {pending} migrations applied"))?;
    }
    if !is_done {
        bail!("no database is configured: set PORTICO_USERS_DATABASE_URL and the like");
    }
    Ok(())
}
