//! Counts what the gateway's work takes, in instructions and in allocations, and
//! compares it with its budgets. Unlike time, both are the same whatever else a
//! machine has to do, so that a change which costs a twentieth more is seen
//! before it is merged.
//!
//! Each of the `operations` is done by a process of its own under callgrind,
//! started by `callgrind`, which counts what happens inside of [`count::counted`]
//! and nothing else. `budget` is what may come of it.

mod allocator;
mod budget;
mod callgrind;
mod count;
mod operations;

use std::{env, fs, io::Write as _, path::Path, process::ExitCode};

use anyhow::Context as _;

use self::{
    allocator::Counting,
    budget::{Budgets, Cost},
    operations::OPERATIONS,
};

/// What the program `portico` uses, so that its instructions count too.
#[global_allocator]
static ALLOCATOR: Counting<mimalloc::MiMalloc> = Counting(mimalloc::MiMalloc);

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [callgrind::COUNT, name] => {
            let operation = OPERATIONS.iter().find(|known| known.name == *name);
            count::run(operation.context("no such operation")?)?;
            Ok(ExitCode::SUCCESS)
        }
        ["check", file] => check(Path::new(file)),
        ["write", file] => {
            let text = Budgets::count()?.to_string();
            print(&text)?;
            fs::write(file, text).with_context(|| format!("cannot write {file}"))?;
            Ok(ExitCode::SUCCESS)
        }
        _ => anyhow::bail!("usage: portico-gateway-budgets check|write FILE"),
    }
}

fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {file:?}"))?;
    let budgets = Budgets::read(&text).with_context(|| format!("{file:?} is malformed"))?;
    let counted = Budgets::count()?;
    print(&counted.to_string())?;
    let findings = budgets.judge(&counted);
    for finding in &findings {
        print(&format!("{finding}\n"))?;
    }
    Ok(match findings.iter().any(|finding| finding.is_failure) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

impl Budgets {
    /// Counts everything.
    fn count() -> anyhow::Result<Self> {
        let costs = OPERATIONS.iter().map(|operation| {
            let cost = callgrind::count(operation)?;
            Ok((operation.name.to_owned(), cost))
        });
        Ok(Self {
            by: callgrind::by()?,
            costs: costs.collect::<anyhow::Result<Vec<(String, Cost)>>>()?,
        })
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
