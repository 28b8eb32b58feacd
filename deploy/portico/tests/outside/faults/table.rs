//! The table of faults in `deploy/faults.md`: what is promised there is what the
//! tests expect. Each row is named for the test that plays it.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use super::site::DEPENDENCIES;
use crate::program::in_repository;

/// What is promised for one fault.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    /// What calls that need what is missing come to.
    rest: Vec<String>,
    grpc: Vec<String>,
    /// How long any call takes at most.
    answered: Duration,
    /// How long after the end of the fault everything is as before.
    back: Duration,
}

impl Row {
    /// The row of a dependency and what is wrong with it.
    pub(super) fn of(dependency: &str, fault: &str) -> Self {
        let name = format!("{dependency}::{fault}");
        let mut rows = rows().into_iter();
        let row = rows.find(|row| row.name == name);
        row.unwrap_or_else(|| panic!("deploy/faults.md has no row {name}"))
    }

    pub(super) fn answered(&self) -> Duration {
        self.answered
    }

    pub(super) fn back(&self) -> Duration {
        self.back
    }

    /// What a call over REST, or over gRPC, may come to.
    pub(super) fn promised(&self, is_rest: bool) -> &[String] {
        if is_rest { &self.rest } else { &self.grpc }
    }
}

/// All rows: those lines of a table whose first cell names a test.
fn rows() -> Vec<Row> {
    let text = fs::read_to_string(in_repository("deploy/faults.md")).expect("the table");
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let &["", name, rest, grpc, answered, _, _, back, ""] = cells.as_slice() else {
        panic!("a row of seven cells: {line}");
    };
    Row {
        name: quoted(name).concat(),
        rest: quoted(rest),
        grpc: quoted(grpc),
        answered: seconds(answered),
        back: seconds(back),
    }
}

/// What stands in backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn seconds(cell: &str) -> Duration {
    let number = cell.strip_suffix(" s").and_then(|cell| cell.parse().ok());
    Duration::from_secs(number.unwrap_or_else(|| panic!("a number of seconds: {cell}")))
}

#[test]
fn every_row_is_a_test_and_every_test_a_row() {
    let this = std::env::current_exe().expect("a path");
    let listed = Command::new(this).arg("--list").output();
    let listed = String::from_utf8(listed.expect("it lists its tests").stdout).expect("text");
    let played: BTreeSet<String> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("faults::")?.strip_suffix(": test"))
        .filter(|name| !name.starts_with("table::") && !name.starts_with("walk::"))
        .map(str::to_owned)
        .collect();
    let promised: BTreeSet<String> = rows().into_iter().map(|row| row.name).collect();
    assert_eq!(promised, played);
    for dependency in DEPENDENCIES {
        for fault in ["killed", "stopped", "slow", "refused"] {
            let name = format!("{dependency}::{fault}");
            assert!(promised.contains(&name), "{name}");
        }
    }
}
