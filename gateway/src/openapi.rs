//! The OpenAPI 3.1 document, made from the descriptors alone: the gateway
//! knows no domain, so neither does anything here. What is particular to one
//! operation belongs into its contract.

mod contract;
mod conventions;
mod example;
mod operation;
mod plain;
mod schema;

use std::collections::HashSet;

use portico_proto::{CallerClass, Method};
use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use contract::{Binding, bindings, comment};
use schema::Schemas;

/// The document of all routed methods.
pub fn document(pool: &DescriptorPool, methods: &[Method], public_url: &str) -> Value {
    let bindings = bindings(pool, methods);
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    let mut ids = HashSet::new();
    for binding in &bindings {
        let (path, variables) = binding.path();
        let id = unique_id(binding.method.name(), &mut ids);
        let operation = operation::operation(&id, binding, &variables, &mut schemas);
        paths.entry(path).or_insert_with(|| json!({}))[binding.verb] = operation;
    }
    plain::describe(&mut paths);

    let mut components = schemas.into_components();
    components.extend(conventions::schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Portico",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Accounts, people and projects.",
            "description": "Generated from the contracts of the services. Every answer below `/api` \
                            is `{success, data, meta}` or `{success, error, meta}`, but for \
                            streams: one object a line, without an envelope, and broken off if \
                            anything fails on the way.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "tags": tags(&bindings),
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": conventions::responses(),
            "parameters": conventions::parameters(),
            "headers": conventions::header_components(),
            "securitySchemes": conventions::security_schemes(public_url),
        },
    })
}

/// The table of routes, one a line, for people who review a change of it.
pub fn route_table(pool: &DescriptorPool, methods: &[Method]) -> String {
    let mut rows: Vec<_> = bindings(pool, methods).iter().map(row).collect();
    rows.sort_by(|a, b| (&a[1], &a[0]).cmp(&(&b[1], &b[0])));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut table = String::new();
    for [verb, path, rpc, policy] in &rows {
        let [first, second, third] = widths;
        table += &format!("{verb:first$}  {path:second$}  {rpc:third$}  {policy}\n");
    }
    table
}

fn row(binding: &Binding<'_>) -> [String; 4] {
    let policy = binding.policy;
    let caller = match policy.caller {
        CallerClass::Public => "PUBLIC",
        CallerClass::User => "USER",
        CallerClass::Admin => "ADMIN",
        CallerClass::Service => "SERVICE",
    };
    let flags = [
        (!policy.scope.is_empty(), policy.scope),
        (policy.credentials, "credentials"),
        (policy.idempotent, "idempotent"),
        (policy.idempotency_key, "idempotency-key"),
        (policy.secret, "secret"),
        (policy.refresh_cookie, "refresh-cookie"),
    ];
    let set = flags.into_iter().filter(|(set, _)| *set);
    let words: Vec<_> = [caller]
        .into_iter()
        .chain(set.map(|(_, flag)| flag))
        .collect();
    [
        binding.verb.to_uppercase(),
        binding.template.clone(),
        policy.path.trim_start_matches('/').to_owned(),
        words.join(" "),
    ]
}

/// The name of a method, with a number where there are several of that name.
fn unique_id(method: &str, ids: &mut HashSet<String>) -> String {
    let name = method[..1].to_lowercase() + &method[1..];
    let mut id = name.clone();
    let mut number = 1;
    while !ids.insert(id.clone()) {
        number += 1;
        id = format!("{name}{number}");
    }
    id
}

fn tags(bindings: &[Binding<'_>]) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for binding in bindings {
        let service = binding.method.parent_service();
        let name = operation::tag(service.name());
        if tags.iter().all(|tag| tag["name"] != name) {
            let description = comment(&service.parent_file(), service.path());
            tags.push(json!({"name": name, "description": description}));
        }
    }
    tags.push(json!({"name": plain::TAG, "description": "The gateway itself."}));
    tags
}
