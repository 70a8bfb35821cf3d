//! What the operator counts. Labels are few and never name an object.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct CallLabels {
    pub(crate) verb: &'static str,
    pub(crate) kind: &'static str,
    /// `ok`, `error` or `timeout`.
    pub(crate) outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct FailureLabels {
    pub(crate) category: &'static str,
}

#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    pub(crate) calls: Family<CallLabels, Counter>,
    pub(crate) failures: Family<FailureLabels, Counter>,
    pub(crate) reconcile_seconds: Histogram,
    pub(crate) applied: Counter,
    pub(crate) apply_skipped: Counter,
    pub(crate) pruned: Counter,
    pub(crate) status_writes: Counter,
    pub(crate) unreachable_pods: Counter,
    pub(crate) watch_errors: Counter,
    pub(crate) leading: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("herdgate_operator");
        let calls = Family::default();
        registry.register("api_calls", "requests to the API server", calls.clone());
        let failures = Family::default();
        registry.register(
            "reconcile_failures",
            "passes that ended in an error",
            failures.clone(),
        );
        // 1 ms .. 16 s: from a pass over caches alone to one whose calls run into their timeouts
        let reconcile_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 15));
        registry.register_with_unit(
            "reconcile_duration",
            "time of a pass",
            Unit::Seconds,
            reconcile_seconds.clone(),
        );
        let mut counter = |name: &'static str, help: &'static str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let applied = counter("children_applied", "child objects written");
        let apply_skipped = counter("children_unchanged", "child objects found as wanted");
        let pruned = counter(
            "children_pruned",
            "child objects no longer wanted and deleted",
        );
        let status_writes = counter("status_writes", "status updates written");
        let unreachable_pods = counter(
            "unreachable_pods",
            "ready pods that did not tell their status",
        );
        let watch_errors = counter("watch_errors", "watches that failed and were started again");
        let leading = Gauge::default();
        registry.register(
            "leading",
            "1 while this operator holds the Lease",
            leading.clone(),
        );
        Self {
            registry: Arc::new(registry),
            calls,
            failures,
            reconcile_seconds,
            applied,
            apply_skipped,
            pruned,
            status_writes,
            unreachable_pods,
            watch_errors,
            leading,
        }
    }

    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
