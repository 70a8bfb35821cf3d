//! What a listener allows its clients at the shard.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

/// `None`: as much as the shard allows. A shard takes the lesser of this and its own, so that no value of an edge can
/// cost it more than it is set to bear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerLimits {
    pub max_queued_messages: Option<NonZeroU32>,
    pub max_queued_bytes: Option<NonZeroU32>,
    /// QoS 1 and 2 messages under way to a client that names no Receive Maximum.
    pub max_inflight: Option<NonZeroU16>,
    /// QoS 1 and 2 messages that a client may have sent unacknowledged.
    pub receive_maximum: Option<NonZeroU16>,
    /// The longest topic or filter, in UTF-8.
    pub max_topic_bytes: Option<NonZeroU16>,
    pub max_topic_levels: Option<NonZeroU8>,
    pub max_subscriptions: Option<NonZeroU32>,
}
