//! What stands in an answer: the envelope, the status, and the headers.

use std::time::Duration;

use portico_chassis::status::{Error, Kind};
use portico_proto::{auth, pagination::PageInfo, projects, users, wkt};
use prost::Message as _;
use serde_json::json;

use crate::{fixture::Gateway, services::Reply};

fn ada() -> users::User {
    users::User {
        id: "0198c0de-0000-7000-8000-000000000001".into(),
        email: "ada@example.org".into(),
        name: "Ada \"Countess\" Lovelace".into(),
        role: users::user::Role::Member as i32,
        status: users::user::Status::Active as i32,
        created_at: Some(wkt::Timestamp {
            seconds: 1_700_000_000,
            nanos: 123_000_000,
        }),
        etag: "3.12".into(),
        ..users::User::default()
    }
}

#[tokio::test]
async fn a_resource_stands_in_the_envelope_with_its_etag() {
    let gateway = Gateway::start().await;
    gateway.services.reply("GetUser", Reply::message(&ada()));
    let token = gateway.member();
    let answer = gateway
        .get("/api/v1/users/0198c0de-0000-7000-8000-000000000001")
        .bearer(&token)
        .header("x-request-id", "tour-1")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "success": true,
            "data": {
                "id": "0198c0de-0000-7000-8000-000000000001",
                "email": "ada@example.org",
                "name": "Ada \"Countess\" Lovelace",
                "avatar": null,
                "role": "MEMBER",
                "status": "ACTIVE",
                "emailVerified": false,
                "createdAt": "2023-11-14T22:13:20.123Z",
                "updatedAt": null,
                "deletedAt": null,
                "etag": "3.12",
            },
            "meta": {"timestamp": "2027-01-15T08:00:00.000Z", "requestId": "tour-1"},
        })
    );
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "private, no-cache"),
        ("etag", "\"3.12\""),
        ("x-request-id", "tour-1"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("frame-ancestors 'none'"));
    let asked = gateway.services.only();
    let request = users::GetUserRequest::decode(asked.message).expect("a message");
    assert_eq!(request.id, "0198c0de-0000-7000-8000-000000000001");
}

#[tokio::test]
async fn a_list_is_an_array_with_its_place_in_meta() {
    let gateway = Gateway::start().await;
    let page = users::ListUsersResponse {
        users: vec![ada(), ada()],
        page_info: Some(PageInfo {
            total: 42,
            limit: 2,
            has_more: true,
            next_cursor: Some("abc".into()),
            ..PageInfo::default()
        }),
    };
    gateway.services.reply("ListUsers", Reply::message(&page));
    let token = gateway.admin();
    let answer = gateway
        .get("/api/v1/users?limit=2&q=a%20b&role=ADMIN")
        .bearer(&token)
        .send()
        .await;
    let json = answer.json();
    assert_eq!(json["data"].as_array().expect("an array").len(), 2);
    assert_eq!(
        json["meta"]["pagination"],
        json!({
            "total": 42, "page": null, "limit": 2, "totalPages": null,
            "hasMore": true, "nextCursor": "abc", "totalCapped": false,
        })
    );
    assert_eq!(answer.header("etag"), None);
    let request = users::ListUsersRequest::decode(gateway.services.only().message);
    let request = request.expect("a message");
    assert_eq!(
        (request.limit, request.q.as_deref()),
        (Some(2), Some("a b"))
    );
    assert_eq!(request.role, Some(users::user::Role::Admin as i32));
}

#[tokio::test]
async fn an_empty_list_is_an_empty_array() {
    let gateway = Gateway::start().await;
    gateway.services.reply(
        "ListUsers",
        Reply::message(&users::ListUsersResponse::default()),
    );
    let token = gateway.admin();
    let json = gateway
        .get("/api/v1/users")
        .bearer(&token)
        .send()
        .await
        .json();
    assert_eq!(json["data"], json!([]));
}

