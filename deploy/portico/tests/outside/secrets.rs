//! Secrets stay where they belong: after a whole scenario none of those that it
//! saw is in what the programs print (their log at its finest level), in an
//! error's body, in the audit log, in an event, in a span that was exported, in
//! the metrics, or in a database, where they are hashed or encrypted (ASVS 5.0,
//! 16.2.5). Mails carry links by design and are not looked at.

mod collector;
mod places;
mod scenario;

use portico_chassis::database::{DatabaseUrl, testing};
use serde_json::json;

use self::{
    collector::Collector,
    places::Mails,
    scenario::{Seen, random_secret},
};
use crate::{Installation, Plan, Rest, mails::server::Server, program::run};

/// Every line that a program and its libraries can log.
const EVERYTHING: &str = "trace";
/// Every line of the programs' own. Those of the libraries that carry spans away
/// make spans themselves, of which several processes never come to an end.
const ALL_OF_OURS: &str = "info,portico=trace,portico_chassis=trace,portico_gateway=trace,\
    portico_auth=trace,portico_users=trace,portico_projects=trace,portico_notifications=trace";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_on_sqlite_leaves_no_secret_where_it_does_not_belong() {
    let mut plan = Plan::in_one_process();
    plan.set("RUST_LOG", EVERYTHING);
    let mailbox = plan.folder.path().join("data/mailbox");
    leaves_no_secret(plan, Mails::Folder(mailbox), &["dev"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn separate_roles_on_postgresql_leave_no_secret_where_it_does_not_belong() {
    let mut plan = Plan::as_separate_roles();
    plan.set("RUST_LOG", ALL_OF_OURS);
    let mut mails = Server::start(&[]);
    let address = mails.address().await;
    plan.set("PORTICO_SMTP_URL", &format!("smtp://{address}"));
    let mut databases = Vec::new();
    for (service, migrations) in [
        ("USERS", &portico_users::MIGRATIONS),
        ("AUTH", &portico_auth::MIGRATIONS),
        ("PROJECTS", &portico_projects::MIGRATIONS),
        ("NOTIFICATIONS", &portico_notifications::MIGRATIONS),
    ] {
        let database = testing::postgres(migrations).await;
        let DatabaseUrl::Postgres(url) = &database.url else {
            panic!("a PostgreSQL database");
        };
        plan.set(&format!("PORTICO_{service}_DATABASE_URL"), url);
        databases.push(database);
    }
    let processes = ["gateway", "notifications", "auth", "projects", "users"];
    leaves_no_secret(plan, Mails::Server(Box::new(mails)), &processes).await;
    for database in databases {
        database.close().await;
    }
}

async fn leaves_no_secret(mut plan: Plan, mails: Mails, processes: &[&'static str]) {
    let mut seen = Seen::new();
    for name in ["PORTICO_MASTER_KEY", "PORTICO_SERVICE_SECRET"] {
        plan.set(name, &seen.note(name, &random_secret()));
    }
    let collector = Collector::start();
    plan.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    plan.set("PORTICO_LOG_FORMAT", "json");
    let mut installation = plan.start().await;
    let rest = installation.rest.clone();
    let person = scenario::a_person(&mut seen, &rest, &mails).await;
    let admin = scenario::an_administrator(&mut seen, &rest, &mails, &person).await;
    look_at_what_is_told(&mut seen, &plan, &installation, &rest, &admin, processes).await;

    let mut kept = Vec::new();
    for (place, bytes) in places::databases(&plan).await {
        seen.look_through(&place, &bytes);
        kept.extend(bytes);
    }
    is_found(&kept, "ada@example.com", "the databases");
    for name in processes {
        let mut program = installation.take(name);
        program.signal("TERM").await;
        assert!(program.end().await.success());
        let log = program.output();
        is_found(log.as_bytes(), "\"level\"", "the log");
        seen.look_through(&format!("the log of {name}"), log.as_bytes());
    }
    // The last spans leave a process at its end.
    let names = collector.names();
    for name in [
        "POST /api/v1/auth/login",
        "portico.auth.v1.AuthService/Login",
    ] {
        let is_there = names.contains(name);
        assert!(is_there, "no span {name} among {names:?}");
    }
    seen.look_through("the traces", &collector.bytes());
}

/// What is no secret is found, so that secrets would be as well.
fn is_found(bytes: &[u8], text: &str, place: &str) {
    let found = memchr::memmem::find(bytes, text.as_bytes());
    assert!(found.is_some(), "{text} is not in {place}");
}

/// Looks through what callers are told.
async fn look_at_what_is_told(
    seen: &mut Seen,
    plan: &Plan,
    installation: &Installation,
    rest: &Rest,
    admin: &Rest,
    processes: &[&'static str],
) {
    let line = "GET /api/v1/audit-log/export";
    let exported = admin.call(line, &[], None).await.expect("an answer");
    assert_eq!(exported.status, 200);
    let exported = exported.body.to_string();
    is_found(
        exported.as_bytes(),
        "impersonation.started",
        "the audit log",
    );
    seen.look_through("the audit log", exported.as_bytes());
    for error in &seen.errors {
        seen.look_through(error, error.as_bytes());
    }
    for name in processes {
        let metrics = Rest::new(&installation.admin_port(name));
        let metrics = metrics.call("GET /metrics", &[], None).await;
        let metrics = metrics.expect("metrics").body.to_string();
        seen.look_through("the metrics", metrics.as_bytes());
    }
    // Whoever comes last marks the end of what is looked for.
    let (omega, omega_rest) = rest.register("omega").await;
    let project = omega_rest.post("/api/v1/projects", json!({"name": "Omega"}));
    let project = project.await;
    let arguments = ["service-token", "--name", "watcher", "--ttl", "10m"];
    let (code, printed) = run(&plan.variables, &arguments, "").await;
    assert_eq!(code, Some(0));
    let token = String::from_utf8(printed.stdout).expect("text");
    let token = seen.note("a service's token", token.trim());
    let id = |thing: &serde_json::Value| thing["id"].as_str().expect("an id").to_owned();
    let address = |service: &str| plan.grpc(service);
    for (place, bytes) in places::events(address, &token, &id(&omega), &id(&project)).await {
        is_found(&bytes, &person_or_project(place), place);
        seen.look_through(place, &bytes);
    }
}

/// A kind of event that each service has told of.
fn person_or_project(place: &str) -> String {
    let kind = match place {
        "the events of users" => "user.updated",
        "the events of auth" => "impersonation.started",
        _ => "project.created",
    };
    kind.to_owned()
}
