//! Does one operation again and again, in the process that callgrind looks at.

use std::{hint::black_box, io::Write as _};

use anyhow::Context as _;

use crate::{
    allocator::allocations,
    operations::{Operation, Work},
};

/// How often an operation is done before it counts: until caches are filled,
/// tables have grown and connections stand.
const WARM_UP: u32 = 50;

/// Prepares an operation, does it as often as it says, and prints how many
/// allocations that took.
pub(crate) fn run(operation: &Operation) -> anyhow::Result<()> {
    let mut work = (operation.prepare)(WARM_UP + operation.times)?;
    work(WARM_UP)?;
    let before = allocations();
    counted(&mut work, operation.times)?;
    let taken = allocations() - before;
    writeln!(std::io::stdout(), "{taken}").context("cannot tell")
}

/// All that counts. Callgrind knows it by its name.
#[inline(never)]
fn counted(work: &mut Work, times: u32) -> anyhow::Result<()> {
    black_box(work(black_box(times)))
}
