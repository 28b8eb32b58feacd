//! How late events are dealt with, and whether they are still heard of.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::{MetricType, TypedMetric, histogram::Histogram},
};

use crate::clock::{Clock, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LagLabels {
    pub(super) consumer: &'static str,
    pub(super) source: &'static str,
}

/// Notes how late one service deals with the events of another.
#[derive(Clone)]
pub struct EventLag {
    source: &'static str,
    lag: Histogram,
    silence: Silence,
    clock: Clock,
}

impl EventLag {
    pub(super) fn new(
        source: &'static str,
        lag: Histogram,
        silence: Silence,
        clock: Clock,
    ) -> Self {
        Self {
            source,
            lag,
            silence,
            clock,
        }
    }

    /// Whose events they are.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Notes that an event of that time has been dealt with.
    pub fn handled(&self, made: Timestamp) {
        let lag = self.clock.now().since(made);
        self.lag.observe(lag.as_secs_f64());
    }

    /// Notes that the stream was heard.
    pub fn heard(&self) {
        self.silence.end();
    }
}

/// A gauge that grows by itself, until something is heard.
#[derive(Debug, Clone)]
pub(super) struct Silence(Arc<Mutex<Instant>>);

impl Default for Silence {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Silence {
    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl TypedMetric for Silence {
    const TYPE: MetricType = MetricType::Gauge;
}

impl EncodeMetric for Silence {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        encoder.encode_gauge(&since.elapsed().as_secs_f64())
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}
