//! The projects service: what people share, and with whom.
//!
//! In the order of a request: [`service`] handles the RPCs, [`policy`] says who
//! may do what, [`project`], [`member`] and [`invitation`] hold the rules,
//! [`store`] keeps all three, [`people`] asks who is meant, [`convert`] speaks
//! protobuf, and [`events`] says what changes are about. What can go wrong
//! stands in [`error`], and what goes on by itself in [`upkeep`] and
//! [`followed`].

mod convert;
mod error;
mod events;
mod followed;
mod invitation;
mod member;
mod people;
mod policy;
mod project;
mod service;
mod store;
mod upkeep;

use std::sync::Arc;

use portico_chassis::{
    clock::Clock,
    database::{Database, Migrations, searches},
    outbox::Outbox,
    serve::App,
    telemetry::Metrics,
    upstream::Upstream,
};
use portico_proto::{
    projects::projects_service_server::ProjectsServiceServer,
    users::users_service_client::UsersServiceClient,
};
use tonic::service::Routes;

use self::{followed::Followed, people::People, service::Service};

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
pub fn build(
    database: &Database,
    outbox: Outbox,
    clock: Clock,
    peers: Peers,
    metrics: &Metrics,
) -> App {
    let store = store::open(database);
    let people = Arc::new(People::new(peers.users));
    let service = Service::new(store.clone(), people.clone(), outbox.clone(), clock.clone());
    let followed = Followed {
        store: store.clone(),
        people,
        clock: clock.clone(),
        lag: metrics.event_lag("projects", "users", clock.clone()),
    };
    let [followed_on, searched] = [(); 2].map(|()| database.clone());
    App {
        routes: Routes::new(ProjectsServiceServer::new(service)),
        background: vec![
            Box::new(|stop| Box::pin(followed.run(followed_on, stop))),
            Box::new(|stop| Box::pin(outbox.run(stop))),
            Box::new(|stop| Box::pin(upkeep::run(store, clock, stop))),
            Box::new(|stop| Box::pin(searches::keep_index(searched, "projects", stop))),
        ],
    }
}
