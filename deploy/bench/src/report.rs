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
/// What the benchmark of great tables has measured, and where it says more.
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
        goals.extend(goals::read(Path::new(SCALE))?);
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
            "all of them\ntogether, and what counts are ratios within this run. Every target writes to the disk ",
            "what it acknowledges, unless\nits part says otherwise; Portico counts rate limits on every call. ",
            "A figure is the median of the repetitions, its\nspread the distance of the least to the greatest. ",
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
        Ok(text)
    }
}
