//! `portico import-users`: people from elsewhere.
//!
//! The file is read as it is imported, so that its length does not matter: of a
//! line, nothing is kept but eight bytes, by which an address that comes twice is
//! known. A line that is at fault is reported and passed over; if a service
//! fails, the import ends, and goes on when the command is repeated.

mod lines;
mod person;

use std::{
    collections::HashSet,
    fs::File,
    hash::{BuildHasher as _, RandomState},
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, stream};
use portico_auth::{Accounts, Imported};
use portico_chassis::{
    email_address::EmailAddress,
    status::{Error, Kind},
};

use self::{lines::Lines, person::Person};
use super::{Outcome, print};
use crate::{
    cli::{Format, ImportUsers},
    services::Services,
    settings::Settings,
};

/// How many people are imported at once.
const AT_ONCE: usize = 8;

/// A line, and the person in it or why there is none.
struct Line {
    number: u64,
    person: Result<Person, String>,
}

/// What an import came to.
#[derive(Debug, Default)]
struct Summary {
    imported: u64,
    before: u64,
    refused: u64,
}

pub(super) async fn run(settings: &Settings, command: &ImportUsers) -> Outcome {
    let lines = open(command)?;
    let services = Services::build(settings).await?;
    let accounts = services.accounts.context("auth runs in this process")?;
    let mut report: Box<dyn Write> = match &command.report {
        Some(path) => {
            let file = File::create(path);
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(std::io::stderr()),
    };
    let mut summary = Summary::default();
    let imported = import(&accounts, lines, &mut report, &mut summary).await;
    report.flush().context("cannot write the report")?;
    let Summary {
        imported: new,
        before,
        refused,
    } = summary;
    print(&format!(
        "{new} imported, {before} imported before, {refused} refused"
    ))?;
    imported?;
    if refused > 0 {
        bail!("{refused} lines were refused");
    }
    Ok(())
}

fn open(command: &ImportUsers) -> anyhow::Result<Lines> {
    let path = &command.file;
    let format = command.format.or_else(|| format_of(path)).context(
        "say in which --format the file is: its name ends neither in .ndjson nor in .csv",
    )?;
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Lines::new(file, format)
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

async fn import(
    accounts: &Accounts,
    lines: Lines,
    report: &mut dyn Write,
    summary: &mut Summary,
) -> Outcome {
    let mut met = Met::default();
    let lines = lines.map(|line| line.map(|line| met.unless_twice(line)));
    let import = |line: anyhow::Result<Line>| async move {
        let line = line?;
        let done = match line.person {
            Ok(person) => accounts.import(person.newcomer()).await,
            Err(refusal) => return Ok((line.number, Err(refusal))),
        };
        match done {
            Ok(imported) => Ok((line.number, Ok(imported))),
            Err(error) if is_refusal(&error) => Ok((line.number, Err(told(&error)))),
            Err(error) => {
                let number = line.number;
                Err(anyhow::Error::from(error).context(format!(
                    "line {number} was not imported; repeat the command, and it goes on"
                )))
            }
        }
    };
    let mut done = std::pin::pin!(stream::iter(lines).map(import).buffered(AT_ONCE));
    while let Some(done) = done.next().await {
        match done? {
            (_, Ok(Imported::Now)) => summary.imported += 1,
            (_, Ok(Imported::Before)) => summary.before += 1,
            (number, Err(refusal)) => {
                summary.refused += 1;
                writeln!(report, "line {number}: {refusal}").context("cannot write the report")?;
            }
        }
    }
    Ok(())
}

/// The addresses of a file so far, by a hash that nobody can foresee.
#[derive(Default)]
struct Met {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Met {
    /// The line, refused if its address stands in an earlier one.
    fn unless_twice(&mut self, mut line: Line) -> Line {
        if let Ok(person) = &line.person
            && let Ok(email) = EmailAddress::parse(&person.email)
            && !self.hashes.insert(self.hasher.hash_one(email.key()))
        {
            line.person = Err("email: stands in an earlier line".to_owned());
        }
        line
    }
}

/// Whether it is the line that is at fault.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind, Kind::Invalid | Kind::AlreadyExists)
}

/// Why a line is refused. Neither services nor this command repeat a value.
fn told(error: &Error) -> String {
    if error.violations.is_empty() {
        return format!("{} ({})", error.message, error.reason);
    }
    let told = error
        .violations
        .iter()
        .map(|one| format!("{}: {} ({})", one.field, one.message, one.code));
    told.collect::<Vec<_>>().join("; ")
}
