//! What each operation may take: a table in a file, and how what was counted
//! stands to it.

use std::fmt;

use anyhow::Context as _;

/// How much more than its budget something may take, and how much less before
/// that is worth a word, in percent.
const TOLERANCE: u64 = 5;

/// What an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
    pub(crate) allocations: u64,
}

/// What all operations take, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Budgets {
    /// What the instructions depend on beside the code.
    pub(crate) by: String,
    pub(crate) costs: Vec<(String, Cost)>,
}

/// Something to say about what was counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) is_failure: bool,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

const BY: &str = "# Counted with ";

impl Budgets {
    /// Reads what [`Budgets::to_string`] wrote.
    ///
    /// # Errors
    ///
    /// If it is anything else.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let by = text.lines().find_map(|line| line.strip_prefix(BY));
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let costs = lines.map(|line| {
            let row = read_row(line);
            row.with_context(|| format!("`{line}` is no name with two counts"))
        });
        Ok(Self {
            by: by
                .context("what it was counted with is missing")?
                .to_owned(),
            costs: costs.collect::<anyhow::Result<_>>()?,
        })
    }

    /// How what was counted stands to these budgets.
    pub(crate) fn judge(&self, counted: &Self) -> Vec<Finding> {
        let is_comparable = self.by == counted.by;
        let mut findings = Vec::new();
        let mut note = |is_failure, text| findings.push(Finding { is_failure, text });
        for (name, cost) in &counted.costs {
            let Some((_, budget)) = self.costs.iter().find(|(known, _)| known == name) else {
                note(true, format!("FAILED: {name} has no budget."));
                continue;
            };
            let counts = [
                (
                    "instructions",
                    budget.instructions,
                    cost.instructions,
                    is_comparable,
                ),
                ("allocations", budget.allocations, cost.allocations, true),
            ];
            for (unit, before, now, _) in counts.into_iter().filter(|(.., counts)| *counts) {
                let change = change(before, now);
                if now * 100 > before * (100 + TOLERANCE) {
                    let text = format!(
                        "FAILED: {name} takes {now} {unit}, {change} more than its budget of {before}."
                    );
                    note(true, text);
                } else if now * 100 < before * (100 - TOLERANCE) {
                    let text = format!(
                        "{name} takes {now} {unit}, {change} less than its budget of {before}: it can be lowered."
                    );
                    note(false, text);
                }
            }
        }
        for (name, _) in &self.costs {
            if !counted.costs.iter().any(|(known, _)| known == name) {
                note(
                    true,
                    format!("FAILED: {name} has a budget and is not counted."),
                );
            }
        }
        if !is_comparable {
            let text = format!(
                "Instructions were not judged: the budgets were counted with {}.",
                self.by
            );
            note(false, text);
        }
        if !findings.is_empty() {
            let text =
                "If that is meant, run `.ci/budgets write` and commit the file with the reason.";
            findings.push(Finding {
                is_failure: false,
                text: text.to_owned(),
            });
        }
        findings
    }
}

/// A row of the table: a name, instructions and allocations.
fn read_row(line: &str) -> Option<(String, Cost)> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?.to_owned();
    let cost = Cost {
        instructions: words.next()?.parse().ok()?,
        allocations: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some((name, cost))
}

/// How far apart two counts are, in percent of the former.
fn change(before: u64, now: u64) -> String {
    if before == 0 {
        return "infinitely".to_owned();
    }
    format!(
        "{:.1} %",
        before.abs_diff(now) as f64 * 100.0 / before as f64
    )
}

impl fmt::Display for Budgets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "# What the gateway's work may take each time: see `.ci/budgets`."
        )?;
        writeln!(formatter, "{BY}{}", self.by)?;
        writeln!(
            formatter,
            "# {:<26} {:>12} {:>12}",
            "operation", "instructions", "allocations"
        )?;
        for (name, cost) in &self.costs {
            let (instructions, allocations) = (cost.instructions, cost.allocations);
            writeln!(formatter, "{name:<28} {instructions:>12} {allocations:>12}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(by: &str, costs: &[(&str, u64, u64)]) -> Budgets {
        let costs = costs.iter().map(|(name, instructions, allocations)| {
            let cost = Cost {
                instructions: *instructions,
                allocations: *allocations,
            };
            ((*name).to_owned(), cost)
        });
        Budgets {
            by: by.to_owned(),
            costs: costs.collect(),
        }
    }

    fn judge(before: &[(&str, u64, u64)], now: &[(&str, u64, u64)]) -> (bool, Vec<String>) {
        let findings = budgets("a", before).judge(&budgets("a", now));
        let texts = findings.iter().map(ToString::to_string).collect();
        (findings.iter().any(|finding| finding.is_failure), texts)
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let written = budgets(
            "rustc 1, x86_64",
            &[("route", 1000, 1), ("read-remote", 99, 0)],
        );
        assert_eq!(
            Budgets::read(&written.to_string()).expect("a table"),
            written
        );
        for text in [
            "",
            "# Counted with a\nroute 1",
            "# Counted with a\nroute 1 2 3",
            "route 1 2",
        ] {
            assert!(Budgets::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_twentieth_more_is_a_failure_that_says_what_grew() {
        assert_eq!(
            judge(&[("route", 1000, 20)], &[("route", 1050, 21)]),
            (false, vec![])
        );
        let (is_failure, texts) = judge(&[("route", 1000, 20)], &[("route", 1051, 22)]);
        assert!(is_failure);
        assert_eq!(
            texts[..2],
            [
                "FAILED: route takes 1051 instructions, 5.1 % more than its budget of 1000.",
                "FAILED: route takes 22 allocations, 10.0 % more than its budget of 20.",
            ]
        );
        assert!(texts[2].contains(".ci/budgets write"), "{texts:?}");
        assert!(judge(&[("route", 1000, 0)], &[("route", 1000, 1)]).0);
    }

    #[test]
    fn a_twentieth_less_is_told() {
        let (is_failure, texts) = judge(&[("route", 1000, 1)], &[("route", 949, 1)]);
        assert!(!is_failure);
        assert!(texts[0].contains("5.1 % less"), "{texts:?}");
    }

    #[test]
    fn an_operation_and_its_budget_come_and_go_together() {
        assert!(judge(&[], &[("route", 1, 1)]).0);
        assert!(judge(&[("route", 1, 1)], &[]).0);
    }

    #[test]
    fn only_allocations_are_judged_where_instructions_differ() {
        let before = budgets("rustc 1", &[("route", 1000, 1)]);
        let judged = |now| before.judge(&budgets("rustc 2", &[now]));
        assert!(
            judged(("route", 2000, 1))
                .iter()
                .all(|finding| !finding.is_failure)
        );
        assert!(!judged(("route", 1000, 1)).is_empty(), "it is told");
        assert!(
            judged(("route", 1000, 2))
                .iter()
                .any(|finding| finding.is_failure)
        );
    }
}
