//! The endpoints of the gateway itself, which no contract describes.

use serde_json::{Map, Value, json};

/// The tag of these endpoints.
pub(super) const TAG: &str = "Gateway";

/// Adds the endpoints to the paths of the document.
pub(super) fn describe(paths: &mut Map<String, Value>) {
    let status = json!({
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string"}},
    });
    let endpoints = [
        (
            "/health",
            "getHealth",
            "Says whether this installation works",
            &status,
            true,
        ),
        (
            "/livez",
            "getLiveness",
            "Says whether this process is up",
            &status,
            false,
        ),
        (
            "/readyz",
            "getReadiness",
            "Says whether this process takes requests",
            &status,
            true,
        ),
        (
            "/api/openapi.json",
            "getOpenapi",
            "Returns this document",
            &json!({"type": "object"}),
            false,
        ),
    ];
    for (path, id, summary, schema, may_be_unavailable) in endpoints {
        let answer = |description: &str| {
            json!({
                "description": description,
                "content": {"application/json": {"schema": schema}},
            })
        };
        let mut responses = json!({"200": answer("It does.")});
        if may_be_unavailable {
            responses["503"] = answer("It does not.");
        }
        let get = json!({
            "operationId": id,
            "tags": [TAG],
            "summary": summary,
            "description": "For everybody.",
            "responses": responses,
            "security": [],
        });
        paths.insert(path.to_owned(), json!({"get": get}));
    }
}
