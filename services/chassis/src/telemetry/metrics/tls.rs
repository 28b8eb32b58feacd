//! Certificates between processes: how long they are good, and who was refused.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::Metrics;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    certificate: &'static str,
}

/// `expiry` has no series where there is no TLS.
pub(super) struct TlsMetrics {
    expiry: Family<CertificateLabels, Gauge>,
    files_unusable: Gauge,
    refused: Counter,
}

impl TlsMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let tls = Self {
            expiry: Family::default(),
            files_unusable: Gauge::default(),
            refused: Counter::default(),
        };
        registry.register_with_unit(
            "portico_tls_expiry",
            "Time until a certificate is no longer good: the process's own, or the last of the authorities",
            Unit::Seconds,
            tls.expiry.clone(),
        );
        registry.register(
            "portico_tls_files_unusable",
            "Whether the files of certificates hold what cannot be used, so that what was read before stays",
            tls.files_unusable.clone(),
        );
        registry.register(
            "portico_tls_refused_connections",
            "Connections refused in their TLS handshake",
            tls.refused.clone(),
        );
        tls
    }
}

impl Metrics {
    /// Notes for how many seconds a certificate, `own` or `authority`, is still
    /// good.
    pub fn set_tls_expiry(&self, certificate: &'static str, seconds: i64) {
        let labels = CertificateLabels { certificate };
        self.tls.expiry.get_or_create(&labels).set(seconds);
    }

    /// Notes whether the files of certificates hold what cannot be used.
    pub fn set_tls_files_unusable(&self, is_unusable: bool) {
        self.tls.files_unusable.set(is_unusable.into());
    }

    /// Counts a connection that was refused in its TLS handshake.
    pub fn tls_refused(&self) {
        self.tls.refused.inc();
    }
}
