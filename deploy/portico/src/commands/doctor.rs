//! `portico doctor`: checks the configuration and what it points to, in order,
//! each with what to do. What is to be known of a part says the crate that has
//! it; here stands what is looked at, and what depends on what.

mod collector;
mod configuration;
mod databases;
mod peers;
mod report;

use std::{future::Future, path::Path, pin::Pin, time::Duration};

use anyhow::bail;
use portico_chassis::{
    clock::Clock,
    config::{ConfigError, Env},
    finding::Finding,
};

use self::report::Report;
use super::Outcome;
use crate::{
    cli::Doctor,
    settings::{Purpose, Settings},
};

/// So long may one part take to be looked at.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is looked at, under the name that it is told by.
struct Check<'a> {
    name: String,
    look: Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>>,
}

impl<'a> Check<'a> {
    fn new(name: impl Into<String>, look: impl Future<Output = Vec<Finding>> + Send + 'a) -> Self {
        Self {
            name: name.into(),
            look: Box::pin(look),
        }
    }

    async fn run(self) -> (String, Vec<Finding>) {
        let findings = match tokio::time::timeout(PATIENCE, self.look).await {
            Ok(findings) => findings,
            Err(_elapsed) => vec![Finding::failure(format!(
                "no answer within {} s: it accepts connections and does nothing; is it stopped or \
                 overloaded?",
                PATIENCE.as_secs()
            ))],
        };
        (self.name, findings)
    }
}

pub(super) async fn run(command: &Doctor) -> Outcome {
    let mut report = Report::new(command.json);
    match Settings::read(Env::of_process(), Purpose::Check(&command.roles)) {
        Ok(settings) => look(&settings, &mut report).await?,
        Err(error) => {
            let mistakes = match error.downcast_ref::<ConfigError>() {
                Some(error) => error.mistakes().to_vec(),
                None => vec![format!("{error:#}")],
            };
            report.add("configuration", mistakes.into_iter().map(Finding::failure))?;
            let rest = Finding::not_checked("everything else", "the configuration is not valid");
            report.add("configuration", [rest])?;
        }
    }
    match report.finish()? {
        0 => Ok(()),
        1 => bail!("1 thing does not work"),
        failures => bail!("{failures} things do not work"),
    }
}

/// Looks at everything at once, and tells of it in order.
async fn look(settings: &Settings, report: &mut Report) -> Outcome {
    let clock = Clock::system();
    report.add("configuration", configuration::examine(settings))?;
    let mut checks = Vec::new();
    for place in &settings.places {
        let is_meant = settings.runs(place.role);
        if let Some(url) = place.database.as_ref().filter(|_| is_meant) {
            let name = format!("{} database", place.role.name());
            checks.push(Check::new(
                name,
                databases::examine(settings, place.role, url, &clock),
            ));
        }
    }
    if let Some(config) = &settings.notifications {
        checks.push(Check::new("mail", async {
            vec![portico_notifications::examine_delivery(config).await]
        }));
    }
    let breached = settings.auth.as_ref();
    if let Some(path) = breached.and_then(|auth| auth.breached_passwords.as_deref()) {
        checks.push(Check::new("breached passwords", breached_passwords(path)));
    }
    if let Some(config) = &settings.gateway {
        checks.push(Check::new("gateway", portico_gateway::examine(config)));
    }
    if let Some(url) = &settings.collector {
        checks.push(Check::new("collector", async {
            vec![collector::examine(url).await]
        }));
    }
    peers::add(settings, &clock, &mut checks);
    for (name, findings) in futures::future::join_all(checks.into_iter().map(Check::run)).await {
        report.add(&name, findings)?;
    }
    Ok(())
}

/// The list is read on a thread of its own: it may lie on a slow disk.
async fn breached_passwords(path: &Path) -> Vec<Finding> {
    let path = path.to_owned();
    let looked =
        tokio::task::spawn_blocking(move || portico_auth::examine_breached_passwords(&path));
    match looked.await {
        Ok(finding) => vec![finding],
        Err(error) => vec![Finding::failure(error.to_string())],
    }
}
