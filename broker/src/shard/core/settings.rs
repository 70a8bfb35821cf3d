//! What a worker is told at its start.

use herdgate_admission::tuning::Tuning;

use super::Layout;
pub use crate::session::SessionLimits;

/// The same for all workers of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreSettings {
    /// Isolated shards that share the clients; at least 1.
    pub shards: u16,
    /// Workers of this shard; at least 1.
    pub workers: u16,
    /// The topic level (0 is the first) that decides a topic's partition; `None`: the whole topic.
    pub topic_key_level: Option<u8>,
    /// Clients of the whole shard that may be settling at a time; `None`: no limit (mode `Open`).
    pub settle_limit: Option<u32>,
    pub tuning: Tuning,
    /// Seconds that a session is kept without its client, at most; 0: none is kept.
    pub max_session_expiry: u32,
    /// Sessions of the whole shard that outlive their connection.
    pub max_kept_sessions: usize,
    /// Bytes that wait for all clients of the shard.
    pub max_queued_bytes: usize,
    /// Retained messages of the whole shard.
    pub max_retained_messages: usize,
    /// And their bytes; see `RetainedLimits`.
    pub max_retained_bytes: usize,
    pub session: SessionLimits,
}

impl CoreSettings {
    pub fn layout(&self) -> Layout {
        Layout {
            shards: self.shards,
            workers: self.workers,
        }
    }
}

impl Default for CoreSettings {
    fn default() -> Self {
        Self {
            shards: 1,
            workers: 1,
            topic_key_level: None,
            settle_limit: None,
            tuning: Tuning::default(),
            max_session_expiry: 7 * 86_400,
            max_kept_sessions: 100_000,
            max_queued_bytes: 256 << 20,
            max_retained_messages: 100_000,
            max_retained_bytes: 256 << 20,
            session: SessionLimits::default(),
        }
    }
}
