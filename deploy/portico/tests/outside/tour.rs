//! The tour of `deploy/tour`, against both shapes of deployment.

use std::{fs, os::unix::fs::PermissionsExt as _};

use portico_chassis::serve::testing::free_address;
use tokio::process::Command;

use crate::{
    Plan, Program,
    installation::{ADMIN_EMAIL, SERVICES, Variables},
    program::{PORTICO, from_environment, in_repository, portico},
    rest::PASSWORD,
};

pub(crate) fn tour(http: &str, service_token: &str, grpc: &[(&str, &str)]) -> Command {
    let mut command = Command::new(in_repository("deploy/tour/run"));
    command
        .env("TOUR_HTTP", http)
        .env("TOUR_ADMIN_EMAIL", ADMIN_EMAIL)
        .env("TOUR_ADMIN_PASSWORD", PASSWORD)
        .env("TOUR_SERVICE_TOKEN", service_token)
        .env("TOUR_PYTHON", from_environment("PORTICO_TEST_PYTHON"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    for (role, address) in grpc {
        command.env(format!("TOUR_{}_GRPC", role.to_uppercase()), address);
    }
    command
}

pub(crate) async fn service_token(variables: &Variables) -> String {
    let mut command = portico(variables, &["service-token", "--name", "tour"]);
    Program::succeed("service-token", &mut command).await
}

/// With the limits that everybody meets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_succeeds_against_one_process() {
    let mut plan = Plan::in_one_process();
    plan.variables
        .retain(|(name, _)| !name.starts_with("PORTICO_RATE_LIMIT"));
    let installation = plan.start().await;
    let token = service_token(&plan.variables).await;
    let grpc = plan.get("PORTICO_GRPC_LISTEN");
    let mut tour = tour(plan.http(), &token, &[("auth", grpc)]);
    Program::succeed("tour", &mut tour).await;
    installation.stop().await;
}

/// `make up`, with addresses of the test's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_succeeds_against_make_up_which_starts_again_on_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    // PostgreSQL may run as another account, which must get to its own folder.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("permissions");
    let data = folder.path().join("data");
    let gateway = free_address();
    let mut variables: Variables = [
        ("PORTICO_DATA_DIR", data.to_str().expect("a path")),
        ("PORTICO_GATEWAY_LISTEN", &gateway),
        ("PORTICO_BOOTSTRAP_ADMIN_EMAIL", ADMIN_EMAIL),
        ("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let services = SERVICES.map(|role| (role, free_address()));
    for (role, address) in &services {
        let name = format!("PORTICO_{}_LISTEN", role.to_uppercase());
        variables.push((name, address.clone()));
    }
    // The admin ports are five in a row.
    let admin = std::iter::repeat_with(|| [(); 5].map(|()| free_address()))
        .find(|ports| (0..5).all(|index| port(&ports[index]) == port(&ports[0]) + index))
        .expect("one day");
    variables.push(("PORTICO_ADMIN_LISTEN".to_owned(), admin[0].clone()));
    let up = || {
        let mut command = Command::new(in_repository("deploy/up"));
        command.arg(PORTICO).envs(variables.iter().cloned());
        command
    };

    let mut first = Program::start("up", &mut up());
    first.line("Portico is ready").await;
    let secret = fs::read_to_string(data.join("secrets/service-secret")).expect("a secret");
    let secret = [
        ("PORTICO_SERVICE_SECRET".to_owned(), secret),
        (
            "PORTICO_PUBLIC_URL".to_owned(),
            "http://localhost".to_owned(),
        ),
    ];
    let token = service_token(&secret.into()).await;
    let grpc = services
        .each_ref()
        .map(|(role, address)| (*role, &**address));
    let http = format!("http://{gateway}");
    Program::succeed("tour", &mut tour(&http, &token, &grpc)).await;

    let mut second = Program::start("a second up", &mut up());
    assert_eq!(second.end().await.code(), Some(1));
    let told = second.output();
    for (name, address) in [
        ("PORTICO_GATEWAY_LISTEN", &gateway),
        ("PORTICO_USERS_LISTEN", &services[0].1),
        ("PORTICO_ADMIN_LISTEN", &admin[4]),
    ] {
        assert!(told.contains(&format!("{address} ({name})")), "{told}");
    }
    first.stop().await;

    let mut again = Program::start("up again", &mut up());
    again.line("Portico is ready").await;
    let rest = crate::Rest::new(&http).login(ADMIN_EMAIL).await;
    assert!(!rest.all("/api/v1/users?q=eve").await.is_empty());
    again.stop().await;
}

fn port(address: &str) -> usize {
    let (_, port) = address.rsplit_once(':').expect("a port");
    port.parse().expect("a number")
}
