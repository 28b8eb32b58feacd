//! `portico doctor`: checks the configuration and what it points to, in order,
//! each with what to do.

use anyhow::bail;
use portico_chassis::{clock::Clock, config::Env, database::DatabaseUrl, tls::Tls};

use super::{Outcome, print};
use crate::{
    services::{migrations, open},
    settings::{Place, Profile, Purpose, Settings},
};

pub(super) async fn run() -> Outcome {
    let settings = Settings::read(Env::of_process(), Purpose::Command(&[]))?;
    let mut problems = 0;
    let mut report = |is_fine: bool, text: String| {
        problems += usize::from(!is_fine);
        print(&format!("{} {text}", if is_fine { "ok  " } else { "FAIL" }))
    };
    report(true, "the settings can be read".to_owned())?;
    for warning in &settings.warnings {
        report(false, warning.clone())?;
    }
    let is_https = settings.public_url.starts_with("https://");
    let is_production = settings.profile == Profile::Production;
    report(
        is_https || !is_production,
        format!(
            "PORTICO_PUBLIC_URL is {}; in production it begins with https://",
            settings.public_url
        ),
    )?;
    if let Some((is_fine, text)) = certificates() {
        report(is_fine, text)?;
    }
    for place in &settings.places {
        if let Some(url) = &place.database {
            let (is_fine, text) = database(place, url).await;
            report(is_fine, text)?;
        }
    }
    if problems > 0 {
        bail!("{problems} problems");
    }
    Ok(())
}

/// Whether the certificates can be used, where there are some.
fn certificates() -> Option<(bool, String)> {
    let mut env = Env::of_process();
    let tls = Tls::read(&mut env, Clock::system());
    match (tls, env.finish()) {
        (Some(tls), _) => Some((
            true,
            format!(
                "the certificate of PORTICO_TLS_CERT is good until {}",
                tls.expiry()
            ),
        )),
        (None, Err(mistakes)) => Some((false, mistakes.to_string())),
        (None, Ok(())) => None,
    }
}

/// Whether a role's database answers and is up to date.
async fn database(place: &Place, url: &DatabaseUrl) -> (bool, String) {
    let name = place.role.name();
    let Some(migrations) = migrations(place.role) else {
        return (true, format!("{name} has no database"));
    };
    let pending = match open(url, 1).await {
        Ok(database) => database
            .pending(migrations)
            .await
            .map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match pending {
        Ok(0) => (
            true,
            format!("the {name} database answers and is up to date"),
        ),
        Ok(pending) => (
            false,
            format!("the {name} database lacks {pending} migrations: run `portico migrate`"),
        ),
        Err(error) => (
            false,
            format!(
                "the {name} database does not answer: {error:#}; check its URL and that it runs"
            ),
        ),
    }
}
