//! What a collector that is not ours is told of a request (OTLP).

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    Plan, Program, Rest,
    program::{from_environment, in_repository},
    rest::PASSWORD,
};

/// A trace that a browser began, and its span there.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const BROWSER: &str = "b7ad6b7169203331";

/// `SpanKind` of OTLP.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;

/// The spans of a trace by their ids.
type Spans = HashMap<String, Value>;

struct Collector(Program);

impl Collector {
    fn start() -> Self {
        let script = in_repository("deploy/portico/tests/outside/trace_collector.py");
        let mut command = Command::new(from_environment("PORTICO_TEST_PYTHON"));
        Self(Program::start("collector", command.arg(script)))
    }

    async fn address(&mut self) -> String {
        let line = self.0.line("listening").await;
        let told: Value = serde_json::from_str(&line).expect("JSON");
        format!("http://{}", told["listening"].as_str().expect("an address"))
    }

    fn spans(&self) -> Vec<Value> {
        let output = self.0.output();
        let told = output
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        told.filter(|span: &Value| span["trace"].is_string())
            .collect()
    }

    /// The spans of the browser's trace.
    fn trace(&self) -> Spans {
        let spans = self.spans().into_iter();
        let of_trace = spans.filter(|span| span["trace"] == TRACE);
        of_trace
            .map(|span| (text(&span["id"]).to_owned(), span))
            .collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The processes that a span was reached through, from the browser on.
fn way<'a>(spans: &'a Spans, span: &'a Value) -> Vec<&'a str> {
    let mut way = vec![text(&span["process"])];
    let mut parent = text(&span["parent"]);
    while parent != BROWSER {
        let above = &spans[parent];
        way.insert(0, text(&above["process"]));
        parent = text(&above["parent"]);
    }
    way.dedup();
    way
}

/// Ada registers in a browser's trace, and is sent a mail.
async fn register(rest: &Rest) {
    register_in(&format!("00-{TRACE}-{BROWSER}-01"), "ada.lovelace", rest).await;
}

async fn register_in(traceparent: &str, name: &str, rest: &Rest) {
    let body = json!({
        "email": format!("{name}@example.com"),
        "password": PASSWORD,
        "name": "Ada Lovelace",
    });
    let headers = [("traceparent", traceparent)];
    let answer = rest
        .call("POST /api/v1/auth/register", &headers, Some(&body))
        .await;
    assert_eq!(answer.expect("an answer").status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_browser_to_the_statements_and_the_mail() {
    let mut collector = Collector::start();
    let mut plan = Plan::as_separate_roles();
    plan.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address().await);
    plan.set("OTEL_BSP_SCHEDULE_DELAY", "100");
    plan.migrate().await;
    let installation = plan.start().await;
    register(&installation.rest).await;
    // Nobody takes the mail; that it was tried is told nevertheless.
    collector.0.line("\"name\": \"mail\"").await;
    installation.stop().await;

    let spans = collector.trace();
    let named = |name: &str| {
        let found = spans.values().find(|span| span["name"] == name);
        found.unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"))
    };
    // The browser → the gateway → the services.
    let request = named("POST /api/v1/auth/register");
    assert_eq!(request["parent"], BROWSER);
    assert_eq!(request["kind"], SERVER);
    assert_eq!(way(&spans, request), ["portico-gateway"]);
    let register = named("portico.auth.v1.AuthService/Register");
    assert_eq!(way(&spans, register), ["portico-gateway", "portico-auth"]);
    let create = named("portico.users.v1.UsersService/CreateUser");
    let through_auth = ["portico-gateway", "portico-auth", "portico-users"];
    assert_eq!(way(&spans, create), through_auth);
    // → the database.
    let written = named("create");
    assert_eq!(written["kind"], CLIENT);
    assert_eq!(written["attributes"]["db.system.name"], "sqlite");
    assert_eq!(way(&spans, written), through_auth);
    // → by the outbox to who follows it, and by the queue to the mail server.
    let followed = named("process user.created");
    assert_eq!(way(&spans, followed).last(), Some(&"portico-notifications"));
    let mail = named("mail");
    assert_eq!(way(&spans, mail).last(), Some(&"portico-notifications"));
    for later in [followed, mail] {
        assert_eq!(later["links"], json!([later["parent"]]), "{later:#}");
    }

    // Ids, and nothing else of a person.
    let all = collector.spans();
    let processes: HashSet<&str> = all.iter().map(|span| text(&span["process"])).collect();
    assert!(processes.len() >= 4, "{processes:?}");
    let alone = |span: &&Value| span["kind"] == CLIENT && span["parent"] == "";
    assert_eq!(
        all.iter().find(alone),
        None,
        "a statement that nobody asked for"
    );
    let told = serde_json::to_string(&all).expect("JSON").to_lowercase();
    for personal in ["lovelace", "example.com", PASSWORD, "127.0.0.1"] {
        assert!(!told.contains(personal), "{personal} is told to collectors");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_trace_that_nobody_wants_nothing_is_told() {
    let mut collector = Collector::start();
    let mut plan = Plan::as_separate_roles();
    plan.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address().await);
    plan.set("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    plan.set("OTEL_TRACES_SAMPLER_ARG", "0");
    plan.migrate().await;
    let installation = plan.start().await;
    // One that begins here, one that its client does not want, and one that it does.
    installation.rest.register("bob").await;
    let unwanted = format!("00-{}-{BROWSER}-00", TRACE.replace('0', "1"));
    register_in(&unwanted, "eve", &installation.rest).await;
    register(&installation.rest).await;
    collector.0.line("\"name\": \"mail\"").await;
    installation.stop().await;

    for role in ["gateway", "auth", "users", "notifications"] {
        collector.0.line(&format!("\"portico-{role}\"")).await;
    }
    let others = collector.spans().into_iter();
    let others: Vec<Value> = others.filter(|span| span["trace"] != TRACE).collect();
    assert_eq!(others, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_lead_to_requests_that_they_were_measured_at() {
    let mut collector = Collector::start();
    let mut plan = Plan::in_one_process();
    plan.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address().await);
    let installation = plan.start().await;
    register(&installation.rest).await;
    let metrics = Rest::new(&installation.admin_port("dev"));
    let answer = metrics.call("GET /metrics", &[], None).await;
    let text = answer.expect("an answer").body;
    let text = text.as_str().expect("a text");
    let is_example = |line: &&str| line.contains(&format!("# {{trace_id=\"{TRACE}\"}}"));
    let examples: Vec<&str> = text.lines().filter(is_example).collect();
    let of = |name: &str| examples.iter().any(|line| line.starts_with(name));
    assert!(of("http_server_request_duration_seconds_bucket"), "{text}");
    assert!(of("rpc_server_call_duration_seconds_bucket"), "{text}");
    installation.stop().await;
}
