//! Envoy's own transcoder, given the same descriptors, serves the same resources
//! at the same paths from the same services: the annotations are standard.

use std::{fs, path::Path, time::Duration};

use portico_chassis::serve::testing::free_address;
use portico_proto::FILE_DESCRIPTOR_SET;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Plan, Program, Rest, program::from_environment};

/// Envoy before the gRPC port of an installation.
struct Envoy {
    program: Program,
    rest: Rest,
}

impl Envoy {
    async fn before(grpc: &str, folder: &Path) -> Self {
        let descriptors = folder.join("descriptors.bin");
        fs::write(&descriptors, FILE_DESCRIPTOR_SET).expect("written");
        let address = free_address();
        let config = folder.join("envoy.json");
        let text = config_text(&address, grpc, &descriptors).to_string();
        fs::write(&config, text).expect("written");
        let python = from_environment("PORTICO_TEST_PYTHON");
        let mut command = Command::new(Path::new(&python).with_file_name("envoy"));
        // Without this, two Envoys on one machine would meet in shared memory.
        command.args(["--disable-hot-restart", "--concurrency", "1"]);
        command
            .args(["--log-level", "warning", "--config-path"])
            .arg(&config);
        let mut program = Program::start("Envoy", &mut command);
        let rest = Rest::new(&format!("http://{address}"));
        while rest.call("GET /", &[], None).await.is_err() {
            program.must_run();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { program, rest }
    }
}

fn config_text(address: &str, grpc: &str, descriptors: &Path) -> Value {
    let type_url = |name: &str| json!(format!("type.googleapis.com/envoy.{name}"));
    let socket = |address: &str| {
        let (host, port) = address.rsplit_once(':').expect("host and port");
        let port: u16 = port.parse().expect("a port");
        json!({"socket_address": {"address": host, "port_value": port}})
    };
    let transcoder = json!({
        "@type": type_url("extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
        "proto_descriptor": descriptors,
        "services": [
            "portico.auth.v1.AuthService",
            "portico.auth.v1.LinksService",
            "portico.auth.v1.PasswordsService",
            "portico.auth.v1.TokensService",
            "portico.projects.v1.ProjectsService",
            "portico.users.v1.UsersService",
        ],
        "print_options": {"always_print_primitive_fields": true},
        "convert_grpc_status": true,
    });
    let router = json!({"@type": type_url("extensions.filters.http.router.v3.Router")});
    let connections = json!({
        "@type": type_url("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "portico",
        "route_config": {"virtual_hosts": [{
            "name": "portico",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "portico"}}],
        }]},
        "http_filters": [
            {"name": "transcoder", "typed_config": transcoder},
            {"name": "router", "typed_config": router},
        ],
    });
    let http2 = json!({
        "@type": type_url("extensions.upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {}},
    });
    json!({"static_resources": {
        "listeners": [{
            "address": socket(address),
            "filter_chains": [{"filters": [{"name": "http", "typed_config": connections}]}],
        }],
        "clusters": [{
            "name": "portico",
            "type": "STATIC",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2,
            },
            "load_assignment": {"cluster_name": "portico", "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": socket(grpc)}}]},
            ]},
        }],
    }})
}

/// What both must agree on: Envoy leaves out what has no value, and prints whole
/// seconds without a fraction.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, plain(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::String(text) => match text.strip_suffix(".000Z") {
            Some(seconds) => Value::String(format!("{seconds}Z")),
            None => Value::String(text),
        },
        other => other,
    }
}

/// The message that Envoy answers.
async fn message(envoy: &Rest, line: &str, body: Option<Value>) -> Value {
    let answer = envoy.call(line, &[], body.as_ref()).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{line}: {}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoys_transcoder_serves_the_same_resources_at_the_same_paths() {
    let plan = Plan::in_one_process();
    let installation = plan.start().await;
    let envoy = Envoy::before(plan.get("PORTICO_GRPC_LISTEN"), plan.folder.path()).await;
    let admin = installation.admin().await;
    let through_envoy = envoy.rest.with_token(admin.token());
    let (ada, _) = admin.register("ada").await;

    // Made and changed through Envoy, read through the gateway.
    let body = json!({"name": "Apollo 11", "visibility": "PUBLIC"});
    let made = message(&through_envoy, "POST /api/v1/projects", Some(body)).await;
    let project = format!("/api/v1/projects/{}", made["id"].as_str().expect("an id"));
    assert_eq!(made, plain(admin.get(&project).await));
    let body = json!({"description": "To the moon"});
    let changed = message(&through_envoy, &format!("PATCH {project}"), Some(body)).await;
    assert_eq!(changed["description"], "To the moon");
    assert_eq!(changed, plain(admin.get(&project).await));
    let members = format!("{project}/members");
    let body = json!({"userId": ada["id"], "role": "VIEWER"});
    let added = message(&through_envoy, &format!("POST {members}"), Some(body)).await;
    let listed = plain(admin.get(&members).await);
    assert!(
        listed.as_array().expect("a list").contains(&added),
        "{listed}"
    );
    // And the other way round.
    let user = format!("/api/v1/users/{}", ada["id"].as_str().expect("an id"));
    let patched = admin
        .call(
            &format!("PATCH {user}"),
            &[],
            Some(&json!({"name": "Ada L."})),
        )
        .await;
    let patched = plain(patched.expect("an answer").data(200));
    assert_eq!(
        message(&through_envoy, &format!("GET {user}"), None).await,
        patched
    );
    for name in ["Gemini", "Mercury"] {
        admin.post("/api/v1/projects", json!({"name": name})).await;
    }

    for path in [&project, &user, "/api/v1/auth/me"] {
        let found = message(&through_envoy, &format!("GET {path}"), None).await;
        assert_eq!(found, plain(admin.get(path).await), "{path}");
    }
    for (path, field) in [
        ("/api/v1/projects", "projects"),
        ("/api/v1/projects?limit=1&sort=-name&q=gem", "projects"),
        ("/api/v1/projects?limit=2&page=2&archived=any", "projects"),
        ("/api/v1/users?role=MEMBER&sort=email", "users"),
        ("/api/v1/auth/sessions", "sessions"),
        (&members, "members"),
    ] {
        let line = format!("GET {path}");
        let found = message(&through_envoy, &line, None).await;
        let answer = admin.call(&line, &[], None).await.expect("an answer");
        assert_eq!(found[field], plain(answer.data(200)), "{path}");
        let page = plain(answer.body["meta"]["pagination"].clone());
        assert_eq!(found["pageInfo"], page, "{path}");
    }
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ] {
        let line = format!("GET {path}");
        let answer = admin.call(&line, &[], None).await.expect("an answer");
        assert_eq!(message(&through_envoy, &line, None).await, answer.body);
    }

    message(&through_envoy, &format!("DELETE {project}"), None).await;
    for client in [&admin, &through_envoy] {
        let answer = client.call(&format!("GET {project}"), &[], None).await;
        assert_eq!(answer.expect("an answer").status, 404);
    }
    envoy.program.stop().await;
    installation.stop().await;
}
