//! Spans for an OpenTelemetry collector. Whether they are wanted is decided where
//! a trace comes into the process, before a span of it is made: what nobody wants
//! costs nothing.

use std::{cell::Cell, fmt, sync::OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, TraceId,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{SpanKind, TraceContextExt, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{
        Config, IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision, SdkTracerProvider,
        ShouldSample,
    },
};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer, registry::LookupSpan};

use crate::caller::metadata::TRACEPARENT;

/// What is less important is in no trace.
const MOST: Level = Level::INFO;

/// Says which traces are wanted, once spans are exported. Where they are not,
/// trace context is only passed on.
static SAMPLER: OnceLock<Box<dyn ShouldSample>> = OnceLock::new();

thread_local! {
    /// Whether the first span of a trace that is wanted is being made.
    static BEGINS: Cell<bool> = const { Cell::new(false) };
}

/// Exports spans. Where to and how, and which traces, is read from the standard
/// `OTEL_*` variables by the SDK itself.
pub(super) fn exporter(service: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .build()?;
    let resource = Resource::builder()
        .with_service_name(format!("portico-{service}"))
        .build();
    SAMPLER.get_or_init(|| Config::default().sampler);
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .with_sampler(Sampler::AlwaysOn)
        .build())
}

/// Hands spans to the exporter.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // Without the hint every event of every library would be looked at, of which
    // HTTP/2 alone has hundreds for a request.
    let filter = dynamic_filter_fn(is_traced).with_max_level_hint(MOST);
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("portico"))
        .with_filter(filter)
}

/// Whether a span is exported: if it begins a trace, or is part of one. Looking
/// for work, which nobody asked for, would fill the collector with traces of one
/// statement.
fn is_traced<S>(metadata: &Metadata<'_>, around: &layer::Context<'_, S>) -> bool
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    *metadata.level() <= MOST && (BEGINS.get() || around.lookup_current().is_some())
}

/// The first span of a request in this process, in the trace that its headers
/// name (W3C Trace Context) or a new one, if such a trace is exported.
pub fn enter(headers: &HeaderMap, make: impl FnOnce() -> Span) -> Span {
    begin(&Headers(headers), make).0
}

/// The span of what is done later than it was asked for, in the trace in which
/// that was written down, and linked to it: the two do not overlap.
pub fn enter_later(traceparent: Option<&str>, make: impl FnOnce() -> Span) -> Span {
    let (span, cause) = begin(&Written(traceparent), make);
    if let Some(cause) = cause.filter(TraceContextExt::has_active_span) {
        span.add_link(cause.span().span_context().clone());
    }
    span
}

/// The span, and what it is part of if it is exported.
fn begin(carrier: &dyn Extractor, make: impl FnOnce() -> Span) -> (Span, Option<Context>) {
    let Some(sampler) = SAMPLER.get() else {
        return (make(), None);
    };
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    if !is_wanted(&**sampler, &parent) {
        return (make(), None);
    }
    BEGINS.set(true);
    let span = make();
    BEGINS.set(false);
    if parent.has_active_span() {
        // It fails only for a span that no layer records.
        let _ = span.set_parent(parent.clone());
    }
    (span, Some(parent))
}

fn is_wanted(sampler: &dyn ShouldSample, parent: &Context) -> bool {
    let known = parent.span().span_context().trace_id();
    let trace = match known {
        TraceId::INVALID => RandomIdGenerator::default().new_trace_id(),
        known => known,
    };
    let result = sampler.should_sample(Some(parent), trace, "", &SpanKind::Server, &[], &[]);
    result.decision == SamplingDecision::RecordAndSample
}

/// Names a span once it is known what it is about. Its `otel.name` would come too
/// late: the span has begun as soon as another process was told of it.
pub fn name_span(span: &Span, name: fmt::Arguments<'_>) {
    if let Some(context) = exported(span) {
        context.span().update_name(name.to_string());
    }
}

/// The id of the trace that the span belongs to, if the trace is exported.
pub(crate) fn exported_trace(span: &Span) -> Option<String> {
    let context = exported(span)?;
    Some(context.span().span_context().trace_id().to_string())
}

fn exported(span: &Span) -> Option<Context> {
    SAMPLER.get()?;
    Some(span.context()).filter(TraceContextExt::has_active_span)
}

/// Names the current span in the headers of a request to another process, which
/// are to name the trace already. If spans are exported and that one is not,
/// those that it leads to are not wanted either; if none are, what is there
/// stays.
pub fn pass_trace_on(headers: &mut HeaderMap) {
    if SAMPLER.get().is_none() {
        return;
    }
    match exported(&Span::current()) {
        Some(context) => {
            TraceContextPropagator::new().inject_context(&context, &mut Named(headers));
        }
        None => {
            let named = headers
                .get(TRACEPARENT)
                .and_then(|named| named.to_str().ok());
            let unwanted = named.and_then(not_sampled);
            if let Some(unwanted) = unwanted.and_then(|named| named.try_into().ok()) {
                headers.insert(TRACEPARENT, unwanted);
            }
        }
    }
}

/// A traceparent that says that its trace is sampled, without that flag (W3C
/// Trace Context, section 3.2.2.5.1).
fn not_sampled(traceparent: &str) -> Option<String> {
    const SAMPLED: u8 = 1;
    let (trace, flags) = traceparent.rsplit_once('-')?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (flags & SAMPLED != 0).then(|| format!("{trace}-{:02x}", flags & !SAMPLED))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Named<'a>(&'a mut HeaderMap);

impl Injector for Named<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// A trace context that was written down, which may be none.
struct Written<'a>(Option<&'a str>);

impl Extractor for Written<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flag_of_what_is_sampled_is_taken_away() {
        let named =
            |flags: &str| format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        for (before, after) in [("01", "00"), ("03", "02"), ("ff", "fe")] {
            assert_eq!(not_sampled(&named(before)), Some(named(after)));
        }
        for unchanged in [&named("00"), &named("02"), &named("zz"), "", "-"] {
            assert_eq!(not_sampled(unchanged), None, "{unchanged}");
        }
    }
}
