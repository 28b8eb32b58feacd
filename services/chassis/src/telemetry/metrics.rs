//! The metrics of a process, by OpenTelemetry's semantic conventions.

mod lag;
mod tls;

use std::{
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        exemplar::HistogramWithExemplars,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};
use tracing::Span;

pub use self::lag::EventLag;
use self::{
    lag::{LagLabels, Silence},
    tls::TlsMetrics,
};
use super::exported_trace;
use crate::clock::Clock;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RpcLabels {
    rpc_service: &'static str,
    rpc_method: &'static str,
    rpc_grpc_status_code: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    http_request_method: &'static str,
    http_route: &'static str,
    http_response_status_code: u16,
}

/// Leads from a figure to a request that it was measured at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Exemplar {
    trace_id: String,
}

impl Exemplar {
    fn of(span: &Span) -> Option<Self> {
        exported_trace(span).map(|trace_id| Self { trace_id })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    db_client_connection_pool_name: &'static str,
    db_client_connection_state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    policy: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LiveLabels {
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MailLabels {
    status: &'static str,
}

/// The metrics of a process.
pub struct Metrics {
    registry: Registry,
    /// What is looked at whenever the metrics are read.
    looks: Mutex<Vec<Look>>,
    rpc: Family<RpcLabels, Durations, fn() -> Durations>,
    active_rpcs: Gauge,
    http: Family<HttpLabels, Durations, fn() -> Durations>,
    active: Gauge,
    connections: Family<ConnectionLabels, Gauge>,
    revocations_age: Gauge<f64, AtomicU64>,
    events_lag: Family<LagLabels, Histogram, fn() -> Histogram>,
    events_silence: Family<LagLabels, Silence>,
    limited: Family<LimitLabels, Counter>,
    live_connections: Family<LiveLabels, Gauge>,
    live_changes: Family<LiveLabels, Counter>,
    live_resyncs: Family<LiveLabels, Counter>,
    live_lag: Histogram,
    mail_attempts: Family<MailLabels, Counter>,
    mail_jobs: Family<MailLabels, Gauge>,
    tls: TlsMetrics,
    /// Password hashes that wait for a thread or run on one.
    pub password_hashes: Gauge,
    /// Password hashes that were refused because too many waited.
    pub password_hashes_shed: Counter,
}

/// Durations, with requests as examples of them.
type Durations = HistogramWithExemplars<Exemplar>;

/// Sets metrics to what is at the moment.
type Look = Box<dyn Fn(&Metrics) + Send + Sync>;

/// 0.5 ms to 16 s.
fn buckets() -> impl Iterator<Item = f64> {
    exponential_buckets(0.0005, 2.0, 16)
}

fn seconds() -> Histogram {
    Histogram::new(buckets())
}

fn durations() -> Durations {
    Durations::new(buckets())
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let rpc = Family::new_with_constructor(durations as fn() -> Durations);
        let active_rpcs = Gauge::default();
        let http = Family::new_with_constructor(durations as fn() -> Durations);
        let active = Gauge::default();
        let connections = Family::default();
        let revocations_age = Gauge::default();
        let events_lag = Family::new_with_constructor(seconds as fn() -> Histogram);
        let events_silence = Family::default();
        let limited = Family::default();
        let live_connections = Family::default();
        let live_changes = Family::default();
        let live_resyncs = Family::default();
        let live_lag = seconds();
        let mail_attempts = Family::default();
        let mail_jobs = Family::default();
        let password_hashes = Gauge::default();
        let password_hashes_shed = Counter::default();
        registry.register(
            "portico_build",
            "The program that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_with_unit(
            "rpc_server_call_duration",
            "Duration of RPCs on the serving side",
            Unit::Seconds,
            rpc.clone(),
        );
        registry.register(
            "rpc_server_active_calls",
            "RPCs in progress until their answer begins",
            active_rpcs.clone(),
        );
        registry.register_with_unit(
            "http_server_request_duration",
            "Duration of HTTP requests",
            Unit::Seconds,
            http.clone(),
        );
        registry.register(
            "http_server_active_requests",
            "HTTP requests in progress",
            active.clone(),
        );
        registry.register(
            "db_client_connection_count",
            "Connections to databases, by whether they are in use",
            connections.clone(),
        );
        registry.register_with_unit(
            "portico_revocations_age",
            "Time since it was last known that no revocation is missing",
            Unit::Seconds,
            revocations_age.clone(),
        );
        registry.register_with_unit(
            "portico_events_lag",
            "Time from an event to its having been dealt with, by who follows whom",
            Unit::Seconds,
            events_lag.clone(),
        );
        registry.register_with_unit(
            "portico_events_silence",
            "Time since a stream of events, or its heartbeat, was last heard, by who follows whom",
            Unit::Seconds,
            events_silence.clone(),
        );
        registry.register(
            "portico_rate_limited_requests",
            "Requests refused by a rate limit",
            limited.clone(),
        );
        registry.register(
            "portico_live_connections",
            "Clients that hear of changes",
            live_connections.clone(),
        );
        registry.register(
            "portico_live_changes",
            "Changes told to clients",
            live_changes.clone(),
        );
        registry.register(
            "portico_live_resyncs",
            "Times that a client had to be told to resynchronise",
            live_resyncs.clone(),
        );
        registry.register_with_unit(
            "portico_live_lag",
            "Time from a change to its telling",
            Unit::Seconds,
            live_lag.clone(),
        );
        registry.register(
            "portico_mail_attempts",
            "Attempts to send a mail, by what became of it",
            mail_attempts.clone(),
        );
        registry.register(
            "portico_mail_jobs",
            "Mails that are not sent, by how far they have come",
            mail_jobs.clone(),
        );
        registry.register(
            "portico_password_hashes_active",
            "Password hashes that wait or run",
            password_hashes.clone(),
        );
        registry.register(
            "portico_password_hashes_shed",
            "Password hashes refused because too many waited",
            password_hashes_shed.clone(),
        );
        let tls = TlsMetrics::register(&mut registry);
        Self {
            registry,
            looks: Mutex::default(),
            rpc,
            active_rpcs,
            http,
            active,
            connections,
            revocations_age,
            events_lag,
            events_silence,
            limited,
            live_connections,
            live_changes,
            live_resyncs,
            live_lag,
            mail_attempts,
            mail_jobs,
            tls,
            password_hashes,
            password_hashes_shed,
        }
    }
}

impl Metrics {
    /// Sets metrics whenever they are read, to what is at that moment.
    pub fn look(&self, look: impl Fn(&Self) + Send + Sync + 'static) {
        self.looks().push(Box::new(look));
    }

    fn looks(&self) -> std::sync::MutexGuard<'_, Vec<Look>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an RPC as in progress until the guard is dropped.
    #[must_use]
    pub fn begin_rpc(&self) -> InProgress {
        self.active_rpcs.inc();
        InProgress(self.active_rpcs.clone())
    }

    /// Counts an RPC, which `span` stands for in traces.
    pub fn observe_rpc(&self, path: &'static str, code: i32, took: Duration, span: &Span) {
        let (rpc_service, rpc_method) = super::split_path(path);
        let labels = RpcLabels {
            rpc_service,
            rpc_method,
            rpc_grpc_status_code: code,
        };
        let durations = self.rpc.get_or_create(&labels);
        durations.observe(took.as_secs_f64(), Exemplar::of(span), None);
    }

    /// Counts an HTTP request, which `span` stands for in traces. `route` is the
    /// template, never the path, so that the number of series stays bounded.
    pub fn observe_http(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        took: Duration,
        span: &Span,
    ) {
        let labels = HttpLabels {
            http_request_method: method,
            http_route: route,
            http_response_status_code: status,
        };
        let durations = self.http.get_or_create(&labels);
        durations.observe(took.as_secs_f64(), Exemplar::of(span), None);
    }

    /// Counts an HTTP request as in progress until the guard is dropped.
    #[must_use]
    pub fn begin_http(&self) -> InProgress {
        self.active.inc();
        InProgress(self.active.clone())
    }

    /// Notes how many connections to a database there are, and how many of them
    /// nobody uses.
    pub fn set_connections(&self, pool: &'static str, size: u32, idle: usize) {
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
        for (state, count) in [("idle", idle), ("used", size - idle)] {
            let labels = ConnectionLabels {
                db_client_connection_pool_name: pool,
                db_client_connection_state: state,
            };
            self.connections.get_or_create(&labels).set(count.into());
        }
    }

    /// Notes how long it is known that no revocation is missing.
    pub fn set_revocations_age(&self, age: Duration) {
        self.revocations_age.set(age.as_secs_f64());
    }

    /// Where it is noted how late `consumer` deals with the events of `source`.
    #[must_use]
    pub fn event_lag(
        &self,
        consumer: &'static str,
        source: &'static str,
        clock: Clock,
    ) -> EventLag {
        let labels = LagLabels { consumer, source };
        EventLag::new(
            source,
            self.events_lag.get_or_create(&labels).clone(),
            self.events_silence.get_or_create(&labels).clone(),
            clock,
        )
    }

    /// Counts a request that a rate limit refused.
    pub fn rate_limited(&self, policy: &'static str) {
        self.limited.get_or_create(&LimitLabels { policy }).inc();
    }

    /// Counts a client as connected, by `socket` or `stream`, until the guard
    /// is dropped.
    #[must_use]
    pub fn begin_live(&self, transport: &'static str) -> InProgress {
        let connections = self
            .live_connections
            .get_or_create(&LiveLabels { transport })
            .clone();
        connections.inc();
        InProgress(connections)
    }

    /// Counts a change as told to so many clients.
    pub fn live_told(&self, transport: &'static str, clients: u64) {
        let labels = LiveLabels { transport };
        self.live_changes.get_or_create(&labels).inc_by(clients);
    }

    /// Counts a client that is told to resynchronise.
    pub fn live_resync(&self, transport: &'static str) {
        let labels = LiveLabels { transport };
        self.live_resyncs.get_or_create(&labels).inc();
    }

    /// Notes how long after a change clients are told of it.
    pub fn live_lag(&self, lag: Duration) {
        self.live_lag.observe(lag.as_secs_f64());
    }

    /// Counts an attempt to send a mail.
    pub fn mail_attempted(&self, status: &'static str) {
        self.mail_attempts
            .get_or_create(&MailLabels { status })
            .inc();
    }

    /// Notes how many mails have this status.
    pub fn set_mail_jobs(&self, status: &'static str, count: i64) {
        self.mail_jobs
            .get_or_create(&MailLabels { status })
            .set(count);
    }

    /// All metrics as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        for look in &*self.looks() {
            look(self);
        }
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }
}

