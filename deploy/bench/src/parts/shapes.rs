//! Every scenario at every target. They take turns, each on fresh data and with
//! the machine to itself, several times over: what the machine does meanwhile
//! meets all of them, and only ratios count.

use std::fmt::Write as _;

use crate::{
    goals::{Goal, figure},
    sample::{self, Drive, Sample, Series},
    scenarios::{Scenario, Session},
    settings::Settings,
    statistics::{Middle, ratio},
    target::{EXPRESS, ON_POSTGRES, ON_SQLITE, POCKETBASE, SEPARATE, TARGETS, Target},
};

/// Callers at once.
const CALLERS: usize = 16;
/// What is compared at one rate for all, and which part of Express's saturation
/// that is.
const COMPARED: [Scenario; 4] = [
    Scenario::Read,
    Scenario::List,
    Scenario::Patch,
    Scenario::Create,
];
const EQUAL: f64 = 0.6;

/// What came of it.
#[derive(Default)]
pub(crate) struct Shapes {
    cells: Vec<Cell>,
    /// The memory in MB of each role of each target after all scenarios.
    memory: Vec<(&'static str, Vec<(&'static str, f64)>)>,
    /// The targets that could not be had, and why.
    missing: Vec<(&'static str, String)>,
}

/// A scenario at a target.
struct Cell {
    target: &'static str,
    scenario: Scenario,
    /// As much as it can do.
    saturated: Series,
    /// Half as much.
    half: Series,
    /// A part of what Express can do.
    equal: Series,
}

pub(crate) async fn measure(settings: &Settings) -> anyhow::Result<Shapes> {
    let mut shapes = Shapes::default();
    for _ in 0..settings.repetitions {
        for target in &TARGETS {
            if shapes.missing.iter().any(|(name, _)| *name == target.name) {
                continue;
            }
            if let Err(error) = shapes.take_turn(target, settings).await {
                // A peer that cannot be had must not hide the others.
                anyhow::ensure!(!target.is_portico(), error);
                shapes.missing.push((target.name, format!("{error:#}")));
            }
        }
    }
    Ok(shapes)
}

impl Shapes {
    async fn take_turn(
        &mut self,
        target: &'static Target,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        let started = target.start(settings).await?;
        let session = Session::begin(target, &started).await?;
        for &scenario in target.scenarios {
            let mut callers = session.callers(scenario, CALLERS).await?;
            let mut drive = async |drive, length| {
                sample::measure(&started.running, &mut callers, drive, length).await
            };
            drive(Drive::Saturate, settings.length.mul_f64(target.warm_up)).await?;
            let saturated = drive(Drive::Saturate, settings.length).await?;
            // Hashes take all the time there is; their part is another one.
            let half = (target.is_portico() && scenario != Scenario::Login)
                .then_some(Drive::Steady(saturated.rate / 2.0));
            let half = match half {
                Some(half) => Some(drive(half, settings.length).await?),
                None => None,
            };
            let equal = match self.equal_rate(target, scenario, &saturated) {
                Some(rate) => Some(drive(Drive::Steady(rate), settings.length).await?),
                None => None,
            };
            let cell = self.cell_mut(target.name, scenario);
            cell.saturated.0.push(saturated);
            cell.half.0.extend(half);
            cell.equal.0.extend(equal);
        }
        let memory = started.running.memory()?;
        self.memory.retain(|(name, _)| *name != target.name);
        self.memory.push((target.name, memory));
        started.running.stop().await
    }

    /// A part of what Express could do in this turn, for those who are compared
    /// with it and for itself.
    fn equal_rate(&self, target: &Target, scenario: Scenario, own: &Sample) -> Option<f64> {
        let saturated = match target.name {
            EXPRESS => own.rate,
            SEPARATE | ON_POSTGRES => self.cell(EXPRESS, scenario)?.saturated.0.last()?.rate,
            _ => return None,
        };
        COMPARED.contains(&scenario).then_some(saturated * EQUAL)
    }

    fn cell(&self, target: &str, scenario: Scenario) -> Option<&Cell> {
        let mut cells = self.cells.iter();
        cells.find(|cell| cell.target == target && cell.scenario == scenario)
    }

    fn cell_mut(&mut self, target: &'static str, scenario: Scenario) -> &mut Cell {
        let mut cells = self.cells.iter();
        let found = cells.position(|cell| cell.target == target && cell.scenario == scenario);
        let place = found.unwrap_or_else(|| {
            self.cells.push(Cell {
                target,
                scenario,
                saturated: Series::default(),
                half: Series::default(),
                equal: Series::default(),
            });
            self.cells.len() - 1
        });
        &mut self.cells[place]
    }

    /// How many times the throughput of a peer.
    fn throughput(&self, ours: &str, peer: &str, scenario: Scenario) -> Option<f64> {
        let rates = |target| {
            let cell = self.cell(target, scenario)?;
            Some(cell.saturated.each(|sample| sample.rate))
        };
        ratio(&rates(ours)?, &rates(peer)?)
    }

