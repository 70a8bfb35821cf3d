//! The process itself.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::shapes::{counter, gauge};

#[derive(Clone, Debug)]
pub struct ProcessMetrics {
    /// 1 while `/readyz` says yes.
    pub ready: Gauge,
    /// File descriptors that the process may have open.
    pub file_limit: Gauge,
    /// Pauses of busy workers before they looked at their sockets again.
    pub pauses: Counter,
}

impl ProcessMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        r.register(
            "build",
            "What was built",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            ready: gauge(r, "ready", "1 while the process is ready"),
            file_limit: gauge(
                r,
                "file_limit",
                "File descriptors that the process may have open",
            ),
            pauses: counter(
                r,
                "worker_pauses",
                "Pauses of busy workers, of a tenth of a millisecond, before they looked at their sockets again",
            ),
        }
    }
}
