//! Roles that know each other by certificates, what becomes of those who are
//! not known, and certificates that are exchanged while everything runs.

mod client;
mod reload;
mod settings;

use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::net::TcpStream;

use self::client::Client;
use crate::{
    Installation, Plan, Program, Rest,
    certificates::{Authority, Mounted, Signed},
    installation::SERVICES,
    program::{portico, run},
    tour::{service_token, tour},
};

/// What all processes of an installation are called here.
const NAME: &str = "localhost";

/// All but what a role says again and again that lacks those whom it calls.
const LOGGED: &str = "info,portico_chassis::status=off,portico::platform=off";

/// Separate roles that show certificates, and where those are.
struct Secured {
    plan: Plan,
    mounted: Mounted,
    _folder: TempDir,
}

impl Secured {
    /// All by one certificate, and by this authority.
    async fn by(authority: &Authority) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Mounted::new(folder.path(), &authority.sign(NAME), &authority.pem);
        let mut plan = Plan::as_separate_roles();
        for (name, path) in mounted.settings() {
            plan.set(name, &path);
        }
        for role in SERVICES {
            let role = role.to_uppercase();
            let address = plan.get(&format!("PORTICO_{role}_LISTEN")).to_owned();
            let (_, port) = address.rsplit_once(':').expect("a port");
            plan.set(
                &format!("PORTICO_{role}_URL"),
                &format!("https://{NAME}:{port}"),
            );
        }
        plan.migrate().await;
        Self {
            plan,
            mounted,
            _folder: folder,
        }
    }

    /// Another process of a role, with what it has otherwise.
    fn start(&self, role: &str, otherwise: &[(&str, String)]) -> Program {
        let mut command = portico(&self.plan.variables, &[role]);
        command.envs(otherwise.iter().map(|(name, value)| (name, value)));
        Program::start(role, &mut command)
    }

    /// A service alone, which answers gRPC though it lacks those that it calls.
    async fn start_users(&mut self) -> Program {
        self.plan.set("RUST_LOG", LOGGED);
        let mut users = self.start(
            "users",
            &[("PORTICO_ADMIN_LISTEN", "127.0.0.1:0".to_owned())],
        );
        users.line("serving gRPC").await;
        users
    }
}

