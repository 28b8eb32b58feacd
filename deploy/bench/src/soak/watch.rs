//! What a process takes, second by second.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::time::sleep;

/// How often it is looked at.
const PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Resident memory in MB (10⁶ bytes).
    pub(crate) memory: f64,
    /// Open file descriptors.
    pub(crate) descriptors: f64,
}

/// Looks at it for so long.
pub(crate) async fn watch(process: u32, length: Duration) -> anyhow::Result<Vec<Sample>> {
    let end = Instant::now() + length;
    let mut samples = Vec::new();
    while Instant::now() < end {
        samples.push(sample(process).context("the program has ended")?);
        sleep(PERIOD).await;
    }
    Ok(samples)
}

fn sample(process: u32) -> anyhow::Result<Sample> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.context("no VmRSS")?.parse()?;
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"))?.count();
    Ok(Sample {
        memory: kib * 1024.0 / 1e6,
        descriptors: descriptors as f64,
    })
}
