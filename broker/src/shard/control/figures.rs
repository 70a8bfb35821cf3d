//! The counts of all workers together, and as metrics.

use herdgate_admission::shard::ShardCounts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::metrics::{MessageDrop, ShardLimit, ShardMetrics};
use crate::shard::core::{Drops, WorkerIndex, WorkerStats};
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

    pub(super) fn take(&mut self, worker: WorkerIndex, stats: &WorkerStats) {
        if let Some(last) = self.workers.get_mut(usize::from(worker.0)) {
            count(&self.metrics, last, stats);
            *last = *stats;
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
            disconnected: sum(|worker| worker.kept),
            expired: sum(|worker| worker.expired_total),
            attached: sum(|worker| worker.attached_total),
            received: sum(|worker| worker.messages_in_total),
            sent: sum(|worker| worker.messages_out_total),
            bytes_received: sum(|worker| worker.bytes_in_total),
            bytes_sent: sum(|worker| worker.bytes_out_total),
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
        self.metrics.kept.sessions.set(sum(|worker| worker.kept));
        self.metrics.queued.set(sum(|worker| worker.queued));
        self.metrics
            .queued_bytes
            .set(sum(|worker| worker.queued_bytes));
        self.metrics.retained.set(sum(|worker| worker.retained));
        self.metrics
            .retained_replays
            .set(sum(|worker| worker.replays.into()));
    }
}

/// One count of several.
type Count<T> = fn(&T) -> u64;

/// Adds what is new since the worker's last news.
fn count(metrics: &ShardMetrics, last: &WorkerStats, stats: &WorkerStats) {
    let counters: [(&Counter, Count<WorkerStats>); 9] = [
        (&metrics.attached, |stats| stats.attached_total),
        (&metrics.refused, |stats| stats.refused_total),
        (&metrics.taken_over, |stats| stats.taken_over_total),
        (&metrics.kept.resumed, |stats| stats.resumed_total),
        (&metrics.kept.expired, |stats| stats.expired_total),
        (&metrics.kept.not_kept, |stats| stats.not_kept_total),
        (&metrics.messages_received, |stats| stats.messages_in_total),
        (&metrics.messages_sent, |stats| stats.messages_out_total),
        (&metrics.wills, |stats| stats.wills_total),
    ];
    for (counter, of) in counters {
        counter.inc_by(of(stats).saturating_sub(of(last)));
    }
    count_limits(metrics, last, stats);
    let drops: [(MessageDrop, Count<Drops>); 8] = [
        (MessageDrop::QueueFull, |drops| drops.queue_full_qos0),
        (MessageDrop::QueueFull, |drops| drops.queue_full_qos1),
        (MessageDrop::TooLarge, |drops| drops.too_large),
        (MessageDrop::Expired, |drops| drops.expired),
        (MessageDrop::Offline, |drops| drops.offline),
        (MessageDrop::RetainedFull, |drops| drops.retained_full),
        (MessageDrop::WorkerBusy, |drops| drops.worker_busy),
        (MessageDrop::Forbidden, |drops| drops.forbidden),
    ];
    for (reason, of) in drops {
        let new = of(&stats.dropped).saturating_sub(of(&last.dropped));
        metrics.messages_dropped.inc_by(reason, new);
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
        (
            ShardLimit::Inflight,
            last.over_inflight_total,
            stats.over_inflight_total,
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
        figures.take(WorkerIndex(0), &stats(3, 5));
        figures.take(WorkerIndex(1), &stats(4, 4));
        figures.take(WorkerIndex(0), &stats(2, 7));
        assert_eq!(figures.counts().connected, 6);
        assert_eq!(metrics.sessions.get(), 6);
        assert_eq!(metrics.attached.get(), 11);
    }
}
