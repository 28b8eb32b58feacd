//! The projects service: what people share, and with whom.
//!
//! In the order of a request: [`service`] handles the RPCs, [`policy`] says who
//! may do what, [`project`], [`member`] and [`invitation`] hold the rules,
//! [`store`] keeps all three, [`people`] asks who is meant, and [`convert`]
//! speaks protobuf. What can go wrong stands in [`error`], and what goes on by
//! itself in [`upkeep`].

mod convert;
mod error;
mod invitation;
mod member;
mod people;
mod policy;
mod project;
mod service;
mod store;
mod upkeep;

use portico_chassis::{
    clock::Clock,
    database::{Database, Migrations},
    serve::App,
    upstream::Upstream,
};
use portico_proto::{
    projects::projects_service_server::ProjectsServiceServer,
    users::users_service_client::UsersServiceClient,
};
use tonic::service::Routes;

use self::{people::People, service::Service};

/// The schema of this service.
pub static MIGRATIONS: Migrations = Migrations {
    postgres: sqlx::migrate!("migrations/postgres"),
    sqlite: sqlx::migrate!("migrations/sqlite"),
};

/// The services that this one calls.
pub struct Peers {
    /// Who people are.
    pub users: UsersServiceClient<Upstream>,
}

/// Builds the service on its database, which is migrated.
#[must_use]
pub fn build(database: &Database, clock: Clock, peers: Peers) -> App {
    let store = store::open(database);
    let service = Service::new(store.clone(), People::new(peers.users), clock.clone());
    App {
        routes: Routes::new(ProjectsServiceServer::new(service)),
        background: vec![Box::new(|stop| Box::pin(upkeep::run(store, clock, stop)))],
    }
}
