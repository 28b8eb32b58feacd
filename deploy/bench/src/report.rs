//! All figures as one document for people.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context as _;

use crate::{
    goals::{self, Goal},
    machine,
    parts::{
        alone::{self, Alone},
        events::Events,
        gateways::{self, Gateways},
        shapes::Shapes,
        sockets::{self, Sockets},
    },
};

/// What people write about the figures; it is taken in as it is.
const NOTES: &str = "deploy/bench/NOTES.md";
/// What the benchmark of great tables has measured last.
const SCALE: &str = "deploy/bench/scale/goals.tsv";

/// All that was measured.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) gateways: Option<Gateways>,
    pub(crate) shapes: Shapes,
    pub(crate) alone: Option<Alone>,
    pub(crate) events: Option<Events>,
    pub(crate) sockets: Option<Sockets>,
}

impl Report {
    /// Every goal, in the order in which they were set.
    pub(crate) fn goals(&self) -> anyhow::Result<Vec<Goal>> {
        let mut goals = gateways::goals(self.gateways.as_ref());
        goals.extend(self.shapes.goals());
        goals.extend(alone::goals(self.alone.as_ref()));
        goals.extend(sockets::goals(self.sockets.as_ref()));
        let mut scale = goals::read(Path::new(SCALE))?;
        if scale.is_empty() {
            let what = "the slowest p95 of page 1, page 50,000 and a search among 1,000,000";
            scale.push(Goal::at_most(what, None, 5.0, "ms"));
        }
        goals.extend(scale);
        Ok(goals)
    }

    /// The report as Markdown; `version` says of what, and when.
    pub(crate) fn markdown(&self, version: &str) -> anyhow::Result<String> {
        let mut text = String::from("# Measured\n\n");
        writeln!(
            text,
            "Written by `make bench`: {version}, {}.",
            machine::processors()
        )?;
        text.push_str(concat!(
            "\nLoad generator, target and database share the machine, one target at a time. So rates are those of ",
            "all of them\ntogether, and what counts are ratios within this run. Portico and PostgreSQL have on the disk ",
            "what they acknowledge.\nPortico counts rate limits on every call, with limits that nobody reaches. ",
            "A figure is the median of the repetitions,\nits spread the distance from the least to the greatest. ",
            "Memory is what is resident; of several processes of one role,\nwhat they share is counted once.\n\n",
            "## Goals\n\n",
        ));
        text.push_str(&goals::table(&self.goals()?));
        if Path::new(NOTES).exists() {
            let notes = fs::read_to_string(NOTES).context(NOTES)?;
            writeln!(text, "\n{}", notes.trim())?;
        }
        if let Some(gateways) = &self.gateways {
            gateways.write(&mut text)?;
        }
        if !self.shapes.is_empty() {
            self.shapes.write(&mut text)?;
        }
        if let Some(alone) = &self.alone {
            alone.write(&mut text)?;
        }
        if let Some(sockets) = &self.sockets {
            sockets.write(&mut text)?;
        }
        if let Some(events) = &self.events {
            events.write(&mut text)?;
        }
        text.push_str(concat!(
            "\n## More\n\n",
            "What lists and searches take among a million: [scale](scale/RESULTS.md). What a move to PostgreSQL ",
            "takes:\n[move](move/RESULTS.md).\n",
        ));
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_stand_in_a_report_of_nothing() {
        let report = Report::default();
        let text = report.markdown("2026-11-26, commit 1").expect("a report");
        assert!(text.starts_with("# Measured\n\nWritten by `make bench`: 2026-11-26, commit 1, "));
        let rows = text.matches("not measured in this run").count();
        assert_eq!(rows, report.goals().expect("goals").len());
        assert!(!text.contains("## Sockets"));
    }
}
