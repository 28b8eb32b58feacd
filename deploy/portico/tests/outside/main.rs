//! The program itself, from outside: the real binary with its arguments,
//! environment, signals and exit codes, met by stock clients.

mod backups;
mod certificates;
mod crash;
mod doctor;
mod envoy;
mod faults;
mod injection;
mod installation;
mod mails;
mod moves;
mod mutual_tls;
mod operation;
mod passkeys;
mod program;
mod rest;
mod schemathesis;
mod secrets;
mod tour;
mod traces;
mod upgrades;

pub(crate) use self::{
    installation::{Installation, Plan},
    program::Program,
    rest::Rest,
};
