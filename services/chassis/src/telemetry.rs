//! Logs, traces and metrics. Logs are readable lines or JSON; spans go to an
//! OpenTelemetry collector when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; metrics
//! are served in the OpenMetrics format, named by OpenTelemetry's semantic
//! conventions.

mod json;
mod metrics;
mod traces;

use std::{io::IsTerminal as _, sync::OnceLock};

use anyhow::Context as _;
use http::HeaderMap;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Span, field::Empty};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

pub(crate) use self::traces::exported_trace;
pub use self::{
    metrics::{EventLag, InProgress, Metrics},
    traces::{enter, enter_later, name_span, pass_trace_on},
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// What [`init`] set up; to be kept until the process ends.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Which events are logged, once that is set up.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sets up logs and traces for the process. Spans are exported if
/// `is_exporting`; where to and how is read from the standard `OTEL_*`
/// variables by the exporter itself.
///
/// # Errors
///
/// If the exporter cannot be made, or telemetry is set up already.
pub fn init(
    service: &str,
    format: LogFormat,
    level: &str,
    is_exporting: bool,
) -> anyhow::Result<Telemetry> {
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(level)?);
    let lines = match format {
        LogFormat::Pretty => tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .fmt_fields(json::Fields)
            .event_format(json::Lines)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let provider = is_exporting
        .then(|| traces::exporter(service))
        .transpose()?;
    // Without the hint nothing would be known to be too unimportant for the log.
    let told = filter_fn(is_told).with_max_level_hint(LevelFilter::TRACE);
    // What is logged does not decide on what is traced.
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(told)))
        .with(provider.as_ref().map(traces::layer))
        .try_init()?;
    LEVEL.get_or_init(|| handle);
    Ok(Telemetry { provider })
}

/// Whether a span or an event may be part of a log line. That of a statement says
/// nothing there that people look for.
fn is_told(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() || metadata.fields().field("db.system.name").is_none()
}

impl Telemetry {
    /// Sends what is left to the collector.
    pub fn shutdown(&self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// Which events are logged, in `RUST_LOG`'s syntax; nothing, if no log is set
/// up.
#[must_use]
pub fn level() -> Option<String> {
    LEVEL.get()?.with_current(ToString::to_string).ok()
}

/// Changes which events are logged, until the process ends.
///
/// # Errors
///
/// If the syntax is not that of `RUST_LOG`, or no log is set up.
pub fn set_level(level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(level)?;
    let handle = LEVEL.get().context("no log is set up")?;
    Ok(handle.reload(filter)?)
}

/// The span of one RPC on the serving side.
pub fn rpc_span(path: &'static str, headers: &HeaderMap) -> Span {
    let (service, method) = split_path(path);
    enter(headers, || {
        tracing::info_span!(
            "rpc",
            otel.name = path.trim_start_matches('/'),
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.service = service,
            rpc.method = method,
            rpc.grpc.status_code = Empty,
            request_id = Empty,
        )
    })
}

/// Service and method of `/package.Service/Method`.
pub(crate) fn split_path(path: &str) -> (&str, &str) {
    path.trim_start_matches('/')
        .split_once('/')
        .unwrap_or((path, ""))
}

/// The status code of an answer that ended in its headers; 0 for one that goes
/// on, whose handler succeeded.
#[must_use]
pub fn grpc_code(headers: &HeaderMap) -> i32 {
    headers
        .get("grpc-status")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}