    /// Which part of Express's p99 at an equal rate.
    fn tail(&self, ours: &str, scenario: Scenario) -> Option<f64> {
        let tails = |target| {
            let cell = self.cell(target, scenario)?;
            Some(cell.equal.each(|sample| sample.p99))
        };
        ratio(&tails(ours)?, &tails(EXPRESS)?)
    }

    /// What does not hash, of Portico: only that is measured at half of its rate.
    fn own(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| !cell.half.0.is_empty())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The goals, also if nothing was measured.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        for (ours, shape, times) in [
            (SEPARATE, "separate roles on PostgreSQL", 6.0),
            (ON_POSTGRES, "one process on PostgreSQL", 10.0),
        ] {
            for scenario in COMPARED {
                let what = format!(
                    "{shape}, {}: throughput of Express + Prisma",
                    scenario.name()
                );
                let measured = self.throughput(ours, EXPRESS, scenario);
                goals.push(Goal::at_least(what, measured, times, "×"));
            }
            for scenario in COMPARED {
                let what = format!("{shape}, {}: p99 of Express at its rate", scenario.name());
                let measured = self.tail(ours, scenario);
                goals.push(Goal::at_most(what, measured, 0.2, "×"));
            }
        }
        for (scenario, times) in [
            (Scenario::Read, 4.0),
            (Scenario::Me, 4.0),
            (Scenario::List, 6.0),
            (Scenario::Patch, 2.0),
            (Scenario::Create, 2.0),
        ] {
            let name = scenario.name();
            let what = format!("one process on SQLite, {name}: throughput of PocketBase");
            let measured = self.throughput(ON_SQLITE, POCKETBASE, scenario);
            goals.push(Goal::at_least(what, measured, times, "×"));
        }
        for (ours, shape) in [(ON_SQLITE, "SQLite"), (ON_POSTGRES, "PostgreSQL")] {
            let measured = self
                .cell(ours, Scenario::Refresh)
                .and_then(|cell| cell.saturated.median(|sample| sample.rate));
            let what = format!("token refreshes, durable, one process on {shape}");
            goals.push(Goal::at_least(what, measured, 3_000.0, "a second"));
        }
        let slowest = self.own().filter_map(|cell| cell.half.median(|it| it.p95));
        goals.push(Goal::at_most(
            "the slowest p95 of all that does not hash, in all shapes, at half of saturation",
            slowest.reduce(f64::max),
            10.0,
            "ms",
        ));
        let failed = self.own().map(|cell| {
            let failed = cell.all().map(Series::failed);
            failed.into_iter().sum::<usize>() as f64
        });
        goals.push(Goal::at_most(
            "calls that failed, of these",
            failed.reduce(|some, more| some + more),
            0.0,
            "",
        ));
        goals
    }

    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        text.push_str(concat!(
            "\n## Every scenario at every target\n\n",
            "At saturation: 16 callers, each in a closed loop. CPU is the time of all processes of the ",
            "target for one request,\nand by role; that of the load generator stands beside it.\n\n",
            "| scenario | target | per second | spread | p50 | p99 | CPU | by role | generator | failed |\n",
            "|---|---|--:|--:|--:|--:|--:|---|--:|--:|\n",
        ));
        for cell in self.by_scenario() {
            cell.write_saturated(text)?;
        }
        for (name, why) in &self.missing {
            writeln!(text, "\n{name} could not be measured: {why}")?;
        }
        for cell in &self.cells {
            if let Some(failure) = cell.failure() {
                let Cell {
                    target, scenario, ..
                } = cell;
                let scenario = scenario.name();
                writeln!(text, "\nA failure at {target}, {scenario}: `{failure}`")?;
            }
        }
        text.push_str(concat!(
            "\nAt half of that rate, open loop: a call's time counts from when it was due.\n\n",
            "| scenario | target | per second | p50 | p95 | p99 | failed |\n",
            "|---|---|--:|--:|--:|--:|--:|\n",
        ));
        for cell in self.by_scenario() {
            write_steady(text, cell, &cell.half, true)?;
        }
        writeln!(
            text,
            "\nAt one rate for all, {:.0} % of what Express can do, open loop.\n\n\
             | scenario | target | per second | p50 | p99 | failed |\n|---|---|--:|--:|--:|--:|",
            EQUAL * 100.0
        )?;
        for cell in self.by_scenario() {
            write_steady(text, cell, &cell.equal, false)?;
        }
        text.push_str("\nMemory after all of this, by role:\n\n");
        for (target, roles) in &self.memory {
            let roles: Vec<String> = roles
                .iter()
                .map(|(role, memory)| format!("{role} {} MB", figure(*memory)))
                .collect();
            writeln!(text, "- {target}: {}", roles.join(" · "))?;
        }
        Ok(())
    }

    fn by_scenario(&self) -> impl Iterator<Item = &Cell> {
        let scenarios = Scenario::ALL.iter();
        scenarios.flat_map(|scenario| self.cells.iter().filter(move |it| it.scenario == *scenario))
    }
}

