//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use portico_chassis::config;

use crate::{
    commands::{PostgresDatabases, SqliteFiles},
    settings,
};

/// Accounts, people and projects: the backend that every product needs first.
///
/// Without a command, everything runs in this one process, on embedded
/// databases in ./data. Settings are environment variables; see the README.
#[derive(Debug, Parser)]
#[command(name = "portico", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in this process (the default)
    Dev,
    /// Run the users service
    Users,
    /// Run the auth service
    Auth,
    /// Run the projects service
    Projects,
    /// Run the notifications service
    Notifications,
    /// Run the gateway
    Gateway,
    /// Bring the databases up to date
    Migrate {
        /// Only look: fail if a database lacks a migration
        #[arg(long)]
        check: bool,
    },
    /// Move an installation from SQLite to PostgreSQL
    Move(Move),
    /// Manage accounts from this machine
    #[command(subcommand)]
    Admin(Admin),
    /// Take over people from elsewhere, with the hashes of their passwords
    ImportUsers(ImportUsers),
    /// Manage the keys that sign access tokens
    #[command(subcommand)]
    Keys(Keys),
    /// Print the OpenAPI document
    Openapi,
    /// Print a token for calling internal RPCs by hand
    ServiceToken(ServiceToken),
    /// Check the configuration and what it points to
    Doctor(Doctor),
    /// Copy all databases, as they are at one instant, while everything runs
    Backup {
        /// The folder to make
        folder: PathBuf,
    },
    /// Bring all databases back to what a backup has, while nothing runs
    Restore(Restore),
}

/// Move an installation from SQLite to PostgreSQL: everything of every service.
/// Portico must be stopped, the databases must be empty, and the files stay as
/// they are. It can be interrupted and repeated: it goes on where it was.
#[derive(Debug, Args)]
pub struct Move {
    /// The folder of the files, such as sqlite://./data, or each file, such as
    /// sqlite:///srv/{role}.db
    #[arg(long, value_name = "URL")]
    pub from: SqliteFiles,
    /// A database, such as postgres://user:password@host/portico, in which each
    /// service gets a schema; or the database of each, such as
    /// postgres://…/portico_{role}; by itself, those that
    /// PORTICO_…_DATABASE_URL name
    #[arg(long, value_name = "URL")]
    pub to: Option<PostgresDatabases>,
}

/// Manage accounts from this machine.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make an account
    CreateUser(CreateUser),
    /// Make a person an ADMIN
    Promote {
        /// The person's e-mail address
        #[arg(long)]
        email: String,
    },
    /// Remove a person's second factors and passkeys, and end the sessions
    ResetMfa {
        /// The person's e-mail address
        #[arg(long)]
        email: String,
    },
}

/// Make an account.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// The e-mail address
    #[arg(long)]
    pub email: String,
    /// The name shown to others
    #[arg(long)]
    pub name: String,
    /// The role in the installation
    #[arg(long, value_enum, ignore_case = true, default_value_t = Role::Member)]
    pub role: Role,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// The role in the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Role {
    /// Manages the installation and its people
    Admin,
    /// Everybody else
    Member,
}

/// Take over people from elsewhere: `email`, `name`, `role`, `emailVerified`,
/// `createdAt` and `passwordHash` of each, of which only the first two must be
/// there. Nobody is told by mail. It can be interrupted and repeated: who was
/// imported before is passed over.
#[derive(Debug, Args)]
pub struct ImportUsers {
    /// The people, a line each
    pub file: PathBuf,
    /// How they are written; by itself, as the name of the file ends
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where to write which lines were refused, and why; by itself, to standard
    /// error
    #[arg(long)]
    pub report: Option<PathBuf>,
}

/// How people are written who are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// An object a line, in JSON
    Ndjson,
    /// Values separated by commas, after a line of their names
    Csv,
}

/// Manage the keys that sign access tokens.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List them
    List,
    /// Sign with a new key from now on
    Rotate,
    /// Refuse everything that a key has signed
    Retire {
        /// The key's id
        kid: String,
    },
}

/// Print a token for calling internal RPCs by hand.
#[derive(Debug, Args)]
pub struct ServiceToken {
    /// The name of the service that the token stands for
    #[arg(long)]
    pub name: String,
    /// How long it is good for
    #[arg(long, default_value = "10m", value_parser = config::duration)]
    pub ttl: Duration,
}

/// Check the configuration and what it points to. Nothing is changed or sent.
/// The exit code is 1 if something does not work, and 0 if all does, also with
/// warnings.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The roles that are to run with this environment; by itself, those that it
    /// has a database for, and the gateway where it can reach all others
    #[arg(value_enum)]
    pub roles: Vec<settings::Role>,
    /// Print an array of JSON
    #[arg(long)]
    pub json: bool,
}

/// Bring all databases back to what a backup has, while nothing runs. The backup
/// is checked before anything is changed. PostgreSQL's databases must be empty.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder that `portico backup` made
    pub folder: PathBuf,
    /// Put files of SQLite that are there already aside, instead of refusing
    #[arg(long)]
    pub replace: bool,
}
