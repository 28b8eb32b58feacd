//! What the cores can hash: as many passwords as there is time for, on all of
//! them, and nothing else. Sign-ins are held to it.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::machine::own_cpu_time;

/// The cost of a hash, as the program has it: OWASP's.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Its memory: blocks of 1 KiB.
const BLOCKS: usize = MEMORY as usize;

/// What came of it.
pub(crate) struct Hashes {
    count: u32,
    length: Duration,
    cpu: Duration,
}

impl Hashes {
    /// This one and another one.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            length: self.length + other.length,
            cpu: self.cpu + other.cpu,
        }
    }

    /// Hashes a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.count) / self.length.as_secs_f64()
    }

    /// How many cores they had.
    pub(crate) fn cores(&self) -> f64 {
        self.cpu.div_duration_f64(self.length)
    }

    /// The CPU time of one.
    pub(crate) fn cpu(&self) -> Duration {
        self.cpu / self.count.max(1)
    }
}

/// Hashes for so long.
pub(crate) async fn measure(length: Duration) -> anyhow::Result<Hashes> {
    let cores = thread::available_parallelism()?.get();
    let memories = (0..cores).map(|_| vec![Block::new(); BLOCKS]);
    let memories: Vec<_> = memories.collect();
    let (before, begun) = (own_cpu_time()?, Instant::now());
    let threads = memories
        .into_iter()
        .map(|memory| tokio::task::spawn_blocking(move || count(memory, begun + length)));
    let threads: Vec<_> = threads.collect();
    let mut count = 0;
    for thread in threads {
        count += thread.await??;
    }
    Ok(Hashes {
        count,
        length: begun.elapsed(),
        cpu: own_cpu_time()?.saturating_sub(before),
    })
}

/// How many hashes one thread computes until then, in memory that it keeps, of
/// ordinary pages, as whoever calls the library has it.
fn count(mut memory: Vec<Block>, end: Instant) -> anyhow::Result<u32> {
    let params = Params::new(MEMORY, PASSES, LANES, None).ok();
    let params = params.context("the cost is out of bounds")?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut output, mut hashes) = ([0; 32], 0);
    while Instant::now() < end {
        let hashed = argon2.hash_password_into_with_memory(
            b"correct horse battery",
            b"salt of 16 bytes",
            &mut output,
            &mut memory,
        );
        hashed.ok().context("a password was not hashed")?;
        hashes += 1;
    }
    Ok(hashes)
}
