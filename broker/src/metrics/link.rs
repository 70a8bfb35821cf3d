//! Links between edges and shards.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::shapes::{counter, gauge};

#[derive(Clone, Debug)]
pub struct LinkMetrics {
    /// Links whose HELLO was answered.
    pub up: Gauge,
    pub lost: Counter,
    /// Peers turned away: no token, another version.
    pub refused: Counter,
}

impl LinkMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            up: gauge(r, "links_up", "Links whose HELLO was answered"),
            lost: counter(r, "links_lost", "Links that broke"),
            refused: counter(r, "links_refused", "Link peers turned away"),
        }
    }
}
