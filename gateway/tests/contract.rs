//! What the gateway tells about the contracts: the OpenAPI document and the
//! table of routes. Both are committed, so that a review shows every change.
//! `UPDATE_CONTRACT=1` writes them anew.

use std::{collections::HashSet, fs, path::Path};

use portico_gateway::openapi;
use portico_proto::{CallerClass, METHODS};
use prost_reflect::DescriptorPool;
use serde_json::Value;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(portico_proto::COMMENTED_DESCRIPTOR_SET)
        .expect("the contracts are whole")
}

fn document() -> Value {
    openapi::document(&pool(), METHODS, "http://localhost:8080")
}

/// Every operation of the contracts, with its path and verb.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut operations = Vec::new();
    for (path, verbs) in document["paths"].as_object().into_iter().flatten() {
        for (verb, operation) in verbs.as_object().into_iter().flatten() {
            if operation["tags"] != serde_json::json!(["Gateway"]) {
                operations.push((path.clone(), verb.clone(), operation));
            }
        }
    }
    operations
}

/// Calls `visit` for a value and all that is in it.
fn walk<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of this test, not a setting of the program"
)]
fn committed_artefacts_are_current() {
    let mut text = serde_json::to_string_pretty(&document()).unwrap();
    text.push('\n');
    let artefacts = [
        ("openapi.json", text),
        ("routes.txt", openapi::route_table(&pool(), METHODS)),
    ];
    for (name, current) in artefacts {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if std::env::var_os("UPDATE_CONTRACT").is_some() {
            fs::write(&path, current).unwrap();
        } else {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == current,
                "gateway/{name} is stale: run `make openapi`"
            );
        }
    }
}

#[test]
fn every_routed_method_has_an_operation_and_no_other_has() {
    let document = document();
    let ids: HashSet<_> = operations(&document)
        .iter()
        .filter_map(|(_, _, operation)| operation["operationId"].as_str())
        .map(str::to_lowercase)
        .collect();
    for method in METHODS {
        let name = method.path.rsplit('/').next().unwrap_or_default();
        let is_routed = method.caller != CallerClass::Service;
        assert_eq!(
            ids.contains(&name.to_lowercase()),
            is_routed,
            "{}",
            method.path
        );
    }
}

#[test]
fn operation_ids_are_unique() {
    let document = document();
    let mut ids = HashSet::new();
    for (_, _, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str()), "{operation}");
    }
}

#[test]
fn a_value_that_a_field_refuses_is_not_offered() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let role = &schemas["CreateInvitationRequest"]["properties"]["role"]["enum"];
    assert_eq!(*role, serde_json::json!(["ADMIN", "MEMBER", "VIEWER"]));
    let path = &document["paths"]["/api/v1/projects/{projectId}/invitations"];
    let body = &path["post"]["requestBody"]["content"]["application/json"];
    assert_eq!(body["example"]["role"], "ADMIN");
    let member = &schemas["MemberRole"]["enum"];
    assert_eq!(member[0], "OWNER");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    walk(&document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some_and(Value::is_object), "{reference}");
        }
    });
}

#[test]
fn every_operation_is_explained() {
    let document = document();
    for (path, verb, operation) in operations(&document) {
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{verb} {path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let is_explained = parameter
                .get("$ref")
                .or(parameter.get("description"))
                .is_some();
            assert!(is_explained, "{verb} {path}: {parameter}");
        }
    }
}

#[test]
fn every_operation_states_its_failures() {
    let document = document();
    for (path, verb, operation) in operations(&document) {
        let responses = &operation["responses"];
        let has = |status: &str| responses.get(status).is_some();
        for status in ["400", "406", "429", "500", "503", "504"] {
            assert!(has(status), "{verb} {path}: {status}");
        }
        let is_public = operation["security"][0].get("bearerAuth").is_none();
        assert!(is_public || has("401") && has("403"), "{verb} {path}");
        assert_eq!(has("404"), path.contains('{'), "{verb} {path}");
        assert_eq!(
            has("412"),
            verb == "patch" || verb == "delete",
            "{verb} {path}"
        );
        let has_body = operation.get("requestBody").is_some();
        assert_eq!(has("413") && has("415"), has_body, "{verb} {path}");
    }
}

#[test]
fn requests_refuse_unknown_fields_and_fields_that_only_answers_have() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let requests = schemas.iter().filter(|(name, _)| name.ends_with("Request"));
    for (name, schema) in requests {
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for field in ["id", "etag", "createdAt", "updateMask"] {
            assert!(schema["properties"].get(field).is_none(), "{name}.{field}");
        }
    }
}

#[test]
fn answers_have_every_field() {
    let document = document();
    for name in ["User", "Project", "Member", "Session", "PageInfo"] {
        let schema = &document["components"]["schemas"][name];
        let fields = schema["properties"].as_object().unwrap().keys();
        let required = schema["required"].as_array().unwrap().iter();
        assert!(fields.eq(required.filter_map(Value::as_str)), "{name}");
    }
}

#[test]
fn a_change_requires_nothing_and_null_clears_only_what_can_be_empty() {
    let document = document();
    let update = &document["components"]["schemas"]["UpdateProjectRequest"];
    assert!(update.get("required").is_none());
    assert_eq!(update["properties"]["name"]["type"], "string");
    assert_eq!(
        update["properties"]["description"]["type"],
        serde_json::json!(["string", "null"])
    );
}

#[test]
fn bounds_of_the_contract_are_bounds_of_the_schema() {
    let document = document();
    let register = &document["components"]["schemas"]["RegisterRequest"]["properties"];
    assert_eq!(register["password"]["minLength"], 8);
    assert_eq!(register["password"]["maxLength"], 128);
    let parameters = &document["paths"]["/api/v1/projects"]["get"]["parameters"];
    let limit = parameters
        .as_array()
        .unwrap()
        .iter()
        .find(|parameter| parameter["name"] == "limit")
        .unwrap();
    assert_eq!(limit["schema"]["minimum"], 1);
    assert_eq!(limit["schema"]["maximum"], 100);
}

#[test]
fn a_stream_is_described_by_its_lines() {
    let document = document();
    let export = &document["paths"]["/api/v1/audit-log/export"]["get"];
    let content = export["responses"]["200"]["content"].as_object().unwrap();
    let [(media_type, lines)] = content.iter().collect::<Vec<_>>()[..] else {
        panic!("one media type: {content:?}");
    };
    assert_eq!(media_type, "application/x-ndjson");
    let line = &lines["schema"]["contentSchema"]["$ref"];
    assert_eq!(line, "#/components/schemas/AuditEntry");
    let example = lines["example"].as_str().unwrap();
    let example: Value = serde_json::from_str(example.trim_end()).unwrap();
    let schema = &document["components"]["schemas"]["AuditEntry"];
    let fields = schema["required"].as_array().unwrap();
    let has_all = |field: &Value| example.get(field.as_str().unwrap()).is_some();
    assert!(fields.iter().all(has_all), "{example}");
}

#[test]
fn only_answers_below_api_have_the_envelope() {
    let document = document();
    for (path, verb, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let (_, success) = responses.iter().next().unwrap();
        let is_stream = success["content"].get("application/x-ndjson").is_some();
        let schema = &success["content"]["application/json"]["schema"];
        let has_envelope = schema["properties"].get("success").is_some();
        let is_due = path.starts_with("/api/") && !is_stream;
        assert_eq!(has_envelope, is_due, "{verb} {path}");
    }
}
