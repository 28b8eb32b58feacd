//! Envoy before the services: its transcoder, given the same descriptors, and
//! its check of tokens by the same keys, with its cache of tokens. Nothing else
//! is on: no limits, no access log.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::ensure;
use portico_proto::FILE_DESCRIPTOR_SET;
use serde_json::{Value, json};

use crate::{machine::free_addresses, process::Process, target::Running};

const PROGRAM: &str = ".tools/venv/bin/envoy";
/// The services behind it, and what each is called in the contracts.
const SERVICES: [(&str, &str); 3] = [
    ("users", "portico.users.v1.UsersService"),
    ("auth", "portico.auth.v1.AuthService"),
    ("projects", "portico.projects.v1.ProjectsService"),
];

/// Starts it and waits until it serves; `keys` are those that tokens are signed
/// by.
pub(super) async fn start(
    portico: &Running,
    keys: &Value,
    folder: &Path,
) -> anyhow::Result<(Process, SocketAddr)> {
    ensure!(Path::new(PROGRAM).exists(), "{PROGRAM} is not there");
    let [address] = free_addresses()?;
    let descriptors = folder.join("descriptors.bin");
    fs::write(&descriptors, FILE_DESCRIPTOR_SET)?;
    let config = folder.join("envoy.json");
    let text = config_text(address, portico, keys, &descriptors)?;
    fs::write(&config, text.to_string())?;
    let mut command = Command::new(PROGRAM);
    command
        // Without this, two Envoys on one machine would meet in shared memory.
        .arg("--disable-hot-restart")
        .args(["--log-level", "error", "--config-path"])
        .arg(&config)
        .stdout(Stdio::null());
    let mut process = Process::start("envoy", &mut command)?;
    process
        .until(address, "/", |answer| answer.starts_with("HTTP/1.1"))
        .await?;
    Ok((process, address))
}

fn config_text(
    address: SocketAddr,
    portico: &Running,
    keys: &Value,
    descriptors: &Path,
) -> anyhow::Result<Value> {
    let names = SERVICES.map(|(_, name)| name);
    let transcoder = json!({
        "@type": type_url("extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
        "proto_descriptor": descriptors,
        "services": names,
        "print_options": {"always_print_primitive_fields": true},
        "convert_grpc_status": true,
    });
    let tokens = json!({
        "@type": type_url("extensions.filters.http.jwt_authn.v3.JwtAuthentication"),
        "providers": {"portico": {
            "issuer": "http://localhost:8080",
            "audiences": ["portico"],
            "local_jwks": {"inline_string": keys.to_string()},
            "forward": true,
            "jwt_cache_config": {"jwt_cache_size": 10_000},
        }},
        "rules": [{
            "match": {"prefix": "/"},
            "requires": {"provider_name": "portico"},
        }],
    });
    let router = json!({"@type": type_url("extensions.filters.http.router.v3.Router")});
    let routes = SERVICES.map(|(service, name)| {
        json!({"match": {"prefix": format!("/{name}/")}, "route": {"cluster": service}})
    });
    let connections = json!({
        "@type": type_url("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "portico",
        "route_config": {"virtual_hosts": [
            {"name": "portico", "domains": ["*"], "routes": routes},
        ]},
        "http_filters": [
            {"name": "tokens", "typed_config": tokens},
            {"name": "transcoder", "typed_config": transcoder},
            {"name": "router", "typed_config": router},
        ],
    });
    let clusters: anyhow::Result<Vec<Value>> = SERVICES
        .iter()
        .map(|(service, _)| Ok(cluster(service, portico.service(service)?)))
        .collect();
    Ok(json!({"static_resources": {
        "listeners": [{
            "address": socket(address),
            "filter_chains": [{"filters": [{"name": "http", "typed_config": connections}]}],
        }],
        "clusters": clusters?,
    }}))
}

fn cluster(name: &str, address: SocketAddr) -> Value {
    let options = json!({
        "@type": type_url("extensions.upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {}},
    });
    json!({
        "name": name,
        "type": "STATIC",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options,
        },
        "load_assignment": {"cluster_name": name, "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": socket(address)}}]},
        ]},
    })
}

fn type_url(name: &str) -> String {
    format!("type.googleapis.com/envoy.{name}")
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}
