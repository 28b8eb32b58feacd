//! `kill -9` in the middle of a write load: what was acknowledged is there,
//! what was not can be repeated, and nothing is half made.

pub(crate) mod check;
pub(crate) mod cluster;
mod load;

use std::time::Duration;

use portico_chassis::clock::fill_random;

use self::{cluster::Cluster, load::Load};
use crate::{Installation, Plan, installation::SERVICES};

/// What dies in a round.
#[derive(Clone, Copy)]
enum Victim {
    /// These processes of the installation.
    Roles(&'static [&'static str]),
    /// PostgreSQL, under them.
    Postgres,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_on_sqlite_survives_its_sudden_death() {
    let plan = Plan::in_one_process();
    survives(&plan, None, &[Victim::Roles(&["dev"]); 5]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn separate_roles_on_postgresql_survive_the_sudden_death_of_any() {
    let (plan, cluster) = on_postgresql().await;
    let rounds = [
        Victim::Roles(&["gateway", "auth", "projects", "users"]),
        Victim::Roles(&["users"]),
        Victim::Roles(&["auth"]),
        Victim::Roles(&["projects"]),
        Victim::Roles(&["users", "auth", "projects"]),
    ];
    survives(&plan, Some(&cluster), &rounds).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn separate_roles_survive_the_sudden_death_of_postgresql() {
    let (plan, cluster) = on_postgresql().await;
    survives(&plan, Some(&cluster), &[Victim::Postgres; 3]).await;
    cluster.stop().await;
}

async fn on_postgresql() -> (Plan, Cluster) {
    let cluster = Cluster::start().await;
    let mut plan = Plan::as_separate_roles();
    for role in SERVICES {
        let url = cluster.make_database(role).await;
        plan.set(
            &format!("PORTICO_{}_DATABASE_URL", role.to_uppercase()),
            &url,
        );
    }
    plan.migrate().await;
    (plan, cluster)
}

async fn survives(plan: &Plan, cluster: Option<&Cluster>, rounds: &[Victim]) {
    let mut installation = plan.start().await;
    let mut load = Load::prepare(&installation).await;
    for victim in rounds {
        let clients = load.begin();
        // At a random moment while the load is under way.
        clients.acknowledged(10 + random() % 30).await;
        tokio::time::sleep(Duration::from_micros(random() % 20_000)).await;
        match victim {
            Victim::Roles(roles) => die(&mut installation, roles).await,
            Victim::Postgres => cluster.expect("it runs on one").crash().await,
        }
        installation.ready().await;
        load.end(clients).await;
        load.settle().await;
    }
    load.everything_is_as_it_was_answered(&installation.admin().await)
        .await;
    installation.stop().await;
    check::nothing_is_half_made(plan).await;
}

/// Kills these processes and starts them again.
async fn die(installation: &mut Installation, roles: &[&'static str]) {
    for role in roles {
        installation.take(role).kill().await;
    }
    for role in roles {
        installation.start(role);
    }
}

fn random() -> u64 {
    let mut random = [0; 2];
    fill_random(&mut random);
    u64::from(u16::from_le_bytes(random))
}
