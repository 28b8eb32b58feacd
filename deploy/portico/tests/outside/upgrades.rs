//! What an upgrade does to those who use an installation: nothing. Replicas go
//! and come one at a time, settings and keys change, and no request fails.

mod balancer;
mod gates;
mod load;
mod replicas;
mod schema;

use std::time::{Duration, Instant};

use serde_json::json;

use self::{gates::Gates, load::Load, replicas::Replicas};
use crate::{Plan, Program, Rest, crash::check, program::portico};

/// Those who are called before their callers, and the other way round.
const FORTH: [&str; 5] = ["users", "projects", "auth", "notifications", "gateway"];
const BACK: [&str; 5] = ["gateway", "notifications", "auth", "projects", "users"];

/// Whether roles are found only once they are ready, as behind a headless
/// Service of Kubernetes: a circle in which each waits for the next would never
/// come up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_come_up_in_any_order_where_only_ready_ones_are_found() {
    let mut plan = Plan::as_separate_roles();
    plan.migrate().await;
    let gates = Gates::before(&mut plan);
    for (order, one_by_one) in [(FORTH, true), (BACK, true), (FORTH, false)] {
        let mut installation = plan.lay_out();
        let _kept = gates.keep(&installation);
        for role in order {
            installation.start(role);
            let admin = Rest::new(&installation.admin_port(role));
            if one_by_one {
                let program = installation.process(role);
                program
                    .until("alive", async || admin.is_alive().await)
                    .await;
            }
        }
        installation.ready().await;
        let admin = installation.admin().await;
        admin
            .post("/api/v1/projects", json!({"name": "Apollo"}))
            .await;
        installation.stop().await;
    }
}

/// By then a new key signs, and everybody has seen tokens by it.
const ROTATED: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_every_replica_is_restarted_and_keys_rotate() {
    let mut site = Replicas::start().await;
    let mut load = Load::begin(&site).await;
    load.goes_on().await;

    for replica in 0..site.count() {
        site.restart(replica).await;
        load.goes_on().await;
    }
    for level in ["info,portico_gateway=debug", "warn"] {
        site.log(level).await;
        load.goes_on().await;
    }
    let mut rotate = portico(&site.plan.variables, &["keys", "rotate"]);
    Program::succeed("rotate", &mut rotate).await;
    let rotated = Instant::now();
    while rotated.elapsed() < ROTATED {
        load.goes_on().await;
    }

    load.end().await;
    site.stop().await;
    check::nothing_is_half_made(&site.plan).await;
}
