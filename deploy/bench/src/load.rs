//! Drives calls and takes their times: in closed loops, where each caller
//! calls again as soon as it is answered, or at a fixed rate, where a call's
//! time counts from the moment when it was due, so that waiting behind a slow
//! one counts too.
//!
//! It is our own because of what is asked: ready-made load generators repeat
//! one request, while here each caller sends the refresh token that it was
//! answered last, reads and changes are mixed, and gRPC is called as REST is.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::sync::Semaphore;

use crate::metronome::Metronome;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered.
    Done,
    /// It was refused because the program has too much to do.
    Shed,
    /// It failed, and how.
    Failed(String),
}

/// Somebody who calls again and again.
pub(crate) trait Call {
    /// # Errors
    ///
    /// If there is no going on. A call that fails is an outcome like others.
    async fn call(&mut self) -> anyhow::Result<Outcome>;
}

/// The times of the calls of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// Of calls that were answered, in ascending order.
    answered: Vec<Duration>,
    /// How many calls were refused for want of time.
    pub(crate) shed: usize,
    /// How many failed, and how one of them did.
    pub(crate) failed: usize,
    pub(crate) failure: Option<String>,
    /// When the last answer came, after the first call. A loop that ends waits
    /// for the calls in progress, which are many if there is a queue.
    pub(crate) last: Duration,
}

impl Times {
    fn add(&mut self, outcome: Outcome, time: Duration, since_first: Duration) {
        match outcome {
            Outcome::Done => {
                self.answered.push(time);
                self.last = since_first;
            }
            Outcome::Shed => self.shed += 1,
            Outcome::Failed(how) => {
                self.failed += 1;
                self.failure = Some(how);
            }
        }
    }

    /// The times of calls that were all answered.
    pub(crate) fn of(mut answered: Vec<Duration>) -> Self {
        answered.sort_unstable();
        Self {
            answered,
            ..Self::default()
        }
    }

    /// All of them.
    pub(crate) fn merge(all: Vec<Self>) -> Self {
        let mut merged = Self::default();
        for times in all {
            merged.answered.extend(times.answered);
            merged.shed += times.shed;
            merged.failed += times.failed;
            merged.failure = merged.failure.or(times.failure);
            merged.last = merged.last.max(times.last);
        }
        merged.answered.sort_unstable();
        merged
    }

    /// How many calls were answered.
    pub(crate) fn count(&self) -> usize {
        self.answered.len()
    }

    /// The time in ms that this part of the calls did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let index = (self.answered.len() * percent).div_ceil(100).max(1) - 1;
        let time = self.answered.get(index).copied();
        time.unwrap_or_default().as_secs_f64() * 1e3
    }
}

/// All callers at once, each in a closed loop.
pub(crate) async fn closed(callers: &mut [impl Call], length: Duration) -> anyhow::Result<Times> {
    let first = Instant::now();
    let loops = callers.iter_mut().map(async |caller| {
        let mut times = Times::default();
        loop {
            let begun = Instant::now();
            if begun >= first + length {
                return anyhow::Ok(times);
            }
            let outcome = caller.call().await?;
            times.add(outcome, begun.elapsed(), first.elapsed());
        }
    });
    Ok(Times::merge(try_join_all(loops).await?))
}

/// Calls at a fixed rate in all. Whichever caller is free makes the next call
/// once it is due; if none is, the call waits, and its time counts.
pub(crate) async fn steady(
    callers: &mut [impl Call],
    rate: f64,
    length: Duration,
) -> anyhow::Result<Times> {
    anyhow::ensure!(rate > 0.0, "no calls are due at a rate of {rate}");
    let period = Duration::from_secs_f64(1.0 / rate);
    let calls = length.div_duration_f64(period) as u32;
    let (begun, metronome) = (Instant::now(), Metronome::start(period)?);
    // Callers take the numbers of calls and wait for their turn in one order.
    let (turns, next) = (Semaphore::new(0), Cell::new(0));
    let beat = async {
        let mut left = calls as usize;
        while left > 0 {
            let beats = metronome.beats().await?.min(left);
            turns.add_permits(beats);
            left -= beats;
        }
        anyhow::Ok(())
    };
    let loops = callers.iter_mut().map(async |caller| {
        let mut times = Times::default();
        loop {
            let number = next.get() + 1;
            if number > calls {
                return anyhow::Ok(times);
            }
            next.set(number);
            turns.acquire().await?.forget();
            let outcome = caller.call().await?;
            let due = begun + period * number;
            times.add(outcome, due.elapsed(), begun.elapsed());
        }
    });
    let ((), all) = tokio::try_join!(beat, try_join_all(loops))?;
    Ok(Times::merge(all))
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// Answers at once, but for the first call.
    struct SlowAtFirst {
        first: Option<Duration>,
    }

    impl Call for SlowAtFirst {
        async fn call(&mut self) -> anyhow::Result<Outcome> {
            if let Some(time) = self.first.take() {
                sleep(time).await;
            }
            Ok(Outcome::Done)
        }
    }

    /// Ends in each way in turn.
    struct Mixed(usize);

    impl Call for Mixed {
        async fn call(&mut self) -> anyhow::Result<Outcome> {
            self.0 += 1;
            tokio::task::yield_now().await;
            Ok(match self.0 % 3 {
                0 => Outcome::Done,
                1 => Outcome::Shed,
                _ => Outcome::Failed("500".to_owned()),
            })
        }
    }

    fn times(millis: impl IntoIterator<Item = u64>) -> Times {
        Times::of(millis.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let hundred = times((1..=100).rev());
        for (percent, millis) in [(50, 50.0), (95, 95.0), (99, 99.0)] {
            assert_eq!(hundred.percentile(percent), millis);
        }
        assert_eq!(times([7]).percentile(50), 7.0);
        assert_eq!(times([1, 2, 3]).percentile(99), 3.0);
        assert_eq!(times([]).percentile(99), 0.0);
    }

    #[tokio::test]
    async fn a_call_counts_from_when_it_was_due() {
        let first = Some(Duration::from_millis(100));
        let mut callers = [SlowAtFirst { first }];
        let length = Duration::from_millis(200);
        let times = steady(&mut callers, 100.0, length).await.expect("calls");
        assert_eq!(times.count(), 20);
        // The second was due 10 ms after the first, whose answer took 100 ms.
        assert!(times.answered[18] >= Duration::from_millis(89), "{times:?}");
        assert!(times.answered[14] >= Duration::from_millis(49), "{times:?}");
    }

    #[tokio::test]
    async fn somebody_else_calls_where_one_waits() {
        let first = Some(Duration::from_millis(100));
        let mut callers = [SlowAtFirst { first }, SlowAtFirst { first: None }];
        let length = Duration::from_millis(200);
        let times = steady(&mut callers, 50.0, length).await.expect("calls");
        assert_eq!(times.count(), 10);
        assert!(times.answered[9] >= Duration::from_millis(100));
        assert!(times.answered[4] < Duration::from_millis(50), "{times:?}");
    }

    #[tokio::test]
    async fn failures_and_refusals_are_counted_and_take_no_time() {
        let mut callers = [Mixed(0), Mixed(0)];
        let length = Duration::from_millis(5);
        let times = closed(&mut callers, length).await.expect("calls");
        assert!(times.failed > 0 && times.shed > 0 && times.count() > 0);
        assert_eq!(times.failure.as_deref(), Some("500"));
    }
}
