//! The program itself, from outside: the real binary with its arguments,
//! environment, signals and exit codes, met by stock clients.

mod crash;
mod envoy;
mod faults;
mod injection;
mod installation;
mod mails;
mod operation;
mod passkeys;
mod program;
mod rest;
mod schemathesis;
mod secrets;
mod tour;
mod traces;

pub(crate) use self::{
    installation::{Installation, Plan},
    program::Program,
    rest::Rest,
};
