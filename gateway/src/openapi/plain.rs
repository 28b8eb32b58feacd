//! The endpoints of the gateway itself, which no contract describes.

use serde_json::{Map, Value, json};

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
