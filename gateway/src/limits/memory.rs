//! Counting in this process alone, in bounded memory.

use std::sync::Arc;

use governor::{
    RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use moka::sync::Cache;

use super::{Outcome, Subject};
use crate::config::Quota;

/// How many subjects are remembered. Under an attack from more addresses than
/// that, those seen often stay and the others are forgotten early.
const SUBJECTS: u64 = 100_000;

/// A counter of calls.
pub(super) struct Memory<C: Clock = DefaultClock> {
    limiter: RateLimiter<Subject, Bounded, C, StateInformationMiddleware>,
    clock: C,
    quota: Quota,
}

/// The state of the subjects seen lately.
struct Bounded(Cache<Subject, Arc<InMemoryState>>);

impl Memory {
    pub(super) fn new(quota: Quota) -> Self {
        Self::with_clock(quota, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Memory<C> {
    fn with_clock(quota: Quota, clock: C) -> Self {
        let states = Cache::builder()
            .max_capacity(SUBJECTS)
            .time_to_idle(quota.window)
            .build();
        Self {
            limiter: RateLimiter::new(quota.gcra(), Bounded(states), clock.clone()),
            clock,
            quota,
        }
    }

    pub(super) fn count(&self, subject: Subject) -> Outcome {
        let calls = self.quota.calls.get();
        let pace = self.quota.window / calls;
        match self.limiter.check_key(&subject) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Outcome {
                    remaining,
                    full_in: pace * (calls - remaining.min(calls)),
                    refused_for: None,
                }
            }
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                Outcome {
                    remaining: 0,
                    full_in: self.quota.window - pace + wait,
                    refused_for: Some(wait),
                }
            }
        }
    }
}

impl StateStore for Bounded {
    type Key = Subject;

    fn measure_and_replace<T, F, E>(&self, subject: &Subject, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let state = self.0.get_with(*subject, Arc::default);
        state.measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn memory(clock: &FakeRelativeClock) -> Memory<FakeRelativeClock> {
        let quota = Quota {
            calls: 3.try_into().expect("not zero"),
            window: Duration::from_secs(60),
        };
        Memory::with_clock(quota, clock.clone())
    }

    fn subject(last: u8) -> Subject {
        Subject::Address(Ipv4Addr::new(192, 0, 2, last).into())
    }

    #[test]
    fn a_burst_is_counted_down_and_then_refused() {
        let memory = memory(&FakeRelativeClock::default());
        let remaining: Vec<u32> = (0..3).map(|_| memory.count(subject(1)).remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = memory.count(subject(1));
        assert_eq!(refused.refused_for, Some(Duration::from_secs(20)));
        assert_eq!(refused.full_in, Duration::from_secs(60));
    }

    #[test]
    fn calls_come_back_one_by_one() {
        let clock = FakeRelativeClock::default();
        let memory = memory(&clock);
        for _ in 0..4 {
            memory.count(subject(1));
        }
        clock.advance(Duration::from_secs(20));
        assert_eq!(memory.count(subject(1)).refused_for, None);
        assert!(memory.count(subject(1)).refused_for.is_some());
        clock.advance(Duration::from_secs(60));
        let outcome = memory.count(subject(1));
        assert_eq!(
            (outcome.remaining, outcome.full_in),
            (2, Duration::from_secs(20))
        );
    }

    #[test]
    fn each_subject_is_counted_by_itself() {
        let memory = memory(&FakeRelativeClock::default());
        for _ in 0..4 {
            memory.count(subject(1));
        }
        assert_eq!(memory.count(subject(2)).remaining, 2);
    }
}
