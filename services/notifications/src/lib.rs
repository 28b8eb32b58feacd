//! The notifications service: mails.
mod config;
mod content;
mod delivery;
mod error;
mod job;
mod letter;
mod mail;
mod store;
mod words;
pub use config::Config;
use portico_chassis::database::Migrations;
/// The schema of this service.
pub static MIGRATIONS: Migrations = Migrations {
    postgres: sqlx::migrate!("migrations/postgres"),
    sqlite: sqlx::migrate!("migrations/sqlite"),
};
mod convert;
mod dispatch;
mod service;
mod upkeep;
