//! The HTTP backend that judges logins.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{BackendOutcome, By, LoginDrop, ReloadOutcome};
use super::shapes::{gauge, waits};

#[derive(Clone, Debug)]
pub struct BackendMetrics {
    pub requests: By<BackendOutcome>,
    /// Seconds from asking to the verdict, or to giving up.
    pub latency: Histogram,
    pub in_flight: Gauge,
    pub waiting: Gauge,
    pub dropped: By<LoginDrop>,
    /// 0 well, 1 slow or failing, 2 failing.
    pub health: Gauge,
    /// Of its authorities and its token.
    pub reloads: By<ReloadOutcome>,
}

impl BackendMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            requests: By::register(
                r,
                "auth_http_requests",
                "Logins that the HTTP backend was asked about",
                "outcome",
            ),
            latency: waits(
                r,
                "auth_http_seconds",
                "From asking the HTTP backend to its verdict, or to giving up",
            ),
            in_flight: gauge(
                r,
                "auth_http_in_flight",
                "Requests that the HTTP backend has not answered yet",
            ),
            waiting: gauge(
                r,
                "auth_http_waiting",
                "Logins that wait until the HTTP backend may be asked",
            ),
            dropped: By::register(
                r,
                "auth_http_dropped",
                "Logins that left the line before the HTTP backend was asked",
                "reason",
            ),
            health: gauge(
                r,
                "auth_http_health",
                "How the HTTP backend is: 0 good, 1 bad, 2 hard",
            ),
            reloads: By::register(
                r,
                "auth_http_reloads",
                "Changes of the HTTP backend's authorities and token",
                "outcome",
            ),
        }
    }
}
