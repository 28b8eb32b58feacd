//! The databases: whether each answers, is new enough, may be used, is up to
//! date and shows the right time; and, in that of auth, the signing keys.

use std::time::Duration;

use portico_chassis::{
    clock::Clock,
    database::{Database, DatabaseUrl, examine_file, reach},
    finding::{Finding, Verdict},
};

use crate::{
    services::migrations,
    settings::{Profile, Role, Settings},
};

/// So long may a database take to answer at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is not looked at in a database that cannot be used.
const REST: &str = "version, privileges, migrations and clock";

pub(super) async fn examine(
    settings: &Settings,
    role: Role,
    url: &DatabaseUrl,
    clock: &Clock,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let DatabaseUrl::Sqlite(path) = url {
        findings = examine_file(path);
        let cannot_be_used = findings
            .iter()
            .any(|finding| finding.verdict == Verdict::Failure);
        if cannot_be_used {
            findings.push(Finding::not_checked(REST, "it cannot be written"));
            return findings;
        }
        if !path.exists() {
            findings.push(if settings.profile == Profile::Dev {
                Finding::fine("it is not made yet: the first start does so")
            } else {
                Finding::failure("it is not made yet: run `portico migrate`")
            });
            findings.push(Finding::not_checked(REST, "it is not there"));
            return findings;
        }
    }
    if let Err(cause) = answer(url).await {
        findings.push(Finding::failure(format!(
            "does not answer: {cause}; check {}, and that the server runs and lets this machine in",
            role.variable("DATABASE_URL")
        )));
        findings.push(Finding::not_checked(REST, "it does not answer"));
        return findings;
    }
    if let Err(error) = ask(settings, role, url, clock, &mut findings).await {
        findings.push(Finding::failure(format!("stopped answering: {error}")));
    }
    findings
}

/// Nothing, if the database answers, or why not.
async fn answer(url: &DatabaseUrl) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, reach(url)).await {
        Ok(reached) => reached.map_err(|error| error.to_string()),
        Err(_elapsed) => Err(format!("nothing within {} s", PATIENCE.as_secs())),
    }
}

/// What a database that answers says of itself.
async fn ask(
    settings: &Settings,
    role: Role,
    url: &DatabaseUrl,
    clock: &Clock,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let database = Database::open(url, 2).await?;
    let version = database.examine_version().await?;
    let is_too_old = version.verdict == Verdict::Failure;
    findings.push(version);
    if is_too_old {
        findings.push(Finding::not_checked(
            "privileges and migrations",
            "it is too old",
        ));
        return Ok(());
    }
    findings.extend(database.examine_encryption().await?);
    let privileges = database.examine_privileges().await?;
    let is_closed = privileges
        .iter()
        .any(|finding| finding.verdict == Verdict::Failure);
    findings.extend(privileges);
    findings.extend(database.examine_clock(clock).await?);
    let Some(migrations) = migrations(role) else {
        return Ok(());
    };
    let is_auth = role == Role::Auth;
    if is_closed {
        findings.push(Finding::not_checked(
            if is_auth {
                "migrations and signing keys"
            } else {
                "migrations"
            },
            "the role may not do what it has to",
        ));
        return Ok(());
    }
    let migrated = database.examine_migrations(migrations).await?;
    let is_behind = migrated.verdict == Verdict::Failure;
    findings.push(migrated);
    if let Some(config) = settings.auth.as_ref().filter(|_| is_auth) {
        findings.push(if is_behind {
            Finding::not_checked("signing keys", "migrations are missing")
        } else {
            portico_auth::examine_keys(config, &database, clock.clone()).await?
        });
    }
    database.close().await;
    Ok(())
}
