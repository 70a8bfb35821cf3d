//! What an edge counts of the layers below MQTT.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::labels::{By, ProxyHeader, UpgradeOutcome};
use super::shapes::counter;

#[derive(Clone, Debug)]
pub struct TransportMetrics {
    pub proxy_headers: By<ProxyHeader>,
    pub upgrades: By<UpgradeOutcome>,
    /// Clients closed because they acknowledged or took nothing for too long.
    pub unacknowledged: Counter,
}

impl TransportMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            proxy_headers: By::register(
                r,
                "proxy_headers",
                "Sockets of listeners that require a PROXY header",
                "outcome",
            ),
            upgrades: By::register(r, "websocket_requests", "Requests for WebSocket", "outcome"),
            unacknowledged: counter(
                r,
                "unacknowledged_closes",
                "Clients closed because they acknowledged or took nothing for too long",
            ),
        }
    }
}
