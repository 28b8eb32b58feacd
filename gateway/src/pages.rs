//! What the gateway answers itself, outside the API: its health, the OpenAPI
//! document, the documentation page, and a page at `/`.

use std::sync::{Arc, OnceLock};

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
use portico_proto::{COMMENTED_DESCRIPTOR_SET, METHODS};
use prost_reflect::DescriptorPool;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    config::Config, docs, envelope::write_timestamp, headers::none_match_names, links, mailbox,
    openapi,
};

/// The paths of everything but assets, as names for metrics.
pub(crate) const PATHS: [&str; 12] = [
    "/",
    "/health",
    "/livez",
    "/readyz",
    "/api/openapi.json",
    "/docs",
    mailbox::PATH,
    links::PATHS[0],
    links::PATHS[1],
    links::PATHS[2],
    links::PATHS[3],
    links::PATHS[4],
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
pub(crate) fn router(config: &Config, readiness: Arc<Readiness>, clock: Clock) -> Router {
    let document = Arc::new(Document::new(config.public_url.clone()));
    let mailbox = config.mailbox.as_deref();
    let mailbox = mailbox.map(|folder| mailbox::router(folder, &config.public_url));
    Router::new()
        .route("/", get(async || Html(WELCOME)))
        .route(
            "/api/openapi.json",
            get(async move |headers| document.answer(&headers)),
        )
        .route("/health", get(health))
        .with_state((readiness.clone(), clock))
        .merge(probes(readiness))
        .merge(docs::router())
        .merge(links::router())
        .merge(mailbox.unwrap_or_default())
        .fallback(async || (StatusCode::NOT_FOUND, "Not found.\n"))
}

/// The OpenAPI document. It is written when it is first asked for: most
/// processes never are, and the contracts with their comments take more time
/// and memory than the rest of a start.
struct Document {
    public_url: String,
    written: OnceLock<Written>,
}

/// A document as it is sent.
struct Written {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Document {
    fn new(public_url: String) -> Self {
        Self {
            public_url,
            written: OnceLock::new(),
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        match self.written() {
            Ok(written) => written.answer(asked),
            Err(error) => {
                tracing::error!(%error, "the OpenAPI document cannot be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    fn written(&self) -> anyhow::Result<&Written> {
        if let Some(written) = self.written.get() {
            return Ok(written);
        }
        let pool = DescriptorPool::decode(COMMENTED_DESCRIPTOR_SET)?;
        let written = Written::new(&openapi::document(&pool, METHODS, &self.public_url))?;
        Ok(self.written.get_or_init(|| written))
    }
}

impl Written {
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
