//! What is measured, with what, and for how long.

use std::{env, path::PathBuf, str::FromStr, time::Duration};

use anyhow::Context as _;

pub(crate) struct Settings {
    /// The program `portico`.
    pub(crate) program: PathBuf,
    /// A folder for data, which its maker removes.
    pub(crate) folder: PathBuf,
    /// The parts to measure.
    pub(crate) parts: Vec<Part>,
    /// How long each measurement of a scenario takes.
    pub(crate) length: Duration,
    /// How often each is taken.
    pub(crate) repetitions: usize,
    /// How many sockets are opened.
    pub(crate) sockets: usize,
    /// How long the program is soaked.
    pub(crate) soak: Duration,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Starts, memory and sign-ins of one process.
    Process,
    /// Every scenario in every shape, and of peers.
    Shapes,
    /// What the gateway itself costs, beside other gateways.
    Gateways,
    /// Streams of events.
    Events,
    /// Many sockets.
    Sockets,
}

const PARTS: [(&str, Part); 5] = [
    ("process", Part::Process),
    ("shapes", Part::Shapes),
    ("gateways", Part::Gateways),
    ("events", Part::Events),
    ("sockets", Part::Sockets),
];

impl Settings {
    /// # Errors
    ///
    /// If one of the variables ONLY, BENCH_SECONDS, BENCH_REPETITIONS,
    /// BENCH_SOCKETS and SOAK_MINUTES cannot be understood.
    pub(crate) fn new(program: &str, folder: &str) -> anyhow::Result<Self> {
        let program = PathBuf::from(program);
        Ok(Self {
            program: program.canonicalize().context("no such program")?,
            folder: PathBuf::from(folder).canonicalize()?,
            parts: parts(&variable("ONLY", String::new())?)?,
            length: Duration::from_secs_f64(variable("BENCH_SECONDS", 3.0)?),
            repetitions: variable("BENCH_REPETITIONS", 3)?,
            sockets: variable("BENCH_SOCKETS", 10_000)?,
            soak: Duration::from_secs_f64(variable("SOAK_MINUTES", 15.0)? * 60.0),
        })
    }

    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// How long a scenario is warmed up.
    pub(crate) fn warm_up(&self) -> Duration {
        self.length / 4
    }

    /// How long nothing is asked before memory at rest is read: until what is
    /// kept for a while is given back, unless this is only a try.
    pub(crate) fn quiet(&self) -> Duration {
        (self.length * 7).min(Duration::from_secs(20))
    }
}

/// Those that are named, separated by commas; all if none is.
fn parts(names: &str) -> anyhow::Result<Vec<Part>> {
    if names.is_empty() {
        return Ok(PARTS.map(|(_, part)| part).to_vec());
    }
    let part = |name: &str| {
        let found = PARTS.iter().find(|(known, _)| *known == name);
        let known = PARTS.map(|(known, _)| known).join(", ");
        let found = found.with_context(|| format!("ONLY={name}: there are {known}"));
        anyhow::Ok(found?.1)
    };
    names.split(',').map(|name| part(name.trim())).collect()
}

#[expect(clippy::disallowed_methods, reason = "no configuration of Portico")]
fn variable<T: FromStr>(name: &str, default: T) -> anyhow::Result<T> {
    match env::var(name) {
        Ok(text) if !text.is_empty() => {
            let value = text.parse().ok();
            value.with_context(|| format!("{name}={text} is no value"))
        }
        _ => Ok(default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_or_all() {
        assert_eq!(parts("").expect("all").len(), PARTS.len());
        let two = parts("gateways, events").expect("two");
        assert_eq!(two, [Part::Gateways, Part::Events]);
        let error = parts("gateway").expect_err("unknown").to_string();
        assert!(error.contains("process, shapes, gateways"), "{error}");
    }
}
