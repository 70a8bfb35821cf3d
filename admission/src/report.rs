//! What edges and shards tell each other four times a second, in `HEALTH` frames.

use serde::{Deserialize, Serialize};

use crate::progress::ClientAddresses;
pub use crate::progress::Trigger;
pub use crate::steering::Steering;

/// The number of a reopening. The highest heard wins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ReopeningNumber(pub u64);

/// An edge process, as it names itself: unique in the cluster, ordered (the lowest heard moves the level).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EdgeId(pub String);

/// One start of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardBoot {
    pub shard: u32,
    pub boot_epoch: u64,
}

/// One edge's view; echoed by shards to all edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeReport {
    pub edge: EdgeId,
    pub reopening: ReopeningNumber,
    pub level: u32,
    /// Clients waiting in open slices.
    pub door: u32,
    /// Clients that may enter now.
    pub free_places: u32,
    pub entering_limit: u32,
    /// Clients waiting in closed slices.
    pub held: u32,
    /// The lowest of the closed slices that somebody waits in; `u32::MAX`: nobody does. 0 where an edge does not tell.
    #[serde(default)]
    pub lowest_held: u32,
    /// Milliseconds since the shard heard it; 0 when an edge sends it.
    pub age_ms: u32,
    /// Shards whose reopening the edge has joined since they started. To any other shard, the edge's number may be from
    /// before that shard's start. Not echoed.
    #[serde(default)]
    pub joined: Vec<ShardBoot>,
    /// What set `reopening` off.
    #[serde(default)]
    pub trigger: Trigger,
    #[serde(default)]
    pub steering: Steering,
    /// The patience of the fleet, in milliseconds, as this edge has learned it from its own clients; 0 while it has not.
    #[serde(default)]
    pub patience_ms: u32,
    /// How the backend is that this edge asks about logins; good where there is none.
    #[serde(default)]
    pub backend: Verdict,
    /// Clients that came in the last whole second.
    #[serde(default)]
    pub arrivals: u32,
}

/// Limits that the last reopening had found when it was over and all was quiet; 0: not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastGood {
    /// Entering limits, of all edges together.
    pub entering: u32,
    /// Settle limit of the shard that tells it.
    pub settling: u32,
}

/// How a shard feels about its last window.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Verdict {
    #[default]
    Good,
    Bad,
    Hard,
}

/// One shard's view, and what it heard of the edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardReport {
    pub shard: u32,
    /// Chosen at the shard's start; another one means that it restarted.
    pub boot_epoch: u64,
    pub reopening: ReopeningNumber,
    /// The highest level heard for `reopening`; an edge that joins adopts it.
    pub level: u32,
    /// What set `reopening` off.
    #[serde(default)]
    pub trigger: Trigger,
    #[serde(default)]
    pub steering: Steering,
    /// The median of what edges have learned of the patience, in milliseconds; the last known while none has; 0: none
    /// ever had.
    #[serde(default)]
    pub patience_ms: u32,
    pub verdict: Verdict,
    /// The signal behind `verdict`, such as `queue_wait`; of a good one what makes the shard slow, `cpu_throttling`.
    pub signal: Option<String>,
    pub connected: u32,
    pub settling: u32,
    pub settle_limit: u32,
    /// Clients in the attach queue.
    pub attaching: u32,
    #[serde(default)]
    pub last_good: LastGood,
    /// By the census that the shard keeps.
    #[serde(default)]
    pub addresses: ClientAddresses,
    pub edges: Vec<EdgeReport>,
}
