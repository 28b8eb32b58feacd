//! What holds for every operation, whatever it does: the envelope, the errors,
//! the headers and the ways to sign in. Knows no contract.

use serde_json::{Map, Value, json};

/// A failure that operations can have.
struct Failure {
    status: u16,
    /// The name of the component.
    name: &'static str,
    description: &'static str,
    /// The codes that do not depend on the operation; the first is the example.
    codes: &'static [&'static str],
}

const FAILURES: [Failure; 14] = [
    Failure {
        status: 400,
        name: "BadRequest",
        description: "The request is malformed, or a field or parameter is not as it must be; \
                      `details` names them.",
        codes: &["VALIDATION_FAILED", "MALFORMED_REQUEST"],
    },
    Failure {
        status: 401,
        name: "Unauthorized",
        description: "The caller did not prove who it is.",
        codes: &["UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED"],
    },
    Failure {
        status: 403,
        name: "Forbidden",
        description: "The caller may not do this.",
        codes: &["FORBIDDEN", "SCOPE_MISSING", "ORIGIN_NOT_ALLOWED"],
    },
    Failure {
        status: 404,
        name: "NotFound",
        description: "There is no such thing, or the caller may not see it. The code names the \
                      kind of thing, such as `USER_NOT_FOUND`.",
        codes: &["ROUTE_NOT_FOUND"],
    },
    Failure {
        status: 406,
        name: "NotAcceptable",
        description: "The caller does not accept the media type of the answer.",
        codes: &["NOT_ACCEPTABLE"],
    },
    Failure {
        status: 409,
        name: "Conflict",
        description: "A rule forbids this now; the code names it, such as `LAST_OWNER`.",
        codes: &["IDEMPOTENCY_KEY_IN_USE"],
    },
    Failure {
        status: 412,
        name: "PreconditionFailed",
        description: "The resource is no longer the version that `If-Match` names.",
        codes: &["ETAG_MISMATCH"],
    },
    Failure {
        status: 413,
        name: "ContentTooLarge",
        description: "The body is larger than this installation accepts.",
        codes: &["PAYLOAD_TOO_LARGE"],
    },
    Failure {
        status: 415,
        name: "UnsupportedMediaType",
        description: "The body is no JSON, or is encoded other than by gzip.",
        codes: &["UNSUPPORTED_MEDIA_TYPE"],
    },
    Failure {
        status: 422,
        name: "IdempotencyKeyReused",
        description: "The `Idempotency-Key` was used before for another request.",
        codes: &["IDEMPOTENCY_KEY_REUSED"],
    },
    Failure {
        status: 429,
        name: "TooManyRequests",
        description: "Too many requests, or too many failed attempts on an account.",
        codes: &["RATE_LIMITED", "TOO_MANY_ATTEMPTS"],
    },
    Failure {
        status: 500,
        name: "InternalError",
        description: "A fault of this installation; its log has more under the request's id.",
        codes: &["INTERNAL_ERROR"],
    },
    Failure {
        status: 503,
        name: "ServiceUnavailable",
        description: "A part of this installation does not answer, or has no capacity left.",
        codes: &["SERVICE_UNAVAILABLE"],
    },
    Failure {
        status: 504,
        name: "DeadlineExceeded",
        description: "The answer took too long. Whether a change was made is not known.",
        codes: &["DEADLINE_EXCEEDED"],
    },
];

/// A reference to the response of a failing status.
pub(super) fn failure(status: u16) -> Option<(String, Value)> {
    let failure = FAILURES.iter().find(|failure| failure.status == status)?;
    let reference = format!("#/components/responses/{}", failure.name);
    Some((status.to_string(), json!({"$ref": reference})))
}

/// The `components.responses` of the document.
pub(super) fn responses() -> Map<String, Value> {
    let mut responses = Map::new();
    for failure in &FAILURES {
        let codes: Vec<_> = failure
            .codes
            .iter()
            .map(|code| format!("`{code}`"))
            .collect();
        let mut named = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
        match failure.status {
            401 | 403 => named.push("WWW-Authenticate"),
            429 | 503 => named.push("Retry-After"),
            _ => {}
        }
        let details = match failure.status {
            400 => {
                json!([{"field": "email", "code": "EMAIL_INVALID", "message": "is no e-mail address"}])
            }
            _ => Value::Null,
        };
        let response = json!({
            "description": format!("{} Code: {}.", failure.description, codes.join(" or ")),
            "headers": headers(&named),
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {
                    "success": false,
                    "error": {
                        "code": failure.codes[0],
                        "message": "What went wrong, for people.",
                        "details": details,
                    },
                    "meta": meta_example(),
                },
            }},
        });
        responses.insert(failure.name.to_owned(), response);
    }
    responses
}

/// The envelope around an answer.
pub(super) fn envelope(data: Value, pagination: Option<Value>) -> Value {
    let meta = match pagination {
        None => json!({"$ref": "#/components/schemas/Meta"}),
        Some(pagination) => json!({
            "allOf": [
                {"$ref": "#/components/schemas/Meta"},
                {
                    "type": "object",
                    "required": ["pagination"],
                    "properties": {"pagination": pagination},
                },
            ],
        }),
    };
    json!({
        "type": "object",
        "required": ["success", "data", "meta"],
        "properties": {"success": {"type": "boolean", "const": true}, "data": data, "meta": meta},
    })
}

