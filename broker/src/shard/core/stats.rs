//! What a worker counts, for metrics, status and the shard's report.

use crate::session::LimitsMet;

/// The first group are levels, the rest are counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Attached clients.
    pub connected: u32,
    pub settling: u32,
    /// This worker's share of the settle limit; `u32::MAX` without one.
    pub settle_limit: u32,
    /// Clients in the attach queue.
    pub attaching: u32,
    pub subscriptions: u64,
    /// Those among them that are shared.
    pub shared_subscriptions: u64,
    pub retained: u64,
    /// Subscribers that are being told what is retained.
    pub replays: u32,
    /// Messages that wait in client queues.
    pub queued: u64,

    pub attached_total: u64,
    pub refused_total: u64,
    pub taken_over_total: u64,
    pub messages_in_total: u64,
    pub messages_out_total: u64,
    pub wills_total: u64,
    pub protocol_errors_total: u64,
    pub dropped: Drops,
    pub limits: LimitsMet,
}

/// Messages that did not reach a client, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// QoS 0, because the client's queue was full.
    pub queue_full_qos0: u64,
    /// QoS 1, because the client's queue was full and held no QoS 0 any more.
    pub queue_full_qos1: u64,
    /// Larger than the client's Maximum Packet Size.
    pub too_large: u64,
    /// The message's expiry passed before it could be sent.
    pub expired: u64,
    /// Published by a client to a topic that is the server's.
    pub forbidden: u64,
    /// A retained message beyond the shard's bound was delivered but not kept.
    pub retained_full: u64,
    /// Another worker of the shard had too many waiting already; QoS 0 only.
    pub worker_busy: u64,
}

impl Drops {
    /// Copies that did not reach their client.
    pub fn copies(&self) -> u64 {
        self.queue_full_qos0 + self.queue_full_qos1 + self.too_large + self.expired
    }
}
