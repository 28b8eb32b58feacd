//! What the gateway answers itself, outside the API: its health, the OpenAPI
//! document, the documentation page, and a page at `/`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use portico_chassis::{
    clock::Clock,
    serve::{Readiness, probes},
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{docs, envelope::write_timestamp, headers::none_match_names};

/// The paths of everything but assets, as names for metrics.
pub(crate) const PATHS: [&str; 6] = [
    "/",
    "/health",
    "/livez",
    "/readyz",
    "/api/openapi.json",
    "/docs",
];

/// Until a web client takes its place.
const WELCOME: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Portico</title>
<h1>Portico</h1>
<p>The API is at <code>/api/v1</code>: <a href="/docs">documentation</a>,
<a href="/api/openapi.json">OpenAPI document</a>, <a href="/health">health</a>.
</html>
"#;

/// All pages; anything else is not found.
pub(crate) fn router(
    document: &Value,
    readiness: Arc<Readiness>,
    clock: Clock,
) -> anyhow::Result<Router> {
    let document = Document::new(document)?;
    Ok(Router::new()
        .route("/", get(async || Html(WELCOME)))
        .route(
            "/api/openapi.json",
            get(async move |headers| document.answer(&headers)),
        )
        .route("/health", get(health))
        .with_state((readiness.clone(), clock))
        .merge(probes(readiness))
        .merge(docs::router())
        .fallback(async || (StatusCode::NOT_FOUND, "Not found.\n")))
}

/// A document that is written once.
#[derive(Clone)]
struct Document {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Document {
    fn new(document: &Value) -> anyhow::Result<Self> {
        let bytes = Bytes::from(serde_json::to_vec(document)?);
        let hash = Sha256::digest(&bytes);
        let hex: String = hash
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let etag = HeaderValue::try_from(format!("\"{hex}\""))?;
        Ok(Self { bytes, etag })
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let headers = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        if none_match_names(asked, &self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let json = [(header::CONTENT_TYPE, "application/json")];
        (headers, json, self.bytes.clone()).into_response()
    }
}

/// How the process is, for people and for monitors that want more than a status.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    timestamp: String,
    version: &'static str,
    /// The parts that do not answer.
    failing: Vec<&'static str>,
}

async fn health(State((readiness, clock)): State<(Arc<Readiness>, Clock)>) -> Response {
    let failing = readiness.failing().await;
    let (code, status) = if failing.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let mut timestamp = Vec::new();
    write_timestamp(&mut timestamp, clock.now());
    let health = Health {
        status,
        timestamp: String::from_utf8(timestamp).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        failing,
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (code, headers, Json(health)).into_response()
}
