//! The one program: which roles this process runs, and the operator's commands.
//! `main` and the tests from outside start it in the same way, by
//! [`start::start`].

pub mod cli;
pub mod commands;
pub mod memory;
mod platform;
mod secrets;
mod services;
pub mod settings;
pub mod start;
