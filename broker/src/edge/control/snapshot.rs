//! What the edge shows of itself: views for workers, `/status`, gauges, the record of a reopening.

use std::sync::Arc;
use std::time::Duration;

use herdgate_admission::edge::{EdgeCounts, EdgeView};
use herdgate_admission::record::Recorder;
use herdgate_admission::report::ShardReport;
use herdgate_admission::slicing::TableFor;

use super::EdgeControl;
use crate::edge::standing;

/// What `/status` shows of the edge.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the slices are cut by; `None`: by the plan alone.
    pub table: Option<TableFor>,
    pub view: EdgeView,
    pub counts: EdgeCounts,
    /// The last report of each shard, by link.
    pub shards: Vec<Option<Arc<ShardReport>>>,
    pub record: Arc<Recorder>,
}

impl EdgeControl {
    pub(super) fn publish(&mut self) {
        let view = self.admission.view();
        self.shared.places.set_limit(view.entering_limit);
        self.shared.places.set_last_limit(view.last_class_limit);
        let counts = self.counts(self.shared.clock.now(), 0);
        self.show(&view, counts);
        let table = self.admission.table_for();
        let mut snapshot = Snapshot {
            table: table
                .filter(|table| table.reopening == view.reopening)
                .cloned(),
            view: view.clone(),
            counts,
            shards: self.shards.clone(),
            record: Arc::clone(&self.record),
        };
        self.record(&snapshot);
        snapshot.record = Arc::clone(&self.record);
        self.snapshot.store(Arc::new(snapshot));
        self.view.send_replace(view);
    }

    pub(super) fn counts(&self, now: Duration, entering_peak: u32) -> EdgeCounts {
        let oldest = self
            .workers
            .iter()
            .filter_map(|worker| worker.oldest_entering)
            .min();
        EdgeCounts {
            door: self.workers.iter().map(|worker| worker.door).sum(),
            held: self.workers.iter().map(|worker| worker.held).sum(),
            entering: self.shared.places.used(),
            entering_peak,
            arrivals: 0,
            lowest_held: self
                .workers
                .iter()
                .filter_map(|worker| worker.lowest_held)
                .min(),
            oldest_entering: oldest.map(|since| now.saturating_sub(since)),
        }
    }

    fn record(&mut self, now: &Snapshot) {
        let shared = &self.shared;
        if now.view.reopening != self.record.reopening() {
            shared.entered.restart();
        } else if self.record.finished().is_some() {
            return;
        }
        let totals = standing::totals(now, &shared.settings.id);
        let entered = shared.entered.counts(now.view.slices());
        let handshakes = shared.metrics.edge.handshakes_started.get();
        let sample = standing::sample(now, totals, handshakes, &entered);
        Arc::make_mut(&mut self.record).note(&sample, shared.clock.now());
    }

    fn show(&self, view: &EdgeView, counts: EdgeCounts) {
        let metrics = &self.shared.metrics.edge;
        metrics.held.set(counts.held.into());
        metrics.door.set(counts.door.into());
        metrics.entering.set(counts.entering.into());
        metrics.entering_limit.set(view.entering_limit.into());
        metrics.level.set(view.level.into());
        metrics.stalled.set(view.stalled.into());
        metrics.last_class.set(gauge(view.last_class.len()));
        metrics.remembered.set(gauge(view.remembered.len()));
        metrics.slices.set(view.slices().into());
        metrics.reopening.set(gauge(view.reopening.0));
    }
}

fn gauge(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
