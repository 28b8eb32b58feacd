//! What any process of Portico needs, whichever role it runs. Nothing here
//! knows a domain, or of the contracts more than the form of events and the
//! policies of methods: a module
//! belongs here only if two processes need it, and it is named for what it does.
//!
//! In the order of a request: [`serve`] accepts it, [`guard`] finds out who
//! calls ([`caller`], [`token`]) and whether they may, a service handles it
//! with [`page`], [`etag`], [`idempotency`], [`outbox`] over [`database`], and
//! whatever goes wrong leaves as a [`status`]. Other services are reached by
//! an [`upstream`], and their events followed by a [`consumer`]; mails that no
//! server takes wait in a [`mailbox`]. What an [`email_address`] is, all of them
//! see alike. How a part of an installation is, its operator is told by a
//! [`finding`].

pub mod caller;
pub mod clock;
pub mod config;
pub mod consumer;
pub mod database;
pub mod email_address;
pub mod etag;
pub mod finding;
pub mod guard;
pub mod idempotency;
pub mod mailbox;
pub mod outbox;
pub mod page;
pub mod serve;
pub mod status;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod upstream;
