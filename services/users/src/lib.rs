//! The users service: who is there, and in which role.
//!
//! In the order of a request: [`service`] handles the RPCs, [`policy`] says who
//! may do what, [`user`] holds the rules, [`store`] keeps the people,
//! [`convert`] speaks protobuf, and [`events`] says what changes are about. What
//! can go wrong stands in [`error`], and what goes on beside in [`upkeep`].

mod convert;
mod error;
mod events;
mod policy;
mod service;
mod store;
mod upkeep;
mod user;

use portico_chassis::{
    clock::Clock,
    database::{Database, Migrations, searches},
    outbox::Outbox,
    serve::App,
};
use portico_proto::users::users_service_server::UsersServiceServer;
use tonic::service::Routes;

use self::service::Service;

/// The schema of this service.
pub static MIGRATIONS: Migrations = Migrations {
    postgres: sqlx::migrate!("migrations/postgres"),
    sqlite: sqlx::migrate!("migrations/sqlite"),
};

/// Builds the service on its database, which is migrated.
#[must_use]
pub fn build(database: &Database, outbox: Outbox, clock: Clock) -> App {
    let store = store::open(database);
    let service = Service::new(store.clone(), outbox.clone(), clock.clone());
    let searched = database.clone();
    App {
        routes: Routes::new(UsersServiceServer::new(service)),
        background: vec![
            Box::new(|stop| Box::pin(outbox.run(stop))),
            Box::new(|stop| Box::pin(upkeep::run(store, clock, stop))),
            Box::new(|stop| Box::pin(searches::keep_index(searched, "users", stop))),
        ],
    }
}