#[tokio::test]
async fn a_creation_is_201_and_says_whether_it_is_a_replay() {
    let gateway = Gateway::start().await;
    let project = projects::Project {
        etag: "1.1".into(),
        ..projects::Project::default()
    };
    let reply = Reply::with(&project, &[("idempotency-replayed", "true")]);
    gateway.services.reply("CreateProject", reply);
    let token = gateway.member();
    let request = gateway.post("/api/v1/projects").bearer(&token);
    let answer = request
        .header("idempotency-key", "k-1")
        .json("{\"name\":\"Engine\"}")
        .send()
        .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(answer.header("etag"), Some("\"1.1\""));
    assert_eq!(gateway.services.only().metadata["idempotency-key"], "k-1");
}

#[tokio::test]
async fn nothing_to_return_is_null() {
    let gateway = Gateway::start().await;
    gateway.services.reply("DeleteProject", Reply::message(&()));
    let token = gateway.member();
    let request = gateway
        .request("DELETE", "/api/v1/projects/p")
        .bearer(&token);
    let answer = request.header("if-match", "\"3.1\"").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"], json!(null));
    assert_eq!(gateway.services.only().metadata["if-match"], "\"3.1\"");
}

#[tokio::test]
async fn a_well_known_document_stands_bare_and_may_be_cached() {
    let gateway = Gateway::start().await;
    let keys = auth::Jwks {
        keys: vec![auth::Jwk {
            kid: "one".into(),
            ..auth::Jwk::default()
        }],
    };
    gateway.services.reply("GetJwks", Reply::message(&keys));
    let answer = gateway.get("/.well-known/jwks.json").send().await;
    assert_eq!(answer.json()["keys"][0]["kid"], "one");
    assert_eq!(answer.json().get("success"), None);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn what_carries_tokens_is_not_stored() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .reply("Login", Reply::message(&auth::LoginResponse::default()));
    let login = || gateway.post("/api/v1/auth/login");
    let answer = login()
        .json("{\"email\":\"a\",\"password\":\"b\"}")
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store"))
    );
    let answer = login().json("{").send().await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (400, Some("no-store"))
    );
}

#[tokio::test]
async fn a_refusal_keeps_its_code_status_and_details() {
    let gateway = Gateway::start().await;
    let token = gateway.member();
    let details = json!({"projects": [{"id": "1", "name": "Engine"}]});
    let object = details.as_object().expect("an object").clone();
    for (reply, status, code, details) in [
        (
            Reply::failure(|| Error::new(Kind::NotFound, "PROJECT_NOT_FOUND", "No such project.")),
            404,
            "PROJECT_NOT_FOUND",
            json!(null),
        ),
        (
            Reply::failure(|| Error::new(Kind::EtagMismatch, "ETAG_MISMATCH", "Read it again.")),
            412,
            "ETAG_MISMATCH",
            json!(null),
        ),
        (
            Reply::failure(|| Error::invalid_field("name", "TOO_LONG", "at most 100")),
            400,
            "VALIDATION_FAILED",
            json!([{"field": "name", "code": "TOO_LONG", "message": "at most 100"}]),
        ),
        (
            Reply::failure(move || {
                Error::new(Kind::FailedPrecondition, "LAST_OWNER", "No.")
                    .with_details(object.clone())
            }),
            409,
            "LAST_OWNER",
            details,
        ),
    ] {
        gateway.services.reply("GetProject", reply);
        let answer = gateway
            .get("/api/v1/projects/p")
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.failure(), (status, code.to_owned()));
        assert_eq!(answer.json()["error"]["details"], details);
    }
}

#[tokio::test]
async fn what_went_wrong_inside_stays_inside() {
    let gateway = Gateway::start().await;
    let token = gateway.member();
    for reply in [
        Reply::failure(|| Error::internal("the password of the database is hunter2")),
        Reply::Raw(b"\0\0\0\0\x02\xff\xff".as_slice().into()),
        Reply::Raw(b"\x01\0\0\0\0".as_slice().into()),
        Reply::Panic,
    ] {
        gateway.services.reply("GetProject", reply);
        let answer = gateway
            .get("/api/v1/projects/p")
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.failure(), (500, "INTERNAL_ERROR".to_owned()));
        assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"));
    }
}

