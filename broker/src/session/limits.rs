//! What one client may ask of a shard.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use super::{QueueLimits, Waiting};
use crate::link::ListenerLimits;
use crate::routing::MAX_LEVELS;

/// Bounds of one client. All sessions with the same share one of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// What is left of them for clients of a listener: it may allow less, never more.
    #[must_use]
    pub fn within(&self, listener: &ListenerLimits) -> Self {
        let many = |limit: Option<NonZeroU32>| limit.map(|limit| limit.get() as usize);
        let some = |limit: Option<NonZeroU16>| limit.map(NonZeroU16::get);
        Self {
            max_queued_messages: lesser(
                self.max_queued_messages,
                many(listener.max_queued_messages),
            ),
            max_queued_bytes: lesser(self.max_queued_bytes, many(listener.max_queued_bytes)),
            max_inflight: lesser(self.max_inflight, some(listener.max_inflight)),
            receive_maximum: lesser(self.receive_maximum, some(listener.receive_maximum)),
            max_subscriptions: lesser(self.max_subscriptions, many(listener.max_subscriptions)),
            topics: TopicLimits {
                bytes: lesser(self.topics.bytes, some(listener.max_topic_bytes)),
                levels: lesser(
                    self.topics.levels,
                    listener.max_topic_levels.map(NonZeroU8::get),
                ),
            },
        }
    }

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

fn lesser<T: Ord>(shards: T, listeners: Option<T>) -> T {
    match listeners {
        Some(listeners) => shards.min(listeners),
        None => shards,
    }
}

/// More messages are never under way to one client, whatever Receive Maximum it names: they are kept.
pub(super) const MOST_INFLIGHT: u16 = 1_024;

/// How long a topic or a filter may be; both are kept for as long as somebody subscribes or something is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    fn a_listener_may_allow_less_but_never_more() {
        let shards = SessionLimits::default();
        assert_eq!(shards.within(&ListenerLimits::default()), shards);
        let least = shards.within(&ListenerLimits {
            max_queued_messages: Some(NonZeroU32::MIN),
            max_queued_bytes: Some(NonZeroU32::MIN),
            max_inflight: Some(NonZeroU16::MIN),
            receive_maximum: Some(NonZeroU16::MIN),
            max_topic_bytes: Some(NonZeroU16::MIN),
            max_topic_levels: Some(NonZeroU8::MIN),
            max_subscriptions: Some(NonZeroU32::MIN),
        });
        let ones = SessionLimits {
            max_queued_messages: 1,
            max_queued_bytes: 1,
            max_inflight: 1,
            receive_maximum: 1,
            max_subscriptions: 1,
            topics: TopicLimits {
                bytes: 1,
                levels: 1,
            },
        };
        assert_eq!(least, ones);
        let most = ListenerLimits {
            max_queued_messages: Some(NonZeroU32::MAX),
            max_queued_bytes: Some(NonZeroU32::MAX),
            max_inflight: Some(NonZeroU16::MAX),
            receive_maximum: Some(NonZeroU16::MAX),
            max_topic_bytes: Some(NonZeroU16::MAX),
            max_topic_levels: Some(NonZeroU8::MAX),
            max_subscriptions: Some(NonZeroU32::MAX),
        };
        for shards in [shards, ones] {
            assert_eq!(shards.within(&most), shards);
        }
    }

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
