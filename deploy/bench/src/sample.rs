//! One measurement of a scenario, and what several of them come to.

use std::time::{Duration, Instant};

use crate::{
    load::{self, Times},
    machine::own_cpu_time,
    scenarios::Caller,
    statistics::Middle,
    target::Running,
};

/// What came of driving callers for a while.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Answered calls a second.
    pub(crate) rate: f64,
    /// Times in ms.
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    /// How many a second were refused for want of time, and how many failed.
    pub(crate) shed: f64,
    pub(crate) failed: usize,
    /// How one of them did.
    pub(crate) failure: Option<String>,
    /// The CPU time in µs of each role for one call.
    pub(crate) cpu: Vec<(&'static str, f64)>,
    /// The CPU time in µs of this load generator for one call.
    pub(crate) generator_cpu: f64,
}

/// How callers are driven.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Drive {
    /// As many calls as the machine allows.
    Saturate,
    /// So many a second.
    Steady(f64),
}

/// Drives callers for so long, and nothing else.
pub(crate) async fn measure(
    running: &Running,
    callers: &mut [Caller],
    drive: Drive,
    length: Duration,
) -> anyhow::Result<Sample> {
    let (before, own) = (running.cpu_times(), own_cpu_time()?);
    let begun = Instant::now();
    let times = match drive {
        Drive::Saturate => load::closed(callers, length).await?,
        Drive::Steady(rate) => load::steady(callers, rate, length).await?,
    };
    let taken = begun.elapsed();
    let (after, own) = (running.cpu_times(), own_cpu_time()?.saturating_sub(own));
    let of_one = |cpu: Duration| cpu.as_secs_f64() * 1e6 / times.count().max(1) as f64;
    let roles = before.into_iter().zip(after);
    let cpu = roles
        .map(|((role, before), (_, after))| (role, of_one(after.saturating_sub(before))))
        .collect();
    Ok(Sample {
        cpu,
        generator_cpu: of_one(own),
        ..Sample::of(&times, taken)
    })
}

impl Sample {
    pub(crate) fn of(times: &Times, taken: Duration) -> Self {
        Self {
            rate: times.count() as f64 / taken.as_secs_f64(),
            p50: times.percentile(50),
            p95: times.percentile(95),
            p99: times.percentile(99),
            shed: times.shed as f64 / taken.as_secs_f64(),
            failed: times.failed,
            failure: times.failure.clone(),
            ..Self::default()
        }
    }

    /// The CPU time in µs of all roles for one call.
    pub(crate) fn cpu_of_all(&self) -> f64 {
        self.cpu.iter().map(|(_, cpu)| cpu).sum()
    }

    /// The CPU time in µs of one role for one call.
    pub(crate) fn cpu_of(&self, role: &str) -> f64 {
        let of_role = self.cpu.iter().filter(|(known, _)| *known == role);
        of_role.map(|(_, cpu)| cpu).sum()
    }
}

/// The same measurement several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(pub(crate) Vec<Sample>);

impl Series {
    /// One figure of each.
    pub(crate) fn each(&self, figure: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.0.iter().map(figure).collect()
    }

    pub(crate) fn middle(&self, figure: impl Fn(&Sample) -> f64) -> Option<Middle> {
        Middle::of(self.0.iter().map(figure))
    }

    pub(crate) fn median(&self, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        Some(self.middle(figure)?.median)
    }

    pub(crate) fn failed(&self) -> usize {
        self.0.iter().map(|sample| sample.failed).sum()
    }

    /// How a call failed, if one did.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.0.iter().find_map(|sample| sample.failure.as_deref())
    }

    /// The median CPU time in µs of each role for one call.
    pub(crate) fn cpu_by_role(&self) -> Vec<(&'static str, f64)> {
        let Some(first) = self.0.first() else {
            return Vec::new();
        };
        let roles = first.cpu.iter().map(|(role, _)| *role);
        roles
            .filter_map(|role| Some((role, self.median(|sample| sample.cpu_of(role))?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_a_median_of_its_own() {
        let sample = |rate, p99, cpu| Sample {
            rate,
            p99,
            failed: 1,
            cpu: vec![("gateway", cpu), ("postgres", 5.0)],
            ..Sample::default()
        };
        let series = Series(vec![
            sample(10.0, 3.0, 7.0),
            sample(30.0, 1.0, 9.0),
            sample(20.0, 2.0, 8.0),
        ]);
        assert_eq!(series.median(|sample| sample.rate), Some(20.0));
        assert_eq!(series.median(|sample| sample.p99), Some(2.0));
        assert_eq!(series.cpu_by_role(), [("gateway", 8.0), ("postgres", 5.0)]);
        assert_eq!(series.median(Sample::cpu_of_all), Some(13.0));
        assert_eq!(series.failed(), 3);
        assert_eq!(Series::default().median(|sample| sample.rate), None);
    }

    #[test]
    fn a_rate_is_of_what_was_answered() {
        let times = Times::of(vec![Duration::from_millis(2); 50]);
        let sample = Sample::of(&times, Duration::from_secs(2));
        assert_eq!((sample.rate, sample.p50), (25.0, 2.0));
    }
}
