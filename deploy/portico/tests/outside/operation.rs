//! What an operator does: starting, configuring, stopping, and the commands
//! beside a running installation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    Plan, Rest,
    installation::{ADMIN_EMAIL, Variables},
    program::run,
    rest::PASSWORD,
};

/// Requests in progress may take this long to end.
const GRACE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_names_the_address_and_the_setting() {
    let mut plan = Plan::in_one_process();
    let installation = plan.start().await;
    plan.set("PORTICO_ADMIN_LISTEN", "127.0.0.1:0");
    let address = plan.get("PORTICO_GATEWAY_LISTEN").to_owned();
    let (code, output) = run(&plan.variables, &[], "").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(1), "{told}");
    let line = format!(
        "portico: cannot listen on {address}; choose another address by PORTICO_GATEWAY_LISTEN"
    );
    assert!(told.contains(&line), "{told}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mistakes_are_told_at_once() {
    let variables = [
        ("PORTICO_ADMIN_LISTEN", "nowhere"),
        ("PORTICO_AUTH_URL", "auth:50062"),
        ("PORTICO_LOG_FORMAT", "xml"),
        ("PORTICO_RATE_LIMIT_USER", "many"),
        ("PORTICO_SERVICE_SECRET", "short"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (code, output) = run(&variables, &["gateway"], "").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(2), "{told}");
    let missing = [
        "PORTICO_PUBLIC_URL",
        "PORTICO_USERS_URL",
        "PORTICO_PROJECTS_URL",
    ];
    for name in variables.iter().map(|(name, _)| &**name).chain(missing) {
        assert!(told.contains(&format!("\n  {name} ")), "{name} in {told}");
    }
    assert!(!told.contains("short"), "a secret is told: {told}");
    let (code, _) = run(&[], &["no-such-command"], "").await;
    assert_eq!(code, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_and_promotes_accounts_beside_a_running_installation() {
    let plan = Plan::in_one_process();
    let installation = plan.start().await;
    let make = [
        "admin",
        "create-user",
        "--email",
        "Eve@Example.com",
        "--name",
        "Eve",
        "--password-stdin",
    ];
    let (code, output) = run(&plan.variables, &make, &format!("{PASSWORD}\n")).await;
    assert_eq!(code, Some(0), "{output:?}");
    let rest = &installation.rest;
    let eve = rest.login("eve@example.com").await;
    let me = eve.get("/api/v1/auth/me").await;
    assert_eq!(
        (&me["email"], &me["role"]),
        (&json!("Eve@Example.com"), &json!("MEMBER"))
    );
    let (code, output) = run(&plan.variables, &make, PASSWORD).await;
    assert_eq!(code, Some(1), "{output:?}");

    let promote = ["admin", "promote", "--email", "eve@example.com"];
    let (code, output) = run(&plan.variables, &promote, "").await;
    assert_eq!(code, Some(0), "{output:?}");
    let eve = rest.login("eve@example.com").await;
    assert_eq!(eve.get("/api/v1/auth/me").await["role"], "ADMIN");
    eve.all("/api/v1/users").await;
    let promote = ["admin", "promote", "--email", "nobody@example.com"];
    let (code, output) = run(&plan.variables, &promote, "").await;
    assert_eq!(code, Some(1), "{output:?}");
    installation.stop().await;
}

/// The key that signed an access token.
fn kid(rest: &Rest) -> String {
    let header = rest.token().split('.').next().expect("a header");
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a key's id").to_owned()
}

async fn keys(variables: &Variables, arguments: &[&str]) -> String {
    let (code, output) = run(variables, arguments, "").await;
    assert_eq!(code, Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_signs_within_seconds_and_no_request_fails() {
    for mut plan in [Plan::in_one_process(), Plan::as_separate_roles()] {
        if plan
            .variables
            .iter()
            .any(|(name, _)| name == "PORTICO_PROFILE")
        {
            plan.migrate().await;
        }
        plan.set("PORTICO_ACCESS_TOKEN_TTL", "1h");
        let installation = plan.start().await;
        let admin = installation.admin().await;
        let before = kid(&admin);

        let is_over = Arc::new(AtomicBool::new(false));
        let (reader, until) = (admin.clone(), is_over.clone());
        let reads = tokio::spawn(async move {
            while !until.load(Ordering::Relaxed) {
                reader.get("/api/v1/auth/me").await;
            }
        });
        let told = keys(&plan.variables, &["keys", "rotate"]).await;
        let rotated = Instant::now();
        let (after, _) = told.split_once(' ').expect("the key's id");
        assert_ne!(before, after);
        loop {
            let newer = installation.rest.login(ADMIN_EMAIL).await;
            newer.get("/api/v1/auth/me").await;
            if kid(&newer) == after {
                break;
            }
            assert!(
                rotated.elapsed() < Duration::from_secs(10),
                "the old key signs on"
            );
        }
        is_over.store(true, Ordering::Relaxed);
        reads.await.expect("no request fails");
        let listed = keys(&plan.variables, &["keys", "list"]).await;
        assert!(listed.contains(&format!("{after}  active")), "{listed}");
        assert!(listed.contains(&format!("{before}  retiring")), "{listed}");
        installation.stop().await;
    }
}

/// What each client was told it had made.
async fn make_projects(rest: Rest, client: usize) -> Vec<String> {
    let mut made = Vec::new();
    loop {
        let body = json!({"name": format!("Project {client}-{}", made.len())});
        let Ok(answer) = rest.call("POST /api/v1/projects", &[], Some(&body)).await else {
            return made;
        };
        assert_eq!(answer.status, 201, "{}", answer.body);
        made.push(
            answer.body["data"]["id"]
                .as_str()
                .expect("an id")
                .to_owned(),
        );
    }
}

/// A creation of which the server has the head and waits for the body.
async fn begin_to_make_a_project(address: &str, rest: &Rest, body: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "POST /api/v1/projects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        rest.token(),
        body.len(),
    );
    connection.write_all(head.as_bytes()).await.expect("sent");
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut answer = vec![0; go_on.len()];
    connection.read_exact(&mut answer).await.expect("answered");
    assert_eq!(answer, go_on, "{}", String::from_utf8_lossy(&answer));
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_ends_in_time_and_keeps_what_was_acknowledged() {
    let plan = Plan::in_one_process();
    let address = plan.get("PORTICO_GATEWAY_LISTEN");
    let mut installation = plan.start().await;
    let (_, ada) = installation.rest.register("ada").await;
    let clients: Vec<_> = (0..4)
        .map(|client| tokio::spawn(make_projects(ada.clone(), client)))
        .collect();
    let body = json!({"name": "In progress"}).to_string();
    let mut in_progress = begin_to_make_a_project(address, &ada, &body).await;
    while ada.all("/api/v1/projects").await.len() < 20 {}

    let stopped = Instant::now();
    let mut dev = installation.take("dev");
    dev.signal("TERM").await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    in_progress.write_all(body.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = in_progress.read_to_string(&mut answer).await;
    assert!(
        answer.starts_with("HTTP/1.1 201 "),
        "what was in progress is cut off: {read:?} {answer}"
    );
    assert!(dev.end().await.success());
    assert!(stopped.elapsed() < GRACE, "{:?}", stopped.elapsed());
    let mut acknowledged = Vec::new();
    for client in clients {
        acknowledged.extend(client.await.expect("only 201 is answered"));
    }

    let installation = plan.start().await;
    let kept: Vec<Value> = ada.all("/api/v1/projects").await;
    for id in &acknowledged {
        assert!(kept.iter().any(|kept| kept["id"] == **id), "{id} is lost");
    }
    let last = kept.iter().find(|kept| kept["name"] == "In progress");
    assert!(last.is_some_and(|last| answer.contains(last["id"].as_str().expect("an id"))));
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_sigterm_it_serves_until_others_have_heard_of_it() {
    let mut plan = Plan::in_one_process();
    plan.set("PORTICO_DRAIN", "2s");
    let mut installation = plan.start().await;
    let admin = Rest::new(&installation.admin_port("dev"));
    let (_, ada) = installation.rest.register("ada").await;
    let stopped = Instant::now();
    let mut dev = installation.take("dev");
    dev.signal("TERM").await;
    dev.until("draining", async || !admin.is_ready().await)
        .await;
    let answer = admin.call("GET /readyz", &[], None).await.expect("it runs");
    assert_eq!(
        (answer.status, answer.body),
        (503, json!("not ready: stopping\n"))
    );
    // Who has not heard of it yet comes by a connection of its own.
    let late = Rest::new(plan.http()).with_token(ada.token());
    let made = late.post("/api/v1/projects", json!({"name": "Late"})).await;
    assert_eq!(made["name"], "Late");
    assert!(dev.end().await.success());
    assert!(stopped.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_logged_changes_while_it_runs() {
    let plan = Plan::in_one_process();
    let mut installation = plan.start().await;
    let admin = reqwest::Client::new();
    let place = format!("{}/log-level", installation.admin_port("dev"));
    let set = async |level: &'static str| {
        let answer = admin.put(&place).body(level).send().await;
        let answer = answer.expect("an answer");
        (
            answer.status().as_u16(),
            answer.text().await.expect("a text"),
        )
    };
    let asked = admin.get(&place).send().await.expect("an answer");
    assert_eq!(asked.text().await.expect("a text"), "warn\n");

    let (status, told) = set("info,portico_gateway=debug").await;
    assert_eq!(status, 200, "{told}");
    installation.rest.register("ada").await;
    let dev = installation.process("dev");
    dev.line("what is logged has changed").await;
    dev.line("/api/v1/auth/register").await;

    let (status, told) = set("portico_gateway=loudly").await;
    assert_eq!(status, 400);
    assert!(told.contains("RUST_LOG"), "{told}");
    let (status, _) = set("off").await;
    assert_eq!(status, 200);
    installation.stop().await;
}
