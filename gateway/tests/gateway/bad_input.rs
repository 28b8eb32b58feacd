//! Requests that are wrong, each answered as the contract says and none passed
//! on.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use portico_proto::{projects, users};
use prost::Message as _;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    client::{Answer, Request},
    fixture::{Gateway, config},
    services::Reply,
};

async fn gateway() -> (Gateway, String) {
    let gateway = Gateway::with(config(&[("BODY_LIMIT", "2KiB")])).await;
    gateway.services.reply(
        "CreateProject",
        Reply::message(&projects::Project::default()),
    );
    gateway
        .services
        .reply("GetProject", Reply::message(&projects::Project::default()));
    gateway.services.reply(
        "ListProjects",
        Reply::message(&projects::ListProjectsResponse::default()),
    );
    let token = gateway.member();
    (gateway, token)
}

fn create(gateway: &Gateway, token: &str) -> Request {
    gateway.post("/api/v1/projects").bearer(token)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).expect("written");
    encoder.finish().expect("finished")
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_malformed() {
    let (gateway, token) = gateway().await;
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let cases: [&[u8]; 16] = [
        b"{",
        b"nonsense",
        b"{\"name\":\"a\"",
        b"{\"name\":\"a",
        b"{\"name\":\"a\",}",
        b"{\"name\":\"a\"} {}",
        b"{\"name\":\"a\"}x",
        b"{\"name\":\"a\",\"name\":\"b\"}",
        b"{\"name\":\"a\\ud800\"}",
        b"{\"name\":\"a\\udc00\\ud800\"}",
        b"{\"name\":\"\xff\xfe\"}",
        b"{\"name\":\"\xed\xa0\x80\"}",
        b"[]",
        b"null",
        b"{\"name\":01}",
        deep.as_bytes(),
    ];
    for body in cases {
        let answer = create(&gateway, &token).json(body).send().await;
        let text = String::from_utf8_lossy(body);
        assert_eq!(answer.failure(), code(400, "MALFORMED_REQUEST"), "{text}");
    }
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn both_spellings_of_a_field_are_one_field() {
    let (gateway, token) = gateway().await;
    gateway
        .services
        .reply("ChangePassword", Reply::message(&()));
    let request = gateway.post("/api/v1/auth/password/change").bearer(&token);
    let body = "{\"currentPassword\":\"a\",\"current_password\":\"b\",\"newPassword\":\"c\"}";
    assert_eq!(
        request.json(body).send().await.failure(),
        code(400, "MALFORMED_REQUEST")
    );
}

#[tokio::test]
async fn every_field_at_fault_is_named() {
    let (gateway, token) = gateway().await;
    let body = "{\"name\":1,\"visibility\":\"SECRET\",\"what\":{\"a\":[]},\"slug\":[]}";
    let mut violations = create(&gateway, &token)
        .json(body)
        .send()
        .await
        .violations();
    violations.sort();
    let expected = [
        ("name", "WRONG_TYPE"),
        ("slug", "WRONG_TYPE"),
        ("visibility", "NOT_ALLOWED"),
        ("what", "UNKNOWN_FIELD"),
    ];
    assert_eq!(
        violations,
        expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
    );
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn a_huge_number_is_out_of_range() {
    let (gateway, token) = gateway().await;
    for number in ["99999999999999999999", "1e400", "2147483648", "-2147483649"] {
        let path = format!("/api/v1/projects?limit={number}");
        let violations = gateway.get(&path).bearer(&token).send().await.violations();
        assert_eq!(
            violations,
            [("limit".to_owned(), "OUT_OF_RANGE".to_owned())],
            "{number}"
        );
    }
    let body = "{\"name\":1e999999999}";
    let violations = create(&gateway, &token)
        .json(body)
        .send()
        .await
        .violations();
    assert_eq!(violations, [("name".to_owned(), "WRONG_TYPE".to_owned())]);
}

#[tokio::test]
async fn parameters_are_known_and_single() {
    let (gateway, token) = gateway().await;
    for (query, field, code) in [
        ("page=1&page=2", "page", "NOT_ALLOWED"),
        ("what=1", "what", "UNKNOWN_FIELD"),
        ("page=one", "page", "WRONG_TYPE"),
        ("visibility=secret", "visibility", "NOT_ALLOWED"),
        (
            "visibility=VISIBILITY_UNSPECIFIED",
            "visibility",
            "NOT_ALLOWED",
        ),
    ] {
        let path = format!("/api/v1/projects?{query}");
        let violations = gateway.get(&path).bearer(&token).send().await.violations();
        assert_eq!(violations, [(field.to_owned(), code.to_owned())], "{query}");
    }
    let path = "/api/v1/projects?name=a";
    let request = gateway.post(path).bearer(&token).json("{\"name\":\"a\"}");
    let violations = request.send().await.violations();
    assert_eq!(
        violations,
        [("name".to_owned(), "UNKNOWN_FIELD".to_owned())]
    );
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn nobody_but_the_gateway_makes_the_update_mask() {
    let (gateway, token) = gateway().await;
    for key in ["updateMask", "update_mask"] {
        let request = gateway.request("PATCH", "/api/v1/users/u").bearer(&token);
        let body = format!("{{\"name\":\"a\",\"{key}\":\"name\"}}");
        let violations = request.json(body).send().await.violations();
        assert_eq!(violations[0].1, "UNKNOWN_FIELD");
    }
    let request = gateway.request("PATCH", "/api/v1/users/u").bearer(&token);
    let violations = request.json("{\"id\":\"other\"}").send().await.violations();
    assert_eq!(violations, [("id".to_owned(), "UNKNOWN_FIELD".to_owned())]);
}

#[tokio::test]
async fn only_json_is_understood() {
    let (gateway, token) = gateway().await;
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "application/json; charset=latin1"),
        ("x-nothing", "at all"),
    ] {
        let request = create(&gateway, &token)
            .header(name, value)
            .body("{\"name\":\"a\"}");
        assert_eq!(
            request.send().await.failure(),
            code(415, "UNSUPPORTED_MEDIA_TYPE"),
            "{value}"
        );
    }
    let request = create(&gateway, &token).header("content-encoding", "br");
    let answer = request.json("{\"name\":\"a\"}").send().await;
    assert_eq!(answer.failure(), code(415, "UNSUPPORTED_MEDIA_TYPE"));
    assert_eq!(answer.header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn an_absent_body_is_an_object_without_members() {
    let (gateway, token) = gateway().await;
    gateway.services.reply("LogoutAll", Reply::message(&()));
    let request = gateway.post("/api/v1/auth/logout-all").bearer(&token);
    assert_eq!(request.send().await.status, 200);
}

#[tokio::test]
async fn a_body_has_a_greatest_size_however_it_is_sent() {
    let (gateway, token) = gateway().await;
    let fits = format!("{{\"name\":\"{}\"}}", "a".repeat(2048 - 11));
    let over = format!("{{\"name\":\"{}\"}}", "a".repeat(2048 - 10));
    assert_eq!(
        create(&gateway, &token).json(&fits).send().await.status,
        201
    );
    assert_eq!(
        create(&gateway, &token)
            .json(&fits)
            .chunked()
            .send()
            .await
            .status,
        201
    );
    let too_large = code(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(
        create(&gateway, &token).json(&over).send().await.failure(),
        too_large
    );
    assert_eq!(
        create(&gateway, &token)
            .json(&over)
            .chunked()
            .send()
            .await
            .failure(),
        too_large
    );
    let zipped = |body: &str| {
        let request = create(&gateway, &token).header("content-encoding", "gzip");
        request.json(gzip(body.as_bytes())).send()
    };
    assert_eq!(zipped(&fits).await.status, 201);
    assert_eq!(zipped(&over).await.failure(), too_large);
    let bomb = format!("{{\"name\":\"{}\"}}", "a".repeat(1_000_000));
    assert!(gzip(bomb.as_bytes()).len() < 2048);
    assert_eq!(zipped(&bomb).await.failure(), too_large);
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_anything_is_sent() {
    let (gateway, token) = gateway().await;
    let request = create(&gateway, &token).header("content-length", "1000000000");
    let answer = request
        .header("content-type", "application/json")
        .send()
        .await;
    assert_eq!(answer.failure(), code(413, "PAYLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn gzip_that_is_none_is_malformed() {
    let (gateway, token) = gateway().await;
    let mut cut = gzip(b"{\"name\":\"a\"}");
    cut.truncate(12);
    for body in [&b"{\"name\":\"a\"}"[..], &cut] {
        let request = create(&gateway, &token).header("content-encoding", "gzip");
        assert_eq!(
            request.json(body).send().await.failure(),
            code(400, "MALFORMED_REQUEST")
        );
    }
}

#[tokio::test]
async fn a_path_is_taken_as_it_came() {
    let (gateway, token) = gateway().await;
    let get = |path: &str| gateway.get(path).bearer(&token).send();
    for path in [
        "/api/v1/projects/%zz",
        "/api/v1/projects/%",
        "/api/v1/projects/a%ff",
    ] {
        assert_eq!(
            get(path).await.failure(),
            code(400, "MALFORMED_REQUEST"),
            "{path}"
        );
    }
    for path in [
        "/api/v1/projects/..",
        "/api/v1/projects/.",
        "/api/v1/projects/%2e%2e",
        "/api/v1/users/../projects/p",
        "/api/v1/projects//",
        "/api/v1/projects/a/b",
        "/api/v1/Projects/p",
    ] {
        assert_eq!(
            get(path).await.failure(),
            code(404, "ROUTE_NOT_FOUND"),
            "{path}"
        );
    }
    assert!(gateway.services.asked().is_empty());
    for (path, id) in [
        ("/api/v1/projects/a%2Fb", "a/b"),
        ("/api/v1/projects/a%20b", "a b"),
        ("/api/v1/projects/a+b", "a+b"),
        ("/api/v1/projects/%C3%A4", "ä"),
    ] {
        assert_eq!(get(path).await.status, 200, "{path}");
        let message = gateway.services.asked().pop().expect("a call").message;
        let request = projects::GetProjectRequest::decode(message).expect("a message");
        assert_eq!(request.id, id);
    }
}

#[tokio::test]
async fn a_body_where_none_is_due_is_ignored() {
    let (gateway, token) = gateway().await;
    gateway
        .services
        .reply("GetUser", Reply::message(&users::User::default()));
    let answer = gateway
        .get("/api/v1/users/u")
        .bearer(&token)
        .json("{")
        .send()
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn lengths_that_contradict_each_other_are_refused() {
    let (gateway, token) = gateway().await;
    let smuggled = "{\"name\":\"a\"}GET /health HTTP/1.1\r\nhost: portico\r\n\r\n";
    for lengths in [
        &[("content-length", "12"), ("content-length", "13")][..],
        &[("content-length", "12, 13")],
        &[("content-length", "+12")],
        &[("content-length", "twelve")],
        &[("transfer-encoding", "gzip"), ("content-length", "12")],
        &[("transfer-encoding", "chunked, identity")],
    ] {
        let mut request = create(&gateway, &token);
        for (name, value) in lengths {
            request = request.header(name, value);
        }
        let answer = request.json(smuggled).without_length().send().await;
        assert_eq!(answer.status, 400, "{lengths:?}");
    }
    assert!(gateway.services.asked().is_empty());
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let (gateway, _) = gateway().await;
    let long = format!(
        "GET / HTTP/1.1\r\nhost: portico\r\nx: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nhost: portico\r\n{}\r\n",
        "x: a\r\n".repeat(200)
    );
    for (bytes, status) in [
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        (&long, 431),
        (&many, 431),
    ] {
        let mut stream = TcpStream::connect(gateway.address)
            .await
            .expect("connected");
        let _ = stream.write_all(bytes.as_bytes()).await;
        assert_eq!(Answer::read(&mut stream).await.status, status);
    }
}
