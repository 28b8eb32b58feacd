//! Logs, traces and metrics. Logs are readable lines or JSON; spans go to an
//! OpenTelemetry collector when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; metrics
//! are served in the OpenMetrics format, named by OpenTelemetry's semantic
//! conventions.

mod json;
mod metrics;

use std::{fmt, io::IsTerminal as _, sync::OnceLock};

use anyhow::Context as _;
use http::HeaderMap;
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Level, Metadata, Span, Subscriber, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::dynamic_filter_fn,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt as _,
};

pub use self::metrics::{EventLag, InProgress, Metrics};

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

/// Whether spans are exported. Where not, trace context is only passed on.
static IS_EXPORTING: OnceLock<()> = OnceLock::new();

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
    let provider = is_exporting.then(|| exporter(service)).transpose()?;
    // What is logged does not decide on what is traced.
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("portico"))
            .with_filter(dynamic_filter_fn(is_traced))
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()?;
    LEVEL.get_or_init(|| handle);
    if provider.is_some() {
        IS_EXPORTING.get_or_init(|| ());
    }
    Ok(Telemetry { provider })
}

/// Whether a span is exported: looking for work, which nobody asked for, would
/// fill the collector with traces of one statement.
fn is_traced<S>(metadata: &Metadata<'_>, around: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let is_of_database = || metadata.fields().field("db.system.name").is_some();
    *metadata.level() <= Level::INFO && (!is_of_database() || around.lookup_current().is_some())
}

fn exporter(service: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .build()?;
    let resource = Resource::builder()
        .with_service_name(format!("portico-{service}"))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
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
    let span = tracing::info_span!(
        "rpc",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
        request_id = Empty,
    );
    continue_trace(&span, headers);
    span
}

/// Names a span once it is known what it is about. Its `otel.name` would come too
/// late: the span has begun as soon as another process was told of it.
pub fn name_span(span: &Span, name: fmt::Arguments<'_>) {
    if IS_EXPORTING.get().is_some() {
        span.context().span().update_name(name.to_string());
    }
}

/// Makes the span part of the trace that the headers name, if spans are
/// exported (W3C Trace Context).
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if IS_EXPORTING.get().is_some() && headers.contains_key("traceparent") {
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        // It fails only for a span that no layer records.
        let _ = span.set_parent(context);
    }
}

/// Makes the span part of the trace in which its cause was written down, and
/// links it to that: what is done now and what asked for it do not overlap.
pub fn continue_later(span: &Span, traceparent: &str) {
    if IS_EXPORTING.get().is_none() {
        return;
    }
    if let Ok(value) = http::HeaderValue::from_str(traceparent) {
        let name = http::HeaderName::from_static("traceparent");
        let headers = HeaderMap::from_iter([(name, value)]);
        let cause = TraceContextPropagator::new().extract(&Headers(&headers));
        span.add_link(cause.span().span_context().clone());
        let _ = span.set_parent(cause);
    }
}

/// The id of the trace that the span belongs to, if the trace is exported.
pub(crate) fn exported_trace(span: &Span) -> Option<String> {
    IS_EXPORTING.get()?;
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_sampled().then(|| context.trace_id().to_string())
}

/// Names the current span in the headers of a request to another process; or
/// leaves what is there, if spans are not exported.
pub fn pass_trace_on(headers: &mut HeaderMap) {
    if IS_EXPORTING.get().is_none() {
        return;
    }
    let mut carrier = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    for (name, value) in carrier {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(name),
            http::HeaderValue::try_from(value),
        ) {
            headers.insert(name, value);
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
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