/// An example of an answer in its envelope.
pub(super) fn envelope_example(data: Value, pagination: Option<Value>) -> Value {
    let mut meta = meta_example();
    if let Some(pagination) = pagination {
        meta["pagination"] = pagination;
    }
    json!({"success": true, "data": data, "meta": meta})
}

fn meta_example() -> Value {
    json!({
        "timestamp": "2026-01-31T09:30:00.000Z",
        "requestId": "019c12f5-5c00-7b21-a1d7-3c5e9f8b2d40",
    })
}

/// The schemas of the envelope, for the `components.schemas`.
pub(super) fn schemas() -> [(String, Value); 3] {
    let meta = json!({
        "type": "object",
        "description": "What is known about an answer.",
        "required": ["timestamp", "requestId"],
        "properties": {
            "timestamp": {
                "description": "When it was made.",
                "type": "string",
                "format": "date-time",
            },
            "requestId": {
                "description": "The request's id, as in `X-Request-Id` and in the logs.",
                "type": "string",
            },
        },
    });
    let detail = json!({
        "type": "object",
        "description": "What is wrong with one field or parameter.",
        "required": ["field", "code", "message"],
        "properties": {
            "field": {"description": "The field or parameter.", "type": "string"},
            "code": {
                "description": "What is wrong, for programs: `REQUIRED`, `TOO_LONG`, ….",
                "type": "string",
                "pattern": "^[A-Z][A-Z0-9_]*$",
            },
            "message": {"description": "What is wrong, for people.", "type": "string"},
        },
    });
    let error = json!({
        "type": "object",
        "description": "A failure.",
        "required": ["success", "error", "meta"],
        "properties": {
            "success": {"type": "boolean", "const": false},
            "error": {
                "type": "object",
                "required": ["code", "message", "details"],
                "properties": {
                    "code": {
                        "description": "What went wrong, for programs; it never changes.",
                        "type": "string",
                        "pattern": "^[A-Z][A-Z0-9_]*$",
                    },
                    "message": {"description": "What went wrong, for people.", "type": "string"},
                    "details": {
                        "description": "A list for `VALIDATION_FAILED`; else null, or an object \
                                        that the code explains.",
                        "oneOf": [
                            {"type": "array", "items": {"$ref": "#/components/schemas/ErrorDetail"}},
                            {"type": "object"},
                            {"type": "null"},
                        ],
                    },
                },
            },
            "meta": {"$ref": "#/components/schemas/Meta"},
        },
    });
    [
        ("Meta".to_owned(), meta),
        ("Error".to_owned(), error),
        ("ErrorDetail".to_owned(), detail),
    ]
}

/// References to the named headers of a response.
pub(super) fn headers(names: &[&str]) -> Value {
    let reference = |name: &&str| {
        let reference = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({"$ref": reference}))
    };
    Value::Object(names.iter().map(reference).collect())
}

/// The `components.headers` of the document.
pub(super) fn header_components() -> Value {
    let text = |description: &str, example: &str| json!({"description": description, "schema": {"type": "string"}, "example": example});
    json!({
        "X-Request-Id": text(
            "The request's id: the caller's own if it sent one of 1 to 128 characters of \
             `A-Za-z0-9._-`, else a new one.",
            "019c12f5-5c00-7b21-a1d7-3c5e9f8b2d40",
        ),
        "RateLimit": text(
            "What is left of the limit that is nearest, and in how many seconds it is full again.",
            "\"user\";r=1199;t=60",
        ),
        "RateLimit-Policy": text("The limits that count.", "\"user\";q=1200;w=60"),
        "Retry-After": {
            "description": "After how many seconds to try again.",
            "schema": {"type": "integer", "minimum": 0},
            "example": 30,
        },
        "WWW-Authenticate": text(
            "How to prove who one is; after `SCOPE_MISSING`, which scope is missing.",
            "Bearer",
        ),
        "ETag": text("The version, for `If-Match` and `If-None-Match`.", "\"7.0\""),
        "Idempotency-Replayed": {
            "description": "`true` where the answer is that of an earlier request with the same \
                            `Idempotency-Key`.",
            "schema": {"type": "string", "const": "true"},
        },
        "Set-Cookie": text(
            "The refresh token of a browser, or its end.",
            "portico_refresh=…; HttpOnly; SameSite=Strict; Path=/api/v1/auth",
        ),
    })
}

/// The `components.parameters` of the document.
pub(super) fn parameters() -> Value {
    json!({
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "Change the resource only if it still is this version.",
            "schema": {"type": "string"},
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "Answer only if the resource is no longer this version.",
            "schema": {"type": "string"},
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes repeating safe: for 24 hours the same key and request get the \
                            first answer again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        },
    })
}

/// The `components.securitySchemes` of the document.
pub(super) fn security_schemes(public_url: &str) -> Value {
    let cookie = match public_url.starts_with("https://") {
        true => "__Secure-portico_refresh",
        false => "portico_refresh",
    };
    json!({
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token, or an API key with the scope that the operation names.",
        },
        "clientBasic": {
            "type": "http",
            "scheme": "basic",
            "description": "A service account's id and key.",
        },
        "eventsTicket": {
            "type": "apiKey",
            "in": "query",
            "name": "ticket",
            "description": "A ticket of `createEventsTicket`, which opens the stream once.",
        },
        "refreshCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie,
            "description": "The refresh token of a browser.",
        },
    })
}
