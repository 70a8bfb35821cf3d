//! Certificates and their reloads.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::ListenerLabels;
use super::shapes::by_listener;

#[derive(Clone, Debug)]
pub struct TlsMetrics {
    pub reloads: Family<ListenerLabels, Counter>,
    /// Bad files; the old ones are still in use.
    pub reload_failures: Family<ListenerLabels, Counter>,
    /// Unix seconds at which the certificate in use ends.
    pub not_after: Family<ListenerLabels, Gauge>,
}

impl TlsMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            reloads: by_listener(r, "tls_reloads", "Changes of certificate files taken over"),
            reload_failures: by_listener(
                r,
                "tls_reload_failures",
                "Changes of certificate files refused; the old ones are in use",
            ),
            not_after: by_listener(
                r,
                "tls_certificate_not_after_seconds",
                "Unix time at which the certificate in use ends",
            ),
        }
    }
}
