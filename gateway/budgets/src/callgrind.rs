//! Runs an operation under callgrind.

use std::{env, fs, process::Command};

use anyhow::Context as _;

use crate::{budget::Cost, operations::Operation};

/// The argument by which the program counts an operation instead of comparing.
pub(crate) const COUNT: &str = "count";

/// The one function inside of which instructions count.
const COUNTED: &str = "portico_gateway_budgets::count::counted*";

/// What an operation takes.
pub(crate) fn count(operation: &Operation) -> anyhow::Result<Cost> {
    let folder = tempfile::tempdir()?;
    let profile = folder.path().join("profile");
    let program = env::current_exe()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args([COUNT, operation.name])
        .output()
        .context("valgrind cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("{} failed: {said}", operation.name);
    }
    let allocations = String::from_utf8(output.stdout)?;
    let allocations: u64 = allocations.trim().parse()?;
    let instructions = total(&fs::read_to_string(&profile)?);
    let instructions = instructions.with_context(|| format!("{COUNTED} was not found"))?;
    let times = u64::from(operation.times);
    Ok(Cost {
        instructions: instructions / times,
        allocations: (allocations + times / 2) / times,
    })
}

/// The sum of a profile (Valgrind's manual, "Callgrind Format Specification").
fn total(profile: &str) -> Option<u64> {
    let sum = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    let sum = sum.trim().parse().ok()?;
    (sum > 0).then_some(sum)
}

/// What instructions depend on beside the code: the compiler, and the machine
/// that it compiles for. Callgrind's machine has the same instructions on any
/// processor of a kind.
pub(crate) fn by() -> anyhow::Result<String> {
    let version = Command::new("rustc").arg("--version").output()?.stdout;
    let version = String::from_utf8(version)?;
    let machine = match has_avx2() {
        true => " with AVX2",
        false => "",
    };
    Ok(format!(
        "{}, {}{machine}",
        version.trim(),
        env::consts::ARCH
    ))
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_ends_with_its_sum() {
        assert_eq!(
            total("events: Ir\nfn=(1)\n3 4\n\ntotals: 1234\n"),
            Some(1234)
        );
        assert_eq!(total("events: Ir\n\ntotals: 0\n"), None);
        assert_eq!(total(""), None);
    }
}
