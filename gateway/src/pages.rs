//! What the gateway answers itself, outside the API: its health, the OpenAPI
//! document, the documentation page, and the web client or what stands in for it.

use std::sync::{Arc, OnceLock};

use axum::{
    Json, Router,
    extract::{Request, State},
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
    api::ENVELOPED, config::Config, docs, envelope::write_timestamp, headers::none_match_names,
    links, mailbox, openapi, web,
};

/// The one page among the paths of the API.
const DOCUMENT: &str = "/api/openapi.json";

/// The paths of all but the client and of files, as names for metrics.
const PATHS: [&str; 6] = [
    "/health",
    "/livez",
    "/readyz",
    DOCUMENT,
    "/docs",
    mailbox::PATH,
];

/// What is at `/` where the web client was left out.
const WELCOME: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Portico</title>
<h1>Portico</h1>
<p>The web client was left out of this program: it was built where npm is missing.
<p>The API is at <code>/api/v1</code>: <a href="/docs">documentation</a>,
<a href="/api/openapi.json">OpenAPI document</a>, <a href="/health">health</a>.
</html>
"#;

/// All pages; anything else is not found.
pub(crate) fn router(config: &Config, readiness: Arc<Readiness>, clock: Clock) -> Router {
    let document = Arc::new(Document::new(config.public_url.clone()));
    let mailbox = config.mailbox.as_deref();
    let mailbox = mailbox.map(|folder| mailbox::router(folder, &config.public_url));
    let router = Router::new()
        .route(
            DOCUMENT,
            get(async move |headers| document.answer(&headers)),
        )
        .route("/health", get(health))
        .with_state((readiness.clone(), clock))
        .merge(probes(readiness))
        .merge(docs::router())
        .merge(mailbox.unwrap_or_default());
    match config.web {
        Some(web) => router.fallback(async move |request: Request| web.answer(&request)),
        None => router
            .route("/", get(async || Html(WELCOME)))
            .merge(links::router())
            .fallback(async || web::not_found()),
    }
}

/// The name that a path has in metrics, if it is one of these pages.
pub(crate) fn route(path: &str) -> Option<&'static str> {
    if path.starts_with(ENVELOPED) {
        return (path == DOCUMENT).then_some(DOCUMENT);
    }
    let page = PATHS.iter().find(|page| **page == path);
    page.copied().or_else(|| web::route(path))
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
