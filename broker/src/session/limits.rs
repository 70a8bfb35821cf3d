//! What one client may ask of a shard.

use super::{QueueLimits, Waiting};
use crate::routing::MAX_LEVELS;

/// Bounds of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    pub max_queued_messages: usize,
    pub max_queued_bytes: usize,
    /// QoS 1 and 2 messages under way to a client that names no Receive Maximum; at least 1.
    pub max_inflight: u16,
    /// QoS 1 messages that a client may have sent without a PUBACK, and QoS 2 messages without a PUBREL; told to v5
    /// clients. At least 1.
    ///
    /// A PUBACK waits for all workers with subscribers, some microseconds each: 256 keep a client going.
    pub receive_maximum: u16,
    pub max_subscriptions: usize,
    pub topics: TopicLimits,
}

impl SessionLimits {
    /// `room`: bytes that may be added to what waits for all clients, `waiting` for this one.
    pub fn queue(&self, waiting: Waiting, room: usize) -> QueueLimits {
        let waiting = usize::try_from(waiting.bytes).unwrap_or(usize::MAX);
        QueueLimits {
            messages: self.max_queued_messages,
            bytes: self.max_queued_bytes.min(waiting.saturating_add(room)),
        }
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            max_queued_messages: 1_000,
            max_queued_bytes: 1 << 20,
            max_inflight: 20,
            receive_maximum: 256,
            max_subscriptions: 10_000,
            topics: TopicLimits::default(),
        }
    }
}

/// More messages are never under way to one client, whatever Receive Maximum it names: they are kept.
pub(super) const MOST_INFLIGHT: u16 = 1_024;

/// How long a topic or a filter may be; both are kept for as long as somebody subscribes or something is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicLimits {
    /// In UTF-8.
    pub bytes: u16,
    /// At most `MAX_LEVELS`.
    pub levels: u8,
}

impl Default for TopicLimits {
    fn default() -> Self {
        Self {
            bytes: u16::MAX,
            levels: u8::try_from(MAX_LEVELS).unwrap_or(u8::MAX),
        }
    }
}

impl TopicLimits {
    pub fn allow(self, topic: &str) -> bool {
        let levels = || 1 + topic.bytes().filter(|byte| *byte == b'/').count();
        topic.len() <= usize::from(self.bytes) && levels() <= usize::from(self.levels)
    }
}

/// How often a client met a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsMet {
    pub topic: u64,
    pub subscriptions: u64,
    pub receive_maximum: u64,
}

impl std::ops::AddAssign for LimitsMet {
    fn add_assign(&mut self, other: Self) {
        self.topic += other.topic;
        self.subscriptions += other.subscriptions;
        self.receive_maximum += other.receive_maximum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_levels_are_counted() {
        let limits = TopicLimits {
            bytes: 5,
            levels: 2,
        };
        for (topic, allowed) in [
            ("abcde", true),
            ("abcdef", false),
            ("\u{e9}\u{e9}a", true),
            ("\u{e9}\u{e9}ab", false),
            ("a/b", true),
            ("a/b/", false),
            ("", true),
        ] {
            assert_eq!(limits.allow(topic), allowed, "{topic}");
        }
        assert!(TopicLimits::default().allow(&"/".repeat(MAX_LEVELS - 1)));
        assert!(!TopicLimits::default().allow(&"/".repeat(MAX_LEVELS)));
    }
}