/// Something that is counted as long as it goes on.
pub struct InProgress(Gauge);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_their_conventional_names() {
        let metrics = Metrics::default();
        metrics.observe_rpc(
            "/portico.users.v1.UsersService/GetUser",
            0,
            Duration::from_millis(1),
            &Span::none(),
        );
        let took = Duration::from_millis(1);
        metrics.observe_http("GET", "/api/v1/users/{id}", 200, took, &Span::none());
        drop(metrics.begin_http());
        let _connected = metrics.begin_live("socket");
        metrics.live_told("socket", 3);
        metrics.live_resync("stream");
        metrics.live_lag(Duration::from_millis(1));
        let text = metrics.text();
        assert!(text.contains("rpc_server_call_duration_seconds_count{rpc_service=\"portico.users.v1.UsersService\",rpc_method=\"GetUser\""));
        assert!(text.contains("http_server_request_duration_seconds_bucket{"));
        assert!(text.contains("http_server_active_requests 0"));
        assert!(text.contains("portico_live_connections{transport=\"socket\"} 1"));
        assert!(text.contains("portico_live_changes_total{transport=\"socket\"} 3"));
        assert!(text.contains("portico_live_resyncs_total{transport=\"stream\"} 1"));
        assert!(text.contains("portico_live_lag_seconds_count 1"));
        metrics.mail_attempted("SENT");
        metrics.set_mail_jobs("QUEUED", 2);
        let text = metrics.text();
        assert!(text.contains("portico_mail_attempts_total{status=\"SENT\"} 1"));
        assert!(text.contains("portico_mail_jobs{status=\"QUEUED\"} 2"));
    }
}
