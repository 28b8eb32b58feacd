//! The numbers as a table for people, and whether the budgets hold.

use std::{fmt::Write as _, fs, thread, time::Duration};

use crate::{load::Times, sockets::Live};

/// All that was measured.
pub(crate) struct Report {
    pub(crate) budgets: Vec<Budget>,
    pub(crate) rows: Vec<Row>,
    /// The CPU time of a hash alone, and of a sign-in with its hash.
    pub(crate) hash_and_login: (Duration, Duration),
    pub(crate) live: Live,
}

/// A number that must keep to a bound.
pub(crate) struct Budget {
    name: &'static str,
    measured: f64,
    bound: Bound,
    unit: &'static str,
}

/// What a number must keep to.
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What came of a scenario.
pub(crate) struct Row {
    name: &'static str,
    times: Times,
    length: Duration,
    /// The CPU time of the program, where it did nothing else.
    cpu: Option<Duration>,
    /// The calls of others that went on at the same time.
    beside: Option<Times>,
}

impl Budget {
    /// A number that must not be exceeded.
    pub(crate) fn new(name: &'static str, measured: f64, limit: f64, unit: &'static str) -> Self {
        Self {
            name,
            measured,
            bound: Bound::AtMost(limit),
            unit,
        }
    }

    /// A number that must be reached.
    pub(crate) fn at_least(
        name: &'static str,
        measured: f64,
        goal: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            name,
            measured,
            bound: Bound::AtLeast(goal),
            unit,
        }
    }

    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(limit) => self.measured <= limit,
            Bound::AtLeast(goal) => self.measured >= goal,
        }
    }
}

impl Row {
    pub(crate) fn new(
        name: &'static str,
        times: Times,
        length: Duration,
        cpu: Option<Duration>,
    ) -> Self {
        Self {
            name,
            times,
            length,
            cpu,
            beside: None,
        }
    }

    /// Answered calls a second.
    pub(crate) fn rate(&self) -> f64 {
        rate(&self.times, self.length)
    }

    /// The CPU time of one call.
    pub(crate) fn cpu_of_one(&self) -> Option<Duration> {
        let count = u32::try_from(self.times.count()).ok()?;
        Some(self.cpu? / count.max(1))
    }

    /// With what others called at the same time.
    pub(crate) fn beside(mut self, others: Times) -> Self {
        self.beside = Some(others);
        self
    }
}

impl Report {
    /// The report as Markdown; `version` says of what, and when.
    pub(crate) fn markdown(&self, version: &str) -> Result<String, std::fmt::Error> {
        let mut text = String::from("# Measured\n\nWritten by `make bench`: ");
        let cores = thread::available_parallelism().map_or(1, usize::from);
        writeln!(text, "{version}, {cores} × {}.", cpu_model())?;
        text.push_str(concat!(
            "One process on SQLite, rate limits and throttling off, every acknowledged write on disk. ",
            "The load generator shares the\nmachine; the CPU time is the program's alone.\n\n",
            "| budget | measured | limit | |\n|---|--:|--:|---|\n"
        ));
        for budget in &self.budgets {
            let Budget {
                name,
                measured,
                bound,
                unit,
            } = budget;
            let limit = match bound {
                Bound::AtMost(limit) => limit.to_string(),
                Bound::AtLeast(goal) => format!("≥ {goal}"),
            };
            let verdict = if budget.is_met() { "met" } else { "MISSED" };
            writeln!(
                text,
                "| {name} | {measured:.1} {unit} | {limit} {unit} | {verdict} |"
            )?;
        }
        text.push_str(
            "\n| scenario | per second | p50 | p99 | CPU per request |\n|---|--:|--:|--:|--:|\n",
        );
        for row in &self.rows {
            row.write(&mut text)?;
        }
        let (hash, login) = self.hash_and_login;
        writeln!(
            text,
            "\nA hash alone takes {:.1} ms of CPU on all cores at once, {:.0} % of what a sign-in \
             takes: a share that does\nnot depend on what else the machine does.",
            hash.as_secs_f64() * 1e3,
            hash.as_secs_f64() / login.as_secs_f64() * 100.0,
        )?;
        self.live.write(&mut text)?;
        Ok(text)
    }

    /// # Errors
    ///
    /// If a budget is missed.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let missed = self.budgets.iter().filter(|budget| !budget.is_met());
        let missed: Vec<_> = missed.map(|budget| budget.name).collect();
        anyhow::ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
        Ok(())
    }
}

impl Row {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let millis = |percent| self.times.percentile(percent).as_secs_f64() * 1e3;
        write!(
            text,
            "| {} | {:.0} | {:.2} ms | {:.2} ms |",
            self.name,
            self.rate(),
            millis(50),
            millis(99)
        )?;
        match self.cpu_of_one() {
            Some(cpu) => writeln!(text, " {:.0} µs |", cpu.as_secs_f64() * 1e6)?,
            None => writeln!(text, " |")?,
        }
        let Some(beside) = &self.beside else {
            return Ok(());
        };
        let answered = rate(beside, beside.last);
        let shed = beside.shed as f64 / beside.last.as_secs_f64();
        writeln!(
            text,
            "| … their sign-ins, of which {shed:.0} a second were refused (503) | {answered:.0} | {:.0} ms | {:.0} ms | |",
            beside.percentile(50).as_secs_f64() * 1e3,
            beside.percentile(99).as_secs_f64() * 1e3,
        )
    }
}

impl Live {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let millis = |percent| self.times.percentile(percent).as_secs_f64() * 1e3;
        let told = self.sockets * self.times.count();
        writeln!(
            text,
            "\nOf {} sockets of {} members of a project, each takes {:.1} KB at rest. A change of the \
             project has\nreached all of them after {:.0} ms (p50; p99 {:.0} ms), for {:.1} µs of CPU \
             each.",
            self.sockets,
            self.people,
            self.memory,
            millis(50),
            millis(99),
            self.cpu.as_secs_f64() * 1e6 / told.max(1) as f64,
        )
    }
}

/// Answered calls a second.
fn rate(times: &Times, length: Duration) -> f64 {
    times.count() as f64 / length.as_secs_f64()
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| {
        let (name, model) = line.split_once(':')?;
        (name.trim() == "model name").then(|| model.trim().to_owned())
    });
    model.unwrap_or_else(|| "unknown CPU".to_owned())
}
