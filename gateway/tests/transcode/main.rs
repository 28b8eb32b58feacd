//! The transcoder from outside, over a message with a field of every sort.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod differential;
mod entropy;
mod fixture;
mod json;
mod oracle;
mod parameters;
mod print;
