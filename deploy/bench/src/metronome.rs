//! Beats time to within some 50 µs, for loads at a fixed rate: the runtime's own
//! timers are good to a millisecond, which is more than many answers take.

use std::{os::fd::OwnedFd, time::Duration};

use anyhow::Context as _;
use rustix::{
    io::read,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};
use tokio::io::unix::AsyncFd;

pub(crate) struct Metronome(AsyncFd<OwnedFd>);

impl Metronome {
    /// Beats for the first time after one period.
    pub(crate) fn start(period: Duration) -> anyhow::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let period = Timespec::try_from(period)
            .ok()
            .context("too long a period")?;
        let beats = Itimerspec {
            it_interval: period,
            it_value: period,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &beats)?;
        #[expect(
            unsafe_code,
            reason = "only its owner can close what the runtime watches"
        )]
        // SAFETY: an `OwnedFd` stands for the same open file as long as it lives.
        let timer = unsafe { AsyncFd::register(timer)? };
        Ok(Self(timer))
    }

    /// Waits until it has beaten, and says how often since the last time.
    pub(crate) async fn beats(&self) -> anyhow::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            let beaten = ready.try_io(|timer| Ok(read(timer.get_ref(), &mut count)?));
            if let Ok(beaten) = beaten {
                beaten?;
                return Ok(usize::try_from(u64::from_ne_bytes(count))?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn no_beat_is_early_and_none_is_lost() {
        let period = Duration::from_millis(1);
        let (begun, metronome) = (Instant::now(), Metronome::start(period).expect("a timer"));
        let mut beats = 0;
        while beats < 20 {
            beats += metronome.beats().await.expect("beats");
            let passed = begun.elapsed();
            assert!(period * u32::try_from(beats).expect("few") <= passed);
        }
    }
}