impl Cell {
    fn all(&self) -> [&Series; 3] {
        [&self.saturated, &self.half, &self.equal]
    }

    /// How a call failed, if one did.
    fn failure(&self) -> Option<&str> {
        self.all().into_iter().find_map(Series::failure)
    }

    fn write_saturated(&self, text: &mut String) -> std::fmt::Result {
        let Some(rate) = self.saturated.middle(|sample| sample.rate) else {
            return Ok(());
        };
        let Middle { median, spread } = rate;
        let figure_of = |of: fn(&Sample) -> f64| figure(self.saturated.median(of).unwrap_or(0.0));
        let mut roles = self.saturated.cpu_by_role();
        // Those that have nothing to do with it.
        roles.retain(|(_, cpu)| *cpu >= 0.5);
        let roles = roles
            .iter()
            .map(|(role, cpu)| format!("{role} {}", figure(*cpu)));
        let roles: Vec<String> = roles.collect();
        writeln!(
            text,
            "| {} | {} | {} | {:.0} % | {} ms | {} ms | {} µs | {} | {} µs | {} |",
            self.scenario.name(),
            self.target,
            figure(median),
            spread * 100.0,
            figure_of(|sample| sample.p50),
            figure_of(|sample| sample.p99),
            figure_of(Sample::cpu_of_all),
            roles.join(" · "),
            figure_of(|sample| sample.generator_cpu),
            self.saturated.failed(),
        )
    }
}

fn write_steady(
    text: &mut String,
    cell: &Cell,
    series: &Series,
    has_p95: bool,
) -> std::fmt::Result {
    let Some(rate) = series.median(|sample| sample.rate) else {
        return Ok(());
    };
    let millis =
        |of: fn(&Sample) -> f64| format!("{} ms", figure(series.median(of).unwrap_or(0.0)));
    write!(
        text,
        "| {} | {} | {} | {} |",
        cell.scenario.name(),
        cell.target,
        figure(rate),
        millis(|sample| sample.p50),
    )?;
    if has_p95 {
        write!(text, " {} |", millis(|sample| sample.p95))?;
    }
    writeln!(
        text,
        " {} | {} |",
        millis(|sample| sample.p99),
        series.failed()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(rates: [f64; 3], p99: f64) -> Series {
        let sample = |rate| Sample {
            rate,
            p99,
            p95: p99,
            cpu: vec![("gateway", 10.0), ("postgres", 20.0)],
            ..Sample::default()
        };
        Series(rates.map(sample).to_vec())
    }

    fn shapes() -> Shapes {
        let mut shapes = Shapes::default();
        let express = shapes.cell_mut(EXPRESS, Scenario::Read);
        express.saturated = series([1_000.0, 500.0, 1_000.0], 30.0);
        express.equal = series([600.0, 300.0, 600.0], 20.0);
        let ours = shapes.cell_mut(SEPARATE, Scenario::Read);
        ours.saturated = series([7_000.0, 3_500.0, 8_000.0], 3.0);
        ours.half = series([3_500.0, 1_750.0, 4_000.0], 2.0);
        ours.equal = series([600.0, 300.0, 600.0], 5.0);
        shapes
    }

    #[test]
    fn goals_are_ratios_of_the_same_turn() {
        let goals = shapes().goals();
        let name = "separate roles on PostgreSQL, read a project";
        let expected = Goal::at_least(
            format!("{name}: throughput of Express + Prisma"),
            Some(7.0),
            6.0,
            "×",
        );
        assert_eq!(goals[0], expected);
        let tail = format!("{name}: p99 of Express at its rate");
        assert_eq!(goals[4], Goal::at_most(tail, Some(0.25), 0.2, "×"));
    }

    #[test]
    fn every_goal_is_there_if_nothing_was_measured() {
        let count = shapes().goals().len();
        assert_eq!(Shapes::default().goals().len(), count);
    }

    #[test]
    fn peers_have_the_rate_of_their_own_turn() {
        let shapes = shapes();
        let own = Sample {
            rate: 100.0,
            ..Sample::default()
        };
        let rate = |place: usize, scenario| shapes.equal_rate(&TARGETS[place], scenario, &own);
        assert_eq!(rate(0, Scenario::Read), Some(60.0));
        assert_eq!(rate(1, Scenario::Read), Some(600.0));
        assert_eq!(rate(1, Scenario::Me), None);
        assert_eq!(rate(1, Scenario::List), None);
        assert_eq!(rate(3, Scenario::Read), None);
    }

    #[test]
    fn tables_have_a_row_for_each_target() {
        let mut text = String::new();
        shapes().write(&mut text).expect("written");
        let row = "| read a project | Portico, separate roles, PostgreSQL | 7000 | 64 % | 0 ms | 3.00 ms \
                   | 30.0 µs | gateway 10.0 · postgres 20.0 | 0 µs | 0 |";
        assert!(text.contains(row), "{text}");
    }
}
