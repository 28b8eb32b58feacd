//! What was done, how long it took, and what failed.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[derive(Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// By what was done.
    done: BTreeMap<&'static str, usize>,
    /// Of the calls that have a turn, in µs.
    times: Vec<u32>,
    failures: BTreeMap<String, usize>,
}

impl Tally {
    /// Something has been done.
    pub(crate) fn done(&self, what: &'static str) {
        *self.counts().done.entry(what).or_default() += 1;
    }

    /// A call with a turn was answered so long after it was due.
    pub(crate) fn answered(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        self.counts().times.push(micros);
    }

    /// Something has not been done.
    pub(crate) fn failed(&self, what: &'static str, error: &anyhow::Error) {
        let failure = format!("{what}: {error:#}");
        *self.counts().failures.entry(failure).or_default() += 1;
    }

    /// How many calls with a turn were answered.
    pub(crate) fn calls(&self) -> usize {
        self.counts().times.len()
    }

    /// How often each thing was done.
    pub(crate) fn by_what(&self) -> BTreeMap<&'static str, usize> {
        self.counts().done.clone()
    }

    /// All failures, and how often each happened.
    pub(crate) fn failures(&self) -> BTreeMap<String, usize> {
        self.counts().failures.clone()
    }

    /// The times that these parts of the calls did not exceed.
    pub(crate) fn percentiles<const COUNT: usize>(
        &self,
        percents: [usize; COUNT],
    ) -> [Duration; COUNT] {
        let mut counts = self.counts();
        counts.times.sort_unstable();
        percents.map(|percent| {
            let index = (counts.times.len() * percent).div_ceil(100).max(1) - 1;
            let micros = counts.times.get(index).copied().unwrap_or_default();
            Duration::from_micros(micros.into())
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
