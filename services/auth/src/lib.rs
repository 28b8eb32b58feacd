//! The auth service: credentials, sign-in, sessions and access tokens.
//!
//! In the order of a request: [`service`] and [`tokens_service`] handle the
//! RPCs, [`policy`] says who may do what, [`admission`] opens sessions, [`accounts`]
//! and [`deletion`] drive what spans services ([`peers`]), [`audit`] lists what all of them keep of who
//! did what, [`tokens`] issues access tokens, [`exchange`] does so for API keys, and
//! [`revocation`] tells of those that no longer count; [`upkeep`] and [`people`]
//! go on beside. The rules stand in [`session`], [`password`], [`api_key`], [`impersonation`],
//! [`key`] and [`ticket`], what is secret at rest is protected by [`secret`], [`store`] keeps all of it, and
//! [`convert`] speaks protobuf, and [`events`] says what changes are about.
//! What can go wrong stands in [`error`]; what an operator should know of the keys
//! is told by [`examine`].
//!
//! Other services need the tokens to check their callers, and this service
//! needs other services, so it is built in two steps: [`build_tokens`] calls
//! nobody, [`build`] comes after its peers.

mod accounts;
mod admission;
mod answers;
mod api_key;
mod attempts;
mod audit;
mod challenge;
mod config;
mod convert;
mod deletion;
mod device;
mod error;
mod events;
mod examine;
mod exchange;
mod factors;
mod history;
mod impersonation;
mod import;
mod key;
mod link;
mod link_request;
mod links;
mod passkey;
mod password;
mod peers;
mod people;
mod policy;
mod recovery;
mod revocation;
mod secret;
mod service;
mod session;
mod store;
mod throttle;
mod ticket;
mod tokens;
mod tokens_service;
mod totp;
mod upkeep;

use anyhow::Context as _;
use portico_chassis::{
    clock::Clock,
    database::{Database, Migrations},
    serve::App,
};
use portico_proto::auth::{
    account_data_service_server::AccountDataServiceServer,
    api_keys_service_server::ApiKeysServiceServer, auth_service_server::AuthServiceServer,
    factors_service_server::FactorsServiceServer, links_service_server::LinksServiceServer,
    passwords_service_server::PasswordsServiceServer,
    service_accounts_service_server::ServiceAccountsServiceServer,
    support_service_server::SupportServiceServer, tokens_service_server::TokensServiceServer,
};
use tonic::service::Routes;

pub use self::{
    accounts::{Accounts, NewAccount},
    config::{Config, FirstAdmin},
    examine::{examine_breached_passwords, examine_keys},
    import::{Imported, Newcomer},
    key::KeyState,
    password::Cost,
    peers::Peers,
    secret::MasterKey,
    tokens::{KeyInfo, Tokens},
};

/// The schema of this service.
pub static MIGRATIONS: Migrations = Migrations {
    postgres: sqlx::migrate!("migrations/postgres"),
    sqlite: sqlx::migrate!("migrations/sqlite"),
};

/// Builds what issues tokens, on the service's database, which is migrated;
/// makes the first signing key.
///
/// # Errors
///
/// If the database does not answer, or its keys are sealed with another master
/// key.
pub async fn build_tokens(
    config: &Config,
    database: &Database,
    clock: Clock,
) -> anyhow::Result<(Tokens, App)> {
    let store = store::open(database, config.access_token_ttl);
    let tokens = Tokens::new(config, store, clock);
    tokens
        .upkeep()
        .await
        .context("the signing keys cannot be read")?;
    let app = App {
        routes: Routes::new(TokensServiceServer::new(tokens.clone())),
        background: vec![Box::new({
            let tokens = tokens.clone();
            |stop| Box::pin(tokens.run(stop))
        })],
    };
    Ok((tokens, app))
}

/// Builds the rest of the service.
#[must_use]
pub fn build(accounts: &Accounts) -> App {
    let [upkeep, follower, answers] = [(); 3].map(|()| accounts.clone());
    let outbox = accounts.0.outbox.clone();
    App {
        routes: Routes::new(AuthServiceServer::new(accounts.clone()))
            .add_service(ApiKeysServiceServer::new(accounts.clone()))
            .add_service(FactorsServiceServer::new(accounts.clone()))
            .add_service(LinksServiceServer::new(accounts.clone()))
            .add_service(PasswordsServiceServer::new(accounts.clone()))
            .add_service(ServiceAccountsServiceServer::new(accounts.clone()))
            .add_service(SupportServiceServer::new(accounts.clone()))
            .add_service(AccountDataServiceServer::new(accounts.clone())),
        background: vec![
            Box::new(|stop| Box::pin(upkeep.run(stop))),
            Box::new(|stop| Box::pin(follower.follow_people(stop))),
            Box::new(|stop| Box::pin(answers.answer_requests(stop))),
            Box::new(|stop| Box::pin(outbox.run(stop))),
        ],
    }
}
