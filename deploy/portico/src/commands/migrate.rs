//! `portico migrate`: brings every database that is configured up to date, or
//! tells whether they are, for whoever waits for that.

use anyhow::{Context as _, bail};

use portico_chassis::database::Fit;

use super::{Outcome, print};
use crate::{
    services::{migrations, must_fit, open},
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
        let fit = database
            .fit(migrations)
            .await
            .with_context(|| format!("the {name} database does not answer"))?;
        is_done = true;
        if only_looks {
            database.close().await;
            must_fit(name, fit)?;
            print(&format!("{name}: up to date"))?;
            continue;
        }
        database
            .migrate(migrations)
            .await
            .with_context(|| format!("cannot bring the {name} database up to date"))?;
        database.close().await;
        let pending = match fit {
            Fit::Behind(pending) => pending,
            Fit::Fits | Fit::TakenAway(_) => 0,
        };
        print(&format!("{name}: {pending} migrations applied"))?;
    }
    if !is_done {
        bail!("no database is configured: set PORTICO_USERS_DATABASE_URL and the like");
    }
    Ok(())
}
