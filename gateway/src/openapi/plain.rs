//! The endpoints of the gateway itself, which no contract describes.

use serde_json::{Map, Value, json};

use super::conventions;
use crate::{live, oauth};

/// The tag of these endpoints.
pub(super) const TAG: &str = "Gateway";

/// Adds the endpoints to the paths of the document.
pub(super) fn describe(paths: &mut Map<String, Value>) {
    let text = || json!({"text/plain": {"schema": {"type": "string"}, "example": "ok\n"}});
    let health = || {
        let schema = json!({
            "type": "object",
            "required": ["status", "timestamp"],
            "properties": {
                "status": {"type": "string"},
                "timestamp": {"type": "string", "format": "date-time"},
            },
        });
        json!({"application/json": {"schema": schema}})
    };
    let endpoints = [
        (
            "/health",
            get(
                "getHealth",
                "Says how this installation is",
                health(),
                Some(health()),
            ),
        ),
        (
            "/livez",
            get("getLiveness", "Says that this process is up", text(), None),
        ),
        (
            "/readyz",
            get(
                "getReadiness",
                "Says whether this process can answer requests",
                text(),
                Some(text()),
            ),
        ),
        (
            "/api/openapi.json",
            get(
                "getOpenapi",
                "Returns this document",
                json!({"application/json": {"schema": {"type": "object"}}}),
                None,
            ),
        ),
    ];
    for (path, get) in endpoints {
        paths.insert(path.to_owned(), json!({"get": get}));
    }
    paths.insert(live::stream::PATH.to_owned(), json!({"get": stream()}));
    paths.insert(oauth::PATH.to_owned(), json!({"post": token_endpoint()}));
}

/// Where programs get their tokens. Its form is that of OAuth 2.0.
fn token_endpoint() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let form = json!({
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"type": "string", "enum": ["client_credentials"]},
            "client_id": text("The service account's id, unless it is in the header."),
            "client_secret": text("The service account's key, unless it is in the header."),
            "scope": text("What the token is to be good for, with spaces. Default: all that the key is."),
        },
    });
    let granted = json!({
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": text("The access token, a JWT."),
            "token_type": {"type": "string", "enum": ["Bearer"]},
            "expires_in": {"type": "integer", "description": "For how many seconds it counts."},
            "scope": text("What it is good for."),
        },
    });
    let refused = json!({
        "type": "object",
        "required": ["error", "error_description"],
        "properties": {
            "error": text("The code of RFC 6749, 5.2, such as `invalid_client`."),
            "error_description": text("What is wrong, for people."),
        },
    });
    let named = conventions::headers(&["X-Request-Id", "RateLimit", "RateLimit-Policy"]);
    let answer = |description: &str, schema: &Value| {
        let content = json!({"application/json": {"schema": schema}});
        json!({"description": description, "headers": named, "content": content})
    };
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer("A token.", &granted));
    for (status, description) in [
        ("400", "The request, the grant type or the scope is wrong."),
        ("401", "There is no such client with such a key."),
        ("413", "The form is too long."),
        ("415", "The body is no form."),
        ("429", "Too many requests."),
        ("500", "Something went wrong on our side."),
        ("503", "Not now."),
    ] {
        responses.insert(status.to_owned(), answer(description, &refused));
    }
    json!({
        "operationId": "issueToken",
        "tags": [TAG],
        "summary": "Gives a service account an access token for its key",
        "description": "The client credentials grant of OAuth 2.0 (RFC 6749, 4.4). The key stands \
                        in the header (`client_secret_basic`) or in the form (`client_secret_post`); \
                        it can also be sent as a bearer token itself, without this.\n\n\
                        A service account may call it.",
        "requestBody": {
            "required": true,
            "content": {"application/x-www-form-urlencoded": {"schema": form}},
        },
        "responses": responses,
        "security": [{"clientBasic": []}, {}],
    })
}

/// The stream of live changes.
fn stream() -> Value {
    let example = "event: project:deleted\n\
                   id: 000000000000001f.000000000000000a.0000000000000007\n\
                   data: {\"id\":\"019c12f5-5c00-7b21-a1d7-3c5e9f8b2d40\"}\n\n";
    let id = |name: &str, place: &str, description: &str| {
        json!({
            "name": name, "in": place, "description": description, "schema": {"type": "string"},
        })
    };
    let names: Vec<_> = live::names().map(|name| format!("`{name}`")).collect();
    let mut responses = Map::new();
    responses.insert(
        "200".to_owned(),
        json!({
            "description": format!(
                "Events without end: {}. After `resync`, read anew what you show.",
                names.join(", ")
            ),
            "headers": conventions::headers(&["X-Request-Id", "RateLimit", "RateLimit-Policy"]),
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": example}},
        }),
    );
    let failures = [400, 401, 403, 406, 429, 500, 503, 504];
    responses.extend(failures.into_iter().filter_map(conventions::failure));
    json!({
        "operationId": "streamEvents",
        "tags": [TAG],
        "summary": "Streams the changes of all that the caller may see",
        "description": "Server-sent events, as they happen. The data of an event is the resource as \
                        JSON, or the ids of what is gone. The stream ends with the session and with \
                        the access token; whoever comes back goes on after the id of the last event.\
                        \n\nThe caller must be signed in. An API key needs the scope `events:read`.",
        "parameters": [
            id("Last-Event-ID", "header", "Go on after the event with this id."),
            id("lastEventId", "query", "The same, for clients that cannot send the header."),
        ],
        "responses": responses,
        "security": [{"bearerAuth": []}, {"eventsTicket": []}],
    })
}

fn get(id: &str, summary: &str, content: Value, unavailable: Option<Value>) -> Value {
    let mut responses = json!({"200": {"description": "All is well.", "content": content}});
    if let Some(content) = unavailable {
        responses["503"] = json!({"description": "Not now.", "content": content});
    }
    json!({
        "operationId": id,
        "tags": [TAG],
        "summary": summary,
        "description": "Anybody may call it.",
        "responses": responses,
        "security": [],
    })
}
