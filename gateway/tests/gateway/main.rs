//! The gateway from outside: over real sockets, before services that answer as
//! each test says.

mod access;
mod answers;
mod bad_input;
mod client;
mod connection;
mod cookies;
mod fixture;
mod limits;
mod links;
mod logs;
mod mailbox;
mod oauth;
mod pages;
mod services;
mod streams;
mod web;
