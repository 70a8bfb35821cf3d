//! What a shard keeps, routes and bounds.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use herdgate_admission::keeper::KeeperSettings;
use herdgate_admission::tuning::Tuning;

use super::{Drain, Mode};

/// What standalone and shard share.
#[derive(Clone, Debug)]
pub struct ShardSettings {
    pub ordinal: u32,
    /// Shards of the cluster; more than `ordinal`.
    pub count: u32,
    pub workers: NonZeroUsize,
    /// Where admission is kept over a restart.
    pub data_directory: Option<PathBuf>,
    pub keeper: KeeperSettings,
    /// Clients that may be settling at once.
    pub settle_limit: NonZeroU32,
    pub tuning: Tuning,
    pub patience: Duration,
    pub mode: Mode,
    pub drain: Drain,
    pub routing: Routing,
    pub limits: Limits,
    /// Between two looks at what `$SYS` tells; zero: it tells nothing.
    pub system_interval: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// The topic level (from 0) that is a topic's key; `None`: the whole topic.
    pub topic_key_level: Option<u16>,
    /// Several shards that know nothing of each other.
    pub isolated_shards: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Per client.
    pub max_queued_messages: NonZeroU32,
    /// Per client.
    pub max_queued_bytes: u32,
    /// Outbound QoS 1 and 2 window when the client names none.
    pub max_inflight: u16,
    /// Inbound QoS 1 window, of every client; at least 1.
    pub receive_maximum: u16,
    pub max_topic_bytes: u16,
    /// 1..=128
    pub max_topic_levels: u8,
    /// Per client.
    pub max_subscriptions: NonZeroU32,
    /// 0: no session outlives its connection.
    pub max_session_expiry_seconds: u32,
    /// Per shard.
    pub max_kept_sessions: u32,
    /// Per shard, waiting for all its clients.
    pub max_total_queued_bytes: u32,
    /// Per shard.
    pub max_retained_messages: u32,
    /// Per shard.
    pub max_retained_bytes: u32,
}
