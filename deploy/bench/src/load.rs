//! Drives calls and takes their times: in closed loops, where each client
//! calls again as soon as it is answered, or at a fixed rate, where a call's
//! time counts from the moment when it was due, so that waiting behind a slow
//! one counts too.

use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use tokio::time::sleep_until;

/// How a call ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered.
    Done,
    /// It was refused because the program has too much to do.
    Shed,
}

/// The times of the calls of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// Of calls that were answered, in ascending order.
    answered: Vec<Duration>,
    /// How many calls were refused for want of time.
    pub(crate) shed: usize,
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
            merged.last = merged.last.max(times.last);
        }
        merged.answered.sort_unstable();
        merged
    }

    /// How many calls were answered.
    pub(crate) fn count(&self) -> usize {
        self.answered.len()
    }

    /// The time that this part of the calls did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.answered.len() * percent).div_ceil(100).max(1) - 1;
        self.answered.get(index).copied().unwrap_or_default()
    }
}

/// All of `callers` at once, each in a closed loop.
pub(crate) async fn closed<C>(callers: &mut [C], length: Duration) -> anyhow::Result<Times>
where
    C: AsyncFnMut() -> anyhow::Result<Outcome>,
{
    let first = Instant::now();
    let loops = callers.iter_mut().map(async |call| {
        let mut times = Times::default();
        loop {
            let begun = Instant::now();
            if begun >= first + length {
                return anyhow::Ok(times);
            }
            let outcome = call().await?;
            times.add(outcome, begun.elapsed(), first.elapsed());
        }
    });
    Ok(Times::merge(try_join_all(loops).await?))
}

/// Calls at a fixed rate in all, each of `callers` in its turn.
pub(crate) async fn steady<C>(
    callers: &mut [C],
    rate: u32,
    length: Duration,
) -> anyhow::Result<Times>
where
    C: AsyncFnMut() -> anyhow::Result<Outcome>,
{
    let begun = Instant::now();
    let pause = Duration::from_secs(1) / rate;
    let turn = pause * u32::try_from(callers.len())?;
    let loops = callers.iter_mut().zip(0..).map(async |(call, place)| {
        let mut times = Times::default();
        let mut due = begun + pause * place;
        while due < begun + length {
            sleep_until(due.into()).await;
            let outcome = call().await?;
            times.add(outcome, due.elapsed(), begun.elapsed());
            due += turn;
        }
        anyhow::Ok(times)
    });
    let all: anyhow::Result<Vec<_>> = join_all(loops).await.into_iter().collect();
    Ok(Times::merge(all?))
}