#[tokio::test]
async fn whoever_must_wait_learns_how_long() {
    let gateway = Gateway::start().await;
    let limited = || {
        Error::new(Kind::ResourceExhausted, "TOO_MANY_ATTEMPTS", "Wait.")
            .with_retry_after(Duration::from_secs(30))
    };
    gateway.services.reply("Login", Reply::failure(limited));
    let request = gateway.post("/api/v1/auth/login");
    let answer = request
        .json("{\"email\":\"a\",\"password\":\"b\"}")
        .send()
        .await;
    assert_eq!(answer.failure(), (429, "TOO_MANY_ATTEMPTS".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("30"));
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let gateway = Gateway::start().await;
    gateway.services.reply("GetUser", Reply::message(&ada()));
    let token = gateway.member();
    let get = gateway.get("/api/v1/users/u").bearer(&token).send().await;
    let head = gateway
        .request("HEAD", "/api/v1/users/u")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    for name in ["content-type", "etag", "cache-control", "content-length"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let unknown = gateway.request("HEAD", "/api/v1/nothing").send().await;
    assert_eq!((unknown.status, unknown.body.len()), (404, 0));
}

#[tokio::test]
async fn a_view_that_is_known_is_not_sent_again() {
    let gateway = Gateway::start().await;
    gateway.services.reply("GetUser", Reply::message(&ada()));
    let token = gateway.member();
    for tags in ["\"3.12\"", "W/\"3.12\", \"1.0\"", "*"] {
        let request = gateway.get("/api/v1/users/u").bearer(&token);
        let answer = request.header("if-none-match", tags).send().await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{tags}");
        assert_eq!(answer.header("etag"), Some("\"3.12\""));
        assert_eq!(answer.header("content-type"), None);
    }
    let request = gateway.get("/api/v1/users/u").bearer(&token);
    assert_eq!(
        request
            .header("if-none-match", "\"3.11\"")
            .send()
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_patch_names_the_fields_that_are_present() {
    let gateway = Gateway::start().await;
    gateway.services.reply("UpdateUser", Reply::message(&ada()));
    let token = gateway.member();
    for (body, paths) in [
        ("{\"name\":\"Ada\",\"avatar\":null}", vec!["name", "avatar"]),
        ("{}", vec![]),
        ("", vec![]),
    ] {
        let request = gateway.request("PATCH", "/api/v1/users/u").bearer(&token);
        assert_eq!(request.json(body).send().await.status, 200);
        let message = gateway.services.asked().pop().expect("a call").message;
        let request = users::UpdateUserRequest::decode(message).expect("a message");
        assert_eq!(request.id, "u");
        assert_eq!(request.update_mask.expect("a mask").paths, paths, "{body}");
    }
}

#[tokio::test]
async fn large_answers_are_compressed_unless_they_carry_tokens() {
    let gateway = Gateway::start().await;
    let page = users::ListUsersResponse {
        users: vec![ada(); 20],
        page_info: None,
    };
    gateway.services.reply("ListUsers", Reply::message(&page));
    let login = auth::LoginResponse {
        token: Some("t".repeat(5000)),
        ..auth::LoginResponse::default()
    };
    gateway.services.reply("Login", Reply::message(&login));
    gateway.services.reply("GetUser", Reply::message(&ada()));
    let token = gateway.admin();
    for coding in ["gzip", "br", "zstd"] {
        let list = gateway.get("/api/v1/users").bearer(&token);
        let list = list.header("accept-encoding", coding).send().await;
        assert_eq!(list.header("content-encoding"), Some(coding));
        assert!(list.body.len() < 1000);
    }
    let small = gateway.get("/api/v1/users/u").bearer(&token);
    let small = small.header("accept-encoding", "gzip").send().await;
    assert_eq!(small.header("content-encoding"), None);
    let secret = gateway
        .post("/api/v1/auth/login")
        .header("accept-encoding", "gzip");
    let secret = secret
        .json("{\"email\":\"a\",\"password\":\"b\"}")
        .send()
        .await;
    assert_eq!(
        (secret.status, secret.header("content-encoding")),
        (200, None)
    );
}
