//! The numbers as a table for people, and whether all is well.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use super::{tally::Tally, watch::Sample};

/// How much more memory the last third may take than the first, in percent.
const MEMORY_GROWTH: f64 = 5.0;
/// How many more file descriptors: of thousands of connections and sockets not
/// one in a thousand, and more than chance.
const DESCRIPTOR_GROWTH: f64 = 3.0;

pub(crate) struct Report {
    pub(crate) length: Duration,
    /// Calls a second that were asked for.
    pub(crate) rate: f64,
    /// In the order of time.
    pub(crate) samples: Vec<Sample>,
    pub(crate) tally: Tally,
    /// Of what went before.
    pub(crate) earlier: [Tally; 3],
}

impl Report {
    /// The report as Markdown; `version` says of what, and when.
    pub(crate) fn markdown(&self, version: &str) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        writeln!(
            text,
            "# Soaked\n\nWritten by `make soak`: {version}.\n\n\
             One process on SQLite, for {} minutes at 70 % of what it did as fast as it could: {:.0} \
             calls a second,\nat a fixed rate, by {} people who come and go with connections, sockets and \
             tokens.\n",
            self.length.as_secs_f64() / 60.0,
            self.rate,
            super::VISITORS,
        )?;
        text.push_str("| mean | first third | second | last | growth | limit | |\n|---|--:|--:|--:|--:|--:|---|\n");
        let memory = self.thirds(|sample| sample.memory);
        writeln!(
            text,
            "| resident memory | {:.1} MB | {:.1} MB | {:.1} MB | {:+.1} % | {MEMORY_GROWTH} % | {} |",
            memory[0],
            memory[1],
            memory[2],
            self.memory_growth(),
            verdict(self.memory_growth() <= MEMORY_GROWTH),
        )?;
        let descriptors = self.thirds(|sample| sample.descriptors);
        writeln!(
            text,
            "| file descriptors | {:.1} | {:.1} | {:.1} | {:+.1} | {DESCRIPTOR_GROWTH} | {} |",
            descriptors[0],
            descriptors[1],
            descriptors[2],
            self.descriptor_growth(),
            verdict(self.descriptor_growth() <= DESCRIPTOR_GROWTH),
        )?;
        let failures = self.failures();
        let failed: usize = failures.values().sum();
        writeln!(
            text,
            "| failures | | | | {failed} | 0 | {} |\n",
            verdict(failed == 0)
        )?;

        text.push_str("| done | times |\n|---|--:|\n");
        for (what, times) in self.tally.by_what() {
            writeln!(text, "| {what} | {times} |")?;
        }
        let [half, most, all] = self.tally.percentiles([50, 99, 100]);
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        writeln!(
            text,
            "\n{:.0} calls a second were answered, {:.1} ms after they were due (p50; p99 {:.1} ms, at most \
             {:.0} ms).",
            self.tally.calls() as f64 / self.length.as_secs_f64(),
            millis(half),
            millis(most),
            millis(all),
        )?;
        if !failures.is_empty() {
            text.push_str("\n| failure | times |\n|---|--:|\n");
            for (failure, times) in failures {
                writeln!(text, "| {failure} | {times} |")?;
            }
        }
        Ok(text)
    }

    /// # Errors
    ///
    /// If memory or descriptors grow, or something failed.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.memory_growth() <= MEMORY_GROWTH, "memory grows");
        anyhow::ensure!(
            self.descriptor_growth() <= DESCRIPTOR_GROWTH,
            "file descriptors grow"
        );
        anyhow::ensure!(self.failures().is_empty(), "calls failed");
        Ok(())
    }

    /// In percent.
    fn memory_growth(&self) -> f64 {
        let [first, _, last] = self.thirds(|sample| sample.memory);
        (last / first - 1.0) * 100.0
    }

    fn descriptor_growth(&self) -> f64 {
        let [first, _, last] = self.thirds(|sample| sample.descriptors);
        last - first
    }

    /// The mean of each third of the time.
    fn thirds(&self, value: impl Fn(&Sample) -> f64) -> [f64; 3] {
        let third = (self.samples.len() / 3).max(1);
        [0, 1, 2].map(|number| {
            let samples = self.samples.iter().skip(number * third).take(third);
            samples.map(&value).sum::<f64>() / third as f64
        })
    }

    /// All that there were, at any time.
    fn failures(&self) -> BTreeMap<String, usize> {
        let mut all = self.tally.failures();
        for tally in &self.earlier {
            for (failure, times) in tally.failures() {
                *all.entry(failure).or_default() += times;
            }
        }
        all
    }
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(memory: [f64; 6], descriptors: [f64; 6]) -> Report {
        let samples = memory.into_iter().zip(descriptors);
        let samples = samples.map(|(memory, descriptors)| Sample {
            memory,
            descriptors,
        });
        Report {
            length: Duration::from_secs(6),
            rate: 1.0,
            samples: samples.collect(),
            tally: Tally::default(),
            earlier: Default::default(),
        }
    }

    #[test]
    fn what_is_flat_is_well() {
        let flat = report([40.0, 42.0, 60.0, 60.0, 43.0, 42.0], [9.0; 6]);
        flat.check().expect("flat");
        let text = flat.markdown("now").expect("a text");
        assert!(
            text.contains("| resident memory | 41.0 MB | 60.0 MB | 42.5 MB | +3.7 %"),
            "{text}"
        );
    }

    #[test]
    fn growth_and_failures_are_not() {
        let fat = report([40.0, 40.0, 41.0, 42.0, 43.0, 43.0], [9.0; 6]);
        fat.check().expect_err("memory grows");
        let leaking = report([40.0; 6], [9.0, 9.0, 11.0, 11.0, 13.0, 13.0]);
        leaking.check().expect_err("descriptors grow");
        let failing = report([40.0; 6], [9.0; 6]);
        failing.earlier[0].failed("sign in", &anyhow::anyhow!("503"));
        failing.check().expect_err("a call failed");
    }
}
