//! What a worker counts, for metrics, status and the shard's report.

use crate::session::{LimitsMet, Waiting};

/// The first group are levels, the rest are counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Attached clients.
    pub connected: u32,
    pub settling: u32,
    /// This worker's share of the settle limit; `u32::MAX` without one.
    pub settle_limit: u32,
    /// Sessions without a client.
    pub kept: u64,
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
    /// And their bytes, with those under way to clients that are away.
    pub queued_bytes: u64,

    pub attached_total: u64,
    pub refused_total: u64,
    pub taken_over_total: u64,
    /// Clients that found their session again.
    pub resumed_total: u64,
    /// Sessions whose time without a client was over.
    pub expired_total: u64,
    /// Sessions that end with their connection, though the client asked for more: as many as may be are kept.
    pub not_kept_total: u64,
    pub messages_in_total: u64,
    pub messages_out_total: u64,
    /// MQTT packets of clients, as they came over links: without credentials, PINGREQ and topic aliases.
    pub bytes_in_total: u64,
    /// MQTT packets to clients, as they went to links.
    pub bytes_out_total: u64,
    pub wills_total: u64,
    pub protocol_errors_total: u64,
    pub dropped: Drops,
    pub limits: LimitsMet,
    /// Messages that waited because as many as may be were under way to their client.
    pub over_inflight_total: u64,
}

impl WorkerStats {
    /// What waits for one client was `before` and is `after`.
    pub(super) fn waits(&mut self, before: Waiting, after: Waiting) {
        self.queued = self.queued + after.messages - before.messages;
        self.queued_bytes = self.queued_bytes + after.bytes - before.bytes;
    }
}

/// Messages that did not reach a client, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// QoS 0, because the client's queue was full.
    pub queue_full_qos0: u64,
    /// QoS 1 or 2, because the client's queue was full and held no QoS 0 any more.
    pub queue_full_qos1: u64,
    /// Larger than the client's Maximum Packet Size.
    pub too_large: u64,
    /// The message's expiry passed before it could be sent.
    pub expired: u64,
    /// Published by a client to a topic that is the server's.
    pub forbidden: u64,
    /// QoS 0, because the client was away.
    pub offline: u64,
    /// A retained message beyond the shard's bound was delivered but not kept.
    pub retained_full: u64,
    /// Another worker of the shard had too many waiting already; QoS 0 only.
    pub worker_busy: u64,
}

impl Drops {
    /// Copies that did not reach their client.
    pub fn copies(&self) -> u64 {
        self.queue_full_qos0 + self.queue_full_qos1 + self.too_large + self.expired + self.offline
    }
}
