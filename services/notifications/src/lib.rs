//! The notifications service: the mails that an installation sends.
//!
//! In the order of a mail: [`followed`] hears from the other services what
//! happened, [`mail`] says what a mail is about, and [`job`] how far it has come;
//! [`store`] keeps the jobs until [`dispatch`] takes them. A mail gets its words
//! from [`content`], in which what people chose stands as [`words`], and the token
//! of its link from the [`minter`], is written out by [`letter`], and leaves by a [`delivery`]. [`service`] handles the RPCs
//! by which administrators look after it, [`convert`] speaks protobuf, and what
//! can go wrong stands in [`error`]. What goes on beside is in [`upkeep`].

mod config;
mod content;
mod convert;
mod delivery;
mod dispatch;
mod error;
mod export;
mod followed;
mod job;
mod letter;
mod mail;
mod minter;
mod service;
mod store;
mod upkeep;
mod words;

use std::sync::Arc;

use portico_chassis::{
    clock::Clock,
    database::{Database, Migrations},
    finding::Finding,
    serve::App,
    telemetry::Metrics,
};
use portico_proto::{
    notifications::notifications_service_server::NotificationsServiceServer,
    privacy::privacy_service_server::PrivacyServiceServer,
};
use tokio::sync::{Notify, OnceCell};
use tonic::service::Routes;

pub use self::{
    config::{Config, Outlet, SmtpServer},
    followed::Peers,
};
use self::{
    delivery::Delivery,
    dispatch::{Dispatcher, Pace},
    export::Exports,
    followed::Followed,
    minter::Minter,
    service::Service,
};

/// The schema of this service.
pub static MIGRATIONS: Migrations = Migrations {
    postgres: sqlx::migrate!("migrations/postgres"),
    sqlite: sqlx::migrate!("migrations/sqlite"),
};

/// Whether mails can go where they should. Sends none.
pub async fn examine_delivery(config: &Config) -> Finding {
    match Delivery::new(config) {
        Ok(delivery) => delivery.examine().await,
        Err(error) => Finding::failure(format!(
            "the certificates by which a mail server is known cannot be read: {error:#}"
        )),
    }
}

/// Builds the service on its database, which is migrated.
///
/// # Errors
///
/// If the certificates by which a mail server is known cannot be read.
pub fn build(
    config: &Config,
    database: &Database,
    clock: Clock,
    peers: Peers,
    metrics: Arc<Metrics>,
) -> anyhow::Result<App> {
    let store = store::open(database);
    let bell = Arc::new(Notify::new());
    let service = Service {
        store: store.clone(),
        bell: bell.clone(),
        clock: clock.clone(),
    };
    let exports = Exports {
        store: store.clone(),
        peers: peers.clone(),
        clock: clock.clone(),
    };
    let minter = Minter {
        links: peers.links.clone(),
    };
    let followed = Followed {
        store: store.clone(),
        peers,
        bell: bell.clone(),
        clock: clock.clone(),
        first_start: OnceCell::new(),
        metrics: metrics.clone(),
    };
    let dispatcher = Arc::new(Dispatcher {
        store,
        minter,
        delivery: Delivery::new(config)?,
        bell,
        public_url: config.public_url.clone(),
        from: config.from.to_string(),
        clock,
        metrics,
        pace: Pace::default(),
    });
    let (kept_up, database) = (dispatcher.clone(), database.clone());
    Ok(App {
        routes: Routes::new(NotificationsServiceServer::new(service))
            .add_service(PrivacyServiceServer::new(exports)),
        background: vec![
            Box::new(|stop| Box::pin(followed.run(database, stop))),
            Box::new(|stop| Box::pin(dispatcher.run(stop))),
            Box::new(|stop| Box::pin(upkeep::run(kept_up, stop))),
        ],
    })
}
