//! How far clocks may be apart. Tokens expire to the second, and what revokes a
//! token covers those that were issued before, by the clocks of the machines
//! that did the one and the other.

use std::time::Duration;

use super::service::CLOCK_TOLERANCE;
use crate::{clock::Timestamp, finding::Finding};

/// Apart by so much, clocks are not kept in step: a token may be issued by one
/// machine so long after another has revoked all that were issued before.
const NOTABLE: Duration = Duration::from_secs(2);

/// Judges another machine's clock, which showed `theirs` at some time from
/// `asked` to `answered` by ours, to within `precision`.
#[must_use]
pub fn judge_clock(
    whose: &str,
    theirs: Timestamp,
    precision: Duration,
    (asked, answered): (Timestamp, Timestamp),
) -> Finding {
    let ahead = theirs.since(answered);
    let behind = asked.since(theirs + precision);
    let (skew, word) = if ahead > behind {
        (ahead, "ahead of")
    } else {
        (behind, "behind")
    };
    let limit = CLOCK_TOLERANCE.as_secs();
    let told = format!(
        "the clock of {whose} is {:.1} s {word} this machine's",
        skew.as_secs_f64()
    );
    if skew >= CLOCK_TOLERANCE {
        Finding::failure(format!(
            "{told}: from {limit} s on, services refuse each other's tokens as expired; run NTP on \
             both machines"
        ))
    } else if skew >= NOTABLE {
        Finding::warning(format!(
            "{told}: by as much, tokens outlive their revocation or expire early, and from {limit} s \
             on services refuse each other; run NTP on both machines"
        ))
    } else {
        Finding::fine(format!(
            "the clock of {whose} is in step with this machine's"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Verdict;

    fn judge(theirs: i64) -> Finding {
        let at = Timestamp::from_millis;
        let asked = (at(100_000), at(100_400));
        judge_clock("auth", at(theirs), Duration::from_secs(1), asked)
    }

    #[test]
    fn clocks_that_are_apart_by_less_than_can_be_told_are_in_step() {
        for theirs in [97_001, 99_000, 100_000, 100_400, 102_399] {
            assert_eq!(judge(theirs).verdict, Verdict::Fine, "{theirs}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_told_of_before_tokens_fail() {
        for theirs in [97_000, 102_400, 115_399, 84_001] {
            assert_eq!(judge(theirs).verdict, Verdict::Warning, "{theirs}");
        }
        for (theirs, told) in [
            (115_400, "the clock of auth is 15.0 s ahead of this"),
            (39_000, "the clock of auth is 60.0 s behind this"),
        ] {
            let finding = judge(theirs);
            assert_eq!(finding.verdict, Verdict::Failure);
            assert!(finding.text.starts_with(told), "{}", finding.text);
        }
    }
}