/// A metric of a process.
async fn metric(installation: &Installation, process: &str, name: &str) -> Option<i64> {
    let admin = Rest::new(&installation.admin_port(process));
    let answer = admin.call("GET /metrics", &[], None).await;
    let text = answer.expect("an answer").body;
    let mut lines = text.as_str().expect("text").lines();
    lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_call_each_other_by_certificates() {
    let authority = Authority::make("ours");
    let secured = Secured::by(&authority).await;
    let installation = secured.plan.start().await;
    let (_, ada) = installation.rest.register("ada").await;
    let project = ada
        .post("/api/v1/projects", serde_json::json!({"name": "Apollo"}))
        .await;
    // A client from outside, as it may be a program that has a certificate.
    let address = secured.plan.get("PORTICO_PROJECTS_LISTEN");
    let client = Client::new(&authority.pem, Some(&authority.sign("billing")));
    let channel = client.connect(address).await.expect("trusted");
    let found = client::project(channel, ada.token(), "apollo").await;
    assert_eq!(found.expect("an answer").id, project["id"]);
    client
        .handshake_by(address, &TLS12, &[b"h2"])
        .await
        .expect("by TLS 1.2");
    // A certificate says nothing of who may do what.
    let channel = client.connect(address).await.expect("trusted");
    let denied = client::project(channel, "", "apollo")
        .await
        .expect_err("nobody");
    assert_eq!(denied.code(), tonic::Code::Unauthenticated);
    for process in ["users", "gateway"] {
        for (certificate, least) in [("own", 23 * 3600), ("authority", 24 * 3600)] {
            let name = format!("portico_tls_expiry_seconds{{certificate=\"{certificate}\"}}");
            let seconds = metric(&installation, process, &name).await;
            assert!(
                seconds.is_some_and(|seconds| seconds > least),
                "{name}: {seconds:?}"
            );
        }
    }
    installation.stop().await;
}

/// gRPC's own implementation, which checks certificates by BoringSSL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_clients_connect_by_certificates() {
    let authority = Authority::make("ours");
    let mut secured = Secured::by(&authority).await;
    secured.plan.set("PORTICO_AUTH_THROTTLE", "on");
    let installation = secured.plan.start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let billing = Mounted::new(folder.path(), &authority.sign("billing"), &authority.pem);
    let token = service_token(&secured.plan.variables).await;
    let addresses = SERVICES.map(|role| {
        let name = format!("PORTICO_{}_URL", role.to_uppercase());
        let address = secured.plan.get(&name).trim_start_matches("https://");
        (role, address)
    });
    let mut tour = tour(secured.plan.http(), &token, &addresses);
    for (name, file) in [("CERT", "tls.crt"), ("KEY", "tls.key"), ("CA", "ca.crt")] {
        tour.env(format!("TOUR_TLS_{name}"), billing.path(file));
    }
    Program::succeed("tour", &mut tour).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_certificate_of_ours_is_refused_with_a_reason() {
    let (ours, others) = (Authority::make("ours"), Authority::make("others"));
    let mut secured = Secured::by(&ours).await;
    let mut users = secured.start_users().await;
    let address = secured.plan.get("PORTICO_USERS_LISTEN").to_owned();
    let cases: [(Option<Signed>, &str, &str); 4] = [
        (None, "no certificate", "it shows no certificate"),
        (
            Some(others.sign("billing")),
            "another authority's",
            "its certificate is by no authority that is trusted here",
        ),
        (
            Some(ours.sign_late("billing")),
            "an expired one",
            "its certificate has expired",
        ),
        (Some(ours.sign("billing")), "one of ours", ""),
    ];
    for (shown, what, reason) in cases {
        let client = Client::new(&ours.pem, shown.as_ref());
        let asked = client.health(&address).await;
        assert_eq!(asked.is_ok(), reason.is_empty(), "{what}: {asked:?}");
        if !reason.is_empty() {
            let line = users.line(reason).await;
            assert!(line.contains("refused a connection"), "{line}");
        }
    }
    let plain = client::plain(&address).await;
    assert!(plain.is_err(), "{plain:?}");
    users.line("it does not speak TLS").await;
    // TLS with all that it takes, for another protocol.
    let http = Client::new(&ours.pem, Some(&ours.sign("billing")));
    let other = http.handshake_by(&address, &TLS13, &[b"http/1.1"]).await;
    assert!(other.is_err(), "{other:?}");
    let unsaid = http.handshake_by(&address, &TLS13, &[]).await;
    assert!(unsaid.is_err(), "{unsaid:?}");
    users.line("it does not offer HTTP/2").await;
    // Who says nothing, before or after the handshake, keeps nobody from stopping.
    let _silent = TcpStream::connect(&address).await.expect("it listens");
    let _shown = http
        .begin(&address, &TLS13, &[b"h2"])
        .await
        .expect("trusted");
    users.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_calls_nobody_who_is_not_the_one() {
    let (ours, others) = (Authority::make("ours"), Authority::make("others"));
    let mut secured = Secured::by(&ours).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    for (shown, reason) in [
        (
            ours.sign("users.example.com"),
            "not valid for name \"localhost\"",
        ),
        (
            others.sign(NAME),
            "its certificate is by no authority that is trusted here",
        ),
    ] {
        // It takes those of ours, so that only the caller can refuse.
        let mounted = Mounted::new(elsewhere.path(), &shown, &ours.pem);
        let mut otherwise = mounted.settings().to_vec();
        otherwise.push(("PORTICO_ADMIN_LISTEN", "127.0.0.1:0".to_owned()));
        secured.plan.set("RUST_LOG", LOGGED);
        let mut users = secured.start("users", &otherwise);
        users.line("serving gRPC").await;
        let mut gateway = secured.start(
            "gateway",
            &[("PORTICO_ADMIN_LISTEN", "127.0.0.1:0".to_owned())],
        );
        gateway.line("serving HTTP").await;
        let line = gateway.line("cannot connect").await;
        assert!(line.contains(reason), "{line}");
        let ready = Rest::new(secured.plan.http())
            .call("GET /readyz", &[], None)
            .await;
        let ready = ready.expect("an answer");
        assert!(
            ready
                .body
                .as_str()
                .is_some_and(|text| text.contains("users")),
            "{ready:?}"
        );
        let (_, output) = run(&secured.plan.variables, &["doctor", "gateway"], "").await;
        let told = String::from_utf8_lossy(&output.stdout);
        let row = told.lines().find(|line| line.contains("by TLS"));
        assert!(row.is_some_and(|row| row.contains(reason)), "{told}");
        gateway.stop().await;
        users.stop().await;
    }
}
