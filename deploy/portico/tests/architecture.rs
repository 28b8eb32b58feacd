//! The direction of dependencies: `proto ← chassis ← {users, auth, projects,
//! notifications, gateway} ← portico`. No service depends on another one's crate, only on its
//! contract.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// The crates of the workspace that a crate may depend on.
fn allowed(name: &str) -> &'static [&'static str] {
    match name {
        "portico-proto" => &[],
        "portico-chassis" => &["portico-proto"],
        "portico-users"
        | "portico-auth"
        | "portico-projects"
        | "portico-notifications"
        | "portico-gateway" => &["portico-proto", "portico-chassis"],
        "portico" => &[
            "portico-proto",
            "portico-chassis",
            "portico-users",
            "portico-auth",
            "portico-projects",
            "portico-notifications",
            "portico-gateway",
        ],
        // Measures the program from outside, as a client of its contract.
        "portico-bench" => &["portico-proto"],
        // Counts what the gateway's work takes.
        "portico-gateway-budgets" => &["portico-proto", "portico-chassis", "portico-gateway"],
        _ => &[],
    }
}

#[test]
fn crates_depend_in_one_direction() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo describes itself");
    let packages = metadata["packages"].as_array().expect("packages");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let own: BTreeSet<String> = packages
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    assert!(own.contains("portico") && own.contains("portico-gateway"));
    for package in packages {
        let name = text(&package["name"]);
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let used = text(&dependency["name"]);
            // Tests and benchmarks may look further.
            let is_shipped = dependency["kind"] != "dev";
            if is_shipped && own.contains(&used) {
                assert!(
                    allowed(&name).contains(&used.as_str()),
                    "{name} must not depend on {used}"
                );
            }
        }
    }
}
