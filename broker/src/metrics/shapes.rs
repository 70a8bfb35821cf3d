//! Buckets and registration, said once.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::ListenerLabels;

/// Seconds, from a plain attach on loopback to beyond any client's patience.
const WAIT_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

#[derive(Clone, Debug)]
pub(super) struct Waits;

impl MetricConstructor<Histogram> for Waits {
    fn new_metric(&self) -> Histogram {
        Histogram::new(WAIT_BUCKETS)
    }
}

pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

pub(super) fn waits(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let histogram = Waits.new_metric();
    registry.register(name, help, histogram.clone());
    histogram
}

pub(super) fn by_listener<M>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<ListenerLabels, M>
where
    Family<ListenerLabels, M>: Default + Clone + prometheus_client::registry::Metric,
{
    let family = Family::<ListenerLabels, M>::default();
    registry.register(name, help, family.clone());
    family
}
