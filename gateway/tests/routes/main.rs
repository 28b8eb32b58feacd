//! Routes from outside: which RPC a method and path lead to, and what is captured.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::sync::LazyLock;

use http::Method;
use portico_gateway::routes::{Lookup, Match, Route, RouteError, RouteTable};
use portico_gateway::transcode::{Body, Rejection, Schema};
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

struct Fixture {
    pool: DescriptorPool,
    schema: Schema,
    table: RouteTable,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let pool = pool(include_str!("library.proto")).unwrap();
    let schema = Schema::new(&pool).unwrap();
    let table = RouteTable::new(&pool, &schema).unwrap();
    Fixture {
        pool,
        schema,
        table,
    }
});

fn pool(source: &str) -> Result<DescriptorPool, protox::Error> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("test.proto"), source).unwrap();
    let contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto");
    let mut compiler = protox::Compiler::new([directory.path(), contracts.as_ref()])?;
    compiler.include_imports(true).open_file("test.proto")?;
    // As at the program's start: from bytes, with the options in them.
    Ok(DescriptorPool::decode(&*compiler.encode_file_descriptor_set()).unwrap())
}

fn find<'p>(method: &str, path: &'p str) -> Lookup<'static, 'p> {
    FIXTURE.table.find(&method.parse().unwrap(), path)
}

fn found<'p>(method: &str, path: &'p str) -> Match<'static, 'p> {
    match find(method, path) {
        Lookup::Found(found) => found,
        other => panic!("not found: {other:?}"),
    }
}

/// The name of a route's RPC within its service.
fn simple_name(route: &Route) -> &str {
    route.rpc.rsplit_once('.').unwrap().1
}

/// The RPC and the captured values.
fn route<'p>(method: &str, path: &'p str) -> (&'static str, Vec<&'p str>) {
    let found = found(method, path);
    (
        simple_name(found.route),
        found
            .captures()
            .iter()
            .map(|capture| capture.value)
            .collect(),
    )
}

