//! The counts of all workers together, and as metrics.

use herdgate_admission::shard::ShardCounts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::metrics::{MessageDrop, ShardLimit, ShardMetrics};
use crate::shard::core::{WorkerIndex, WorkerStats};
use crate::shard::system::Totals;

#[derive(Debug)]
pub(super) struct Figures {
    /// The last of each worker.
    workers: Vec<WorkerStats>,
    metrics: ShardMetrics,
}

impl Figures {
    pub(super) fn new(workers: u16, metrics: ShardMetrics) -> Self {
        Self {
            workers: vec![WorkerStats::default(); usize::from(workers)],
            metrics,
        }
    }

    pub(super) fn take(&mut self, worker: WorkerIndex, stats: WorkerStats) {
        if let Some(last) = self.workers.get_mut(usize::from(worker.0)) {
            count(&self.metrics, last, &stats);
            *last = stats;
        }
        self.show();
    }

    pub(super) fn counts(&self) -> ShardCounts {
        let sum =
            |of: fn(&WorkerStats) -> u32| self.workers.iter().map(of).fold(0, u32::saturating_add);
        ShardCounts {
            connected: sum(|worker| worker.connected),
            settling: sum(|worker| worker.settling),
            settle_limit: sum(|worker| worker.settle_limit),
            attaching: sum(|worker| worker.attaching),
            ..ShardCounts::default()
        }
    }

    pub(super) fn totals(&self) -> Totals {
        let sum = |of: fn(&WorkerStats) -> u64| self.workers.iter().map(of).sum();
        Totals {
            connected: sum(|worker| worker.connected.into()),
            // sessions end with their connection
            disconnected: 0,
            expired: 0,
            attached: sum(|worker| worker.attached_total),
            received: sum(|worker| worker.messages_in_total),
            sent: sum(|worker| worker.messages_out_total),
            dropped: sum(|worker| worker.dropped.copies()),
            queued: sum(|worker| worker.queued),
            retained: sum(|worker| worker.retained),
            subscriptions: sum(|worker| worker.subscriptions),
            shared_subscriptions: sum(|worker| worker.shared_subscriptions),
        }
    }

    fn show(&self) {
        let counts = self.counts();
        let set = |gauge: &Gauge, value: u32| {
            gauge.set(value.into());
        };
        set(&self.metrics.sessions, counts.connected);
        set(&self.metrics.settling, counts.settling);
        set(&self.metrics.settle_limit, counts.settle_limit);
        set(&self.metrics.attaching, counts.attaching);
        let sum = |of: fn(&WorkerStats) -> u64| {
            i64::try_from(self.workers.iter().map(of).sum::<u64>()).unwrap_or(i64::MAX)
        };
        self.metrics
            .subscriptions
            .set(sum(|worker| worker.subscriptions));
        self.metrics.retained.set(sum(|worker| worker.retained));
        self.metrics
            .retained_replays
            .set(sum(|worker| worker.replays.into()));
    }
}

/// Adds what is new since the worker's last news.
fn count(metrics: &ShardMetrics, last: &WorkerStats, stats: &WorkerStats) {
    let add = |counter: &Counter, before: u64, after: u64| {
        counter.inc_by(after.saturating_sub(before));
    };
    add(&metrics.attached, last.attached_total, stats.attached_total);
    add(&metrics.refused, last.refused_total, stats.refused_total);
    add(
        &metrics.taken_over,
        last.taken_over_total,
        stats.taken_over_total,
    );
    add(
        &metrics.messages_received,
        last.messages_in_total,
        stats.messages_in_total,
    );
    add(
        &metrics.messages_sent,
        last.messages_out_total,
        stats.messages_out_total,
    );
    add(&metrics.wills, last.wills_total, stats.wills_total);
    count_limits(metrics, last, stats);
    let drops = [
        (
            MessageDrop::QueueFull,
            last.dropped.queue_full_qos0,
            stats.dropped.queue_full_qos0,
        ),
        (
            MessageDrop::QueueFull,
            last.dropped.queue_full_qos1,
            stats.dropped.queue_full_qos1,
        ),
        (
            MessageDrop::TooLarge,
            last.dropped.too_large,
            stats.dropped.too_large,
        ),
        (
            MessageDrop::RetainedFull,
            last.dropped.retained_full,
            stats.dropped.retained_full,
        ),
        (
            MessageDrop::WorkerBusy,
            last.dropped.worker_busy,
            stats.dropped.worker_busy,
        ),
        (
            MessageDrop::Forbidden,
            last.dropped.forbidden,
            stats.dropped.forbidden,
        ),
    ];
    for (reason, before, after) in drops {
        metrics
            .messages_dropped
            .inc_by(reason, after.saturating_sub(before));
    }
}

fn count_limits(metrics: &ShardMetrics, last: &WorkerStats, stats: &WorkerStats) {
    let (before, after) = (last.limits, stats.limits);
    for (limit, before, after) in [
        (ShardLimit::Topic, before.topic, after.topic),
        (
            ShardLimit::Subscriptions,
            before.subscriptions,
            after.subscriptions,
        ),
        (
            ShardLimit::ReceiveMaximum,
            before.receive_maximum,
            after.receive_maximum,
        ),
    ] {
        metrics.limits.inc_by(limit, after.saturating_sub(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn stats(connected: u32, attached_total: u64) -> WorkerStats {
        WorkerStats {
            connected,
            attached_total,
            ..WorkerStats::default()
        }
    }

    #[test]
    fn levels_add_up_and_counters_count_what_is_new() {
        let metrics = Metrics::new().shard;
        let mut figures = Figures::new(2, metrics.clone());
        figures.take(WorkerIndex(0), stats(3, 5));
        figures.take(WorkerIndex(1), stats(4, 4));
        figures.take(WorkerIndex(0), stats(2, 7));
        assert_eq!(figures.counts().connected, 6);
        assert_eq!(metrics.sessions.get(), 6);
        assert_eq!(metrics.attached.get(), 11);
    }
}
