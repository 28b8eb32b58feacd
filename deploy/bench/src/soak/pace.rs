//! When the next call is due, whoever makes it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Hands out turns at a fixed rate, or as fast as they are taken.
pub(crate) struct Pace {
    begun: Instant,
    end: Instant,
    /// Between two calls; none if there is no fixed rate.
    pause: Option<Duration>,
    turns: AtomicU32,
}

/// A call to make.
pub(crate) struct Turn {
    pub(crate) number: u32,
    /// At a fixed rate this may be long ago: the call's time counts from then.
    pub(crate) due: Instant,
}

impl Pace {
    pub(crate) fn as_fast_as_possible(length: Duration) -> Self {
        Self::new(None, length)
    }

    /// So many calls a second.
    pub(crate) fn steady(rate: f64, length: Duration) -> Self {
        Self::new(Some(Duration::from_secs_f64(1.0 / rate.max(1.0))), length)
    }

    fn new(pause: Option<Duration>, length: Duration) -> Self {
        let begun = Instant::now();
        Self {
            begun,
            end: begun + length,
            pause,
            turns: AtomicU32::new(0),
        }
    }

    /// The next turn, as long as there is time.
    pub(crate) fn next(&self) -> Option<Turn> {
        let number = self.turns.fetch_add(1, Ordering::Relaxed);
        let due = match self.pause {
            Some(pause) => self.begun + pause.mul_f64(f64::from(number)),
            None => Instant::now(),
        };
        // Whoever is late does not go on after the end, to make up for it.
        let is_over = due >= self.end || Instant::now() >= self.end;
        (!is_over).then_some(Turn { number, due })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_due_at_the_rate_and_end_in_time() {
        let pace = Pace::steady(10.0, Duration::from_secs(1));
        let turns: Vec<Turn> = std::iter::from_fn(|| pace.next()).collect();
        assert_eq!(turns.len(), 10);
        assert_eq!(turns[3].due - turns[0].due, Duration::from_millis(300));
        assert_eq!(turns[9].number, 9);
    }

    #[test]
    fn without_a_rate_a_turn_is_due_when_it_is_taken() {
        let pace = Pace::as_fast_as_possible(Duration::from_secs(60));
        let before = Instant::now();
        assert!(pace.next().expect("a turn").due >= before);
        let over = Pace::as_fast_as_possible(Duration::ZERO);
        assert!(over.next().is_none());
    }
}