fn allowed(method: &str, path: &str) -> String {
    match find(method, path) {
        Lookup::MethodNotAllowed(methods) => methods
            .iter()
            .map(Method::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        other => panic!("another answer: {other:?}"),
    }
}

fn is_missing(method: &str, path: &str) -> bool {
    matches!(find(method, path), Lookup::NotFound)
}

/// The RPC's input for a request.
fn message(method: &str, path: &str, query: Option<&str>, body: &str) -> Result<Value, Rejection> {
    let found = found(method, path);
    let request = found.request(&FIXTURE.schema, query, body.as_bytes())?;
    let input = FIXTURE.schema.name(found.route.binding.input);
    let input = FIXTURE.pool.get_message_by_name(input).unwrap();
    let message = DynamicMessage::decode(input, &*request.wire).unwrap();
    Ok(serde_json::to_value(message).unwrap())
}

/// The error that a rule of a small service gives.
fn refused(rules: &str) -> RouteError {
    let source = format!(
        r#"syntax = "proto3"; package test; import "google/api/annotations.proto";
           message M {{ string id = 1; repeated string ids = 2; M m = 3; map<string, string> map = 4; }}
           service S {{ {rules} }}"#
    );
    let pool = pool(&source).unwrap();
    RouteTable::new(&pool, &Schema::new(&pool).unwrap()).unwrap_err()
}

fn refused_rule(rule: &str) -> String {
    refused(&format!(
        "rpc R(M) returns (M) {{ option (google.api.http) = {{ {rule} }}; }}"
    ))
    .problem
}

#[test]
fn literals_go_before_variables() {
    assert_eq!(route("GET", "/v1/books/newest"), ("GetNewestBook", vec![]));
    assert_eq!(
        route("GET", "/v1/books/oldest"),
        ("GetBook", vec!["oldest"])
    );
}

#[test]
fn a_way_that_leads_nowhere_is_left() {
    assert_eq!(route("DELETE", "/v1/any/1").0, "LockBook");
    assert_eq!(route("GET", "/v1/books/1/pages/7"), ("GetPage", vec!["1"]));
    assert_eq!(
        route("GET", "/v1/books/1/notes/last"),
        ("GetLastPage", vec!["notes"])
    );
    assert_eq!(
        route("GET", "/v1/books/1/pages/last"),
        ("GetPage", vec!["1"])
    );
}

#[test]
fn the_method_decides_among_routes_of_one_path() {
    assert_eq!(route("PATCH", "/v1/books/1"), ("UpdateBook", vec!["1"]));
    assert_eq!(
        route("PUT", "/v1/books/newest"),
        ("ReplaceBook", vec!["newest"])
    );
    assert_eq!(route("LOCK", "/v1/books/1"), ("LockBook", vec!["1"]));
}

#[test]
fn additional_bindings_are_routes_too() {
    assert_eq!(
        route("GET", "/v1/shelves/1/books/2"),
        ("GetBook", vec!["shelves/1/books/2"])
    );
    assert_eq!(route("GET", "/v1/books:byTitle"), ("GetBook", vec![]));
}

#[test]
fn verbs_are_no_part_of_values() {
    assert_eq!(
        route("POST", "/v1/books/1:archive"),
        ("ArchiveBook", vec!["1"])
    );
    assert_eq!(
        route("POST", "/v1/books/a:b:archive"),
        ("ArchiveBook", vec!["a:b"])
    );
    assert_eq!(
        route("POST", "/v1/files/covers/a/b:copy"),
        ("CopyFile", vec!["covers/a/b"])
    );
}

#[test]
fn a_colon_without_a_known_verb_belongs_to_the_value() {
    assert_eq!(route("GET", "/v1/books/urn:1"), ("GetBook", vec!["urn:1"]));
    assert_eq!(
        route("GET", "/v1/books/1:archive"),
        ("GetBook", vec!["1:archive"])
    );
    assert_eq!(
        route("GET", "/v1/books/1%3Aarchive"),
        ("GetBook", vec!["1%3Aarchive"])
    );
}

#[test]
fn a_double_star_takes_any_number_of_segments() {
    assert_eq!(route("GET", "/v1/files/a/b/c"), ("ReadFile", vec!["a/b/c"]));
    assert_eq!(route("GET", "/v1/files/a"), ("ReadFile", vec!["a"]));
    assert_eq!(route("GET", "/v1/files"), ("ReadFile", vec![""]));
}

#[test]
fn head_is_served_as_get_and_any_method_by_a_star() {
    assert_eq!(route("HEAD", "/v1/books/newest").0, "GetNewestBook");
    assert_eq!(route("PURGE", "/v1/any/1"), ("LockBook", vec!["1"]));
}

#[test]
fn other_methods_are_told_which_ones_there_are() {
    assert_eq!(allowed("DELETE", "/v1/books"), "OPTIONS, POST");
    assert_eq!(
        allowed("DELETE", "/v1/books/1"),
        "GET, HEAD, LOCK, OPTIONS, PATCH, PUT"
    );
    // By the nearest template, though it could be an id for others.
    assert_eq!(allowed("OPTIONS", "/v1/books/1:archive"), "OPTIONS, POST");
    assert_eq!(allowed("HEAD", "/v1/books"), "OPTIONS, POST");
    assert_eq!(allowed("get", "/v1/books"), "OPTIONS, POST");
}

#[test]
fn paths_are_not_normalised() {
    for path in [
        "",
        "/",
        "v1/books",
        "/v1",
        "/v1/books/",
        "//v1/books",
        "/v1//books",
        "/v1/books//",
        "/V1/books",
        "/v1/boo%6Bs",
        "/v1/books/.",
        "/v1/books/..",
        "/v1/books/%2e%2E",
        "/v1/books/.%2e",
        "/v1/files/a/../b",
        "/v1/files/",
        "/v1/files/a//b",
        "/v1/files/a/",
        "/v1/books/1/pages",
        "/v1/shelves/../books/1",
        "/v1/shelves/1/books/",
        "/v1/books/1/../newest",
    ] {
        assert!(is_missing("GET", path), "{path}");
    }
    assert_eq!(route("GET", "/v1/books/..."), ("GetBook", vec!["..."]));
    assert_eq!(route("GET", "/v1/books/%2F"), ("GetBook", vec!["%2F"]));
}

#[test]
fn escapes_are_undone_as_the_rules_of_http_say() {
    assert_eq!(
        message("GET", "/v1/books/a%2Fb%20c", None, "").unwrap(),
        json!({"id": "a/b c"})
    );
    assert_eq!(
        message("GET", "/v1/files/a%2Fb%20c/d", None, "").unwrap(),
        json!({"name": "a%2Fb c/d"})
    );
    assert!(matches!(
        message("GET", "/v1/books/%zz", None, ""),
        Err(Rejection::Malformed(_))
    ));
}

#[test]
fn a_request_is_put_together_from_its_parts() {
    let created = message("POST", "/v1/books", Some("draft=true"), r#"{"title":"x"}"#);
    assert_eq!(
        created.unwrap(),
        json!({"book": {"title": "x"}, "draft": true})
    );
    let replaced = message("PUT", "/v1/books/1", None, r#"{"book":{"title":"x"}}"#);
    assert_eq!(
        replaced.unwrap(),
        json!({"book": {"id": "1", "title": "x"}})
    );
}

#[test]
fn a_patch_gets_its_mask_from_the_body() {
    let updated = message("PATCH", "/v1/books/1", None, r#"{"title":"x"}"#);
    assert_eq!(
        updated.unwrap(),
        json!({"book": {"id": "1", "title": "x"}, "updateMask": "title"})
    );
    let refused = message(
        "PATCH",
        "/v1/books/1",
        Some("updateMask=id"),
        r#"{"id":"2"}"#,
    );
    let Err(Rejection::Invalid(violations)) = refused else {
        panic!("it is invalid")
    };
    let fields: Vec<_> = violations
        .iter()
        .map(|violation| &*violation.field)
        .collect();
    assert_eq!(fields, ["updateMask", "id"]);
}

#[test]
fn a_route_tells_what_its_rule_says() {
    let create = found("POST", "/v1/books").route;
    assert_eq!(create.grpc_path, "/portico.test.library.Library/CreateBook");
    assert_eq!(
        FIXTURE.schema.name(create.binding.input),
        "portico.test.library.CreateBookRequest"
    );
    assert_eq!(
        FIXTURE.schema.name(create.output),
        "portico.test.library.Book"
    );
    assert_eq!(
        create.response_body,
        FIXTURE.schema.find_field(create.output, "title")
    );
    assert!(matches!(create.binding.body, Body::Field(_)));
    assert_eq!(
        (&*create.template, create.method.as_ref()),
        ("/v1/books", Some(&Method::POST))
    );
    assert!(found("GET", "/v1/files/a").route.is_server_streaming);
    assert!(!create.is_server_streaming && !create.is_client_streaming);
}

#[test]
fn only_rpcs_with_a_rule_have_routes() {
    assert_eq!(FIXTURE.table.routes().len(), 14);
    assert!(
        FIXTURE
            .table
            .routes()
            .iter()
            .all(|route| simple_name(route) != "Internal")
    );
    assert_eq!(FIXTURE.pool.services().count(), 1);
}

#[test]
fn two_routes_for_the_same_requests_are_an_error() {
    let rpc = |name: &str, rule: &str| {
        format!("rpc {name}(M) returns (M) {{ option (google.api.http) = {{ {rule} }}; }}")
    };
    let same = rpc("A", r#"get: "/v1/{id}/x""#) + &rpc("B", r#"get: "/v1/{m.id=*}/x""#);
    let error = refused(&same);
    assert_eq!(
        error.to_string(),
        r#"test.S.B: "/v1/{m.id=*}/x": test.S.A has the same route"#
    );
}

#[test]
fn rules_that_cannot_be_followed_are_errors() {
    assert_eq!(refused_rule(r#"get: "v1""#), "expected '/'");
    assert_eq!(
        refused_rule(r#"get: "/{odd}""#),
        r#""odd" is no field that a path can set"#
    );
    assert_eq!(
        refused_rule(r#"get: "/{ids}""#),
        r#""ids" is no field that a path can set"#
    );
    assert_eq!(
        refused_rule(r#"get: "/{m}""#),
        r#""m" is no field that a path can set"#
    );
    assert_eq!(
        refused_rule(r#"get: "/{map}""#),
        r#""map" is no field that a path can set"#
    );
    assert_eq!(
        refused_rule(r#"get: "/{id}/{id}""#),
        r#"the field "id" is bound twice"#
    );
    assert_eq!(
        refused_rule(r#"put: "/{id}" body: "id""#),
        r#"the field "id" is bound twice"#
    );
    assert_eq!(
        refused_rule(r#"post: "/a" body: "odd""#),
        r#"body names no field: "odd""#
    );
    assert_eq!(
        refused_rule(r#"get: "/a" response_body: "odd""#),
        r#"response_body names no field: "odd""#
    );
    assert_eq!(
        refused_rule(r#"custom { kind: "a b" path: "/a" }"#),
        r#""a b" is no HTTP method"#
    );
    assert_eq!(refused_rule(r#"body: "*""#), r#""" is no HTTP method"#);
}
