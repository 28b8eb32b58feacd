//! What is to be reached, and whether it was.

use std::{fmt::Write as _, fs, path::Path};

/// A figure that must keep to a bound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Goal {
    what: String,
    /// Absent if it was not measured.
    measured: Option<f64>,
    bound: Bound,
    unit: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    pub(crate) fn at_most(
        what: impl Into<String>,
        measured: Option<f64>,
        bound: f64,
        unit: &str,
    ) -> Self {
        Self {
            what: what.into(),
            measured,
            bound: Bound::AtMost(bound),
            unit: unit.to_owned(),
        }
    }

    pub(crate) fn at_least(
        what: impl Into<String>,
        measured: Option<f64>,
        bound: f64,
        unit: &str,
    ) -> Self {
        Self {
            bound: Bound::AtLeast(bound),
            ..Self::at_most(what, measured, bound, unit)
        }
    }

    fn is_met(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(match self.bound {
            Bound::AtMost(bound) => measured <= bound,
            Bound::AtLeast(bound) => measured >= bound,
        })
    }

    fn row(&self) -> String {
        let Self {
            what,
            measured,
            bound,
            unit,
        } = self;
        let measured = match measured {
            Some(measured) => format!("{} {unit}", figure(*measured)),
            None => String::new(),
        };
        let bound = match bound {
            Bound::AtMost(bound) => format!("≤ {bound}"),
            Bound::AtLeast(bound) => format!("≥ {bound}"),
        };
        let verdict = match self.is_met() {
            Some(true) => "met",
            Some(false) => "**MISSED**",
            None => "not measured in this run",
        };
        format!("| {what} | {measured} | {bound} {unit} | {verdict} |\n")
    }
}

/// The goals as a table.
pub(crate) fn table(goals: &[Goal]) -> String {
    let mut text = String::from("| goal | measured | bound | |\n|---|--:|--:|---|\n");
    for goal in goals {
        text.push_str(&goal.row());
    }
    text
}

/// A line for each that was missed; empty if none was.
pub(crate) fn missed(goals: &[Goal]) -> String {
    let mut text = String::new();
    for goal in goals.iter().filter(|goal| goal.is_met() == Some(false)) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "missed: {}", goal.what);
    }
    text
}

/// What another benchmark has measured: in each line the goal, the figure, the
/// bound such as `<=5` or `>=95`, and the unit, separated by tabs.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Goal>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    parse(&fs::read_to_string(file)?)
}

fn parse(text: &str) -> anyhow::Result<Vec<Goal>> {
    let goal = |line: &str| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().map(str::trim);
        let (what, measured, bound, unit) = (next()?, next()?, next()?, next()?);
        let (kind, bound) = bound.split_at_checked(2)?;
        let (measured, bound) = (measured.parse().ok(), bound.trim().parse().ok()?);
        match kind {
            "<=" => Some(Goal::at_most(what, measured, bound, unit)),
            ">=" => Some(Goal::at_least(what, measured, bound, unit)),
            _ => None,
        }
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| goal(line).ok_or_else(|| anyhow::anyhow!("no goal: {line}")))
        .collect()
}

/// A number with as many digits as say something.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_itself_is_within() {
        let verdict = |goal: Goal| goal.is_met();
        assert_eq!(verdict(Goal::at_most("", Some(5.0), 5.0, "")), Some(true));
        assert_eq!(verdict(Goal::at_most("", Some(5.1), 5.0, "")), Some(false));
        assert_eq!(verdict(Goal::at_least("", Some(6.0), 6.0, "")), Some(true));
        assert_eq!(verdict(Goal::at_least("", Some(5.9), 6.0, "")), Some(false));
        assert_eq!(verdict(Goal::at_least("", None, 6.0, "")), None);
    }

    #[test]
    fn the_table_says_what_was_missed_and_what_not_measured() {
        let goals = [
            Goal::at_most("start", Some(14.83), 50.0, "ms"),
            Goal::at_least("sign-ins", Some(87.0), 95.0, "%"),
            Goal::at_least("refreshes", None, 3_000.0, "a second"),
        ];
        let rows: Vec<String> = table(&goals).lines().skip(2).map(str::to_owned).collect();
        let expected = [
            "| start | 14.8 ms | ≤ 50 ms | met |",
            "| sign-ins | 87.0 % | ≥ 95 % | **MISSED** |",
            "| refreshes |  | ≥ 3000 a second | not measured in this run |",
        ];
        assert_eq!(rows, expected);
        assert_eq!(missed(&goals), "missed: sign-ins\n");
    }

    #[test]
    fn goals_of_others_are_read() {
        let goals = parse("page 50,000\t3.2\t<=5\tms\n\n").expect("goals");
        assert_eq!(goals, [Goal::at_most("page 50,000", Some(3.2), 5.0, "ms")]);
        assert!(parse("page\t3.2").is_err());
    }

    #[test]
    fn figures_have_the_digits_that_say_something() {
        let figures = [0.0, 0.456, 12.34, 24_149.4].map(figure);
        assert_eq!(figures, ["0", "0.46", "12.3", "24149"]);
    }
}
