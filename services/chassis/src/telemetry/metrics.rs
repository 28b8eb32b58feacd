//! The metrics of a process, by OpenTelemetry's semantic conventions.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

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
    rpc: Family<RpcLabels, Histogram, fn() -> Histogram>,
    http: Family<HttpLabels, Histogram, fn() -> Histogram>,
    active: Gauge,
    limited: Family<LimitLabels, Counter>,
    live_connections: Family<LiveLabels, Gauge>,
    live_changes: Family<LiveLabels, Counter>,
    live_resyncs: Family<LiveLabels, Counter>,
    live_lag: Histogram,
    mail_attempts: Family<MailLabels, Counter>,
    mail_jobs: Family<MailLabels, Gauge>,
    /// Password hashes that wait for a thread or run on one.
    pub password_hashes: Gauge,
}

fn seconds() -> Histogram {
    // 0.5 ms to 16 s.
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let rpc = Family::new_with_constructor(seconds as fn() -> Histogram);
        let http = Family::new_with_constructor(seconds as fn() -> Histogram);
        let active = Gauge::default();
        let limited = Family::default();
        let live_connections = Family::default();
        let live_changes = Family::default();
        let live_resyncs = Family::default();
        let live_lag = seconds();
        let mail_attempts = Family::default();
        let mail_jobs = Family::default();
        let password_hashes = Gauge::default();
        registry.register_with_unit(
            "rpc_server_call_duration",
            "Duration of RPCs on the serving side",
            Unit::Seconds,
            rpc.clone(),
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
        Self {
            registry,
            rpc,
            http,
            active,
            limited,
            live_connections,
            live_changes,
            live_resyncs,
            live_lag,
            mail_attempts,
            mail_jobs,
            password_hashes,
        }
    }
}

impl Metrics {
    /// Counts an RPC.
    pub fn observe_rpc(&self, path: &'static str, code: i32, took: Duration) {
        let (rpc_service, rpc_method) = super::split_path(path);
        let labels = RpcLabels {
            rpc_service,
            rpc_method,
            rpc_grpc_status_code: code,
        };
        self.rpc.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts an HTTP request. `route` is the template, never the path, so
    /// that the number of series stays bounded.
    pub fn observe_http(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        took: Duration,
    ) {
        let labels = HttpLabels {
            http_request_method: method,
            http_route: route,
            http_response_status_code: status,
        };
        self.http.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts an HTTP request as in progress until the guard is dropped.
    #[must_use]
    pub fn begin_http(&self) -> InProgress {
        self.active.inc();
        InProgress(self.active.clone())
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
        );
        metrics.observe_http("GET", "/api/v1/users/{id}", 200, Duration::from_millis(1));
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
