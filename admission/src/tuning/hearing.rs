//! How long processes of a cluster count on each other without a word.

use std::time::Duration;

/// Edges and shards report to each other every [`crate::edge::REPORT_EVERY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HearingTuning {
    /// Longer silent, and nobody counts on a shard or an edge any more: eight missed reports.
    pub silent_after: Duration,
    /// An edge that a shard has not heard for so long is not echoed any more; no less than `silent_after`, for others would
    /// lose it sooner than the shard does.
    pub forget_edge_after: Duration,
    /// Most edges that come back to a shard that restarted do so within this, whatever their link's back-off; the number
    /// that this shard has, and one of them brings along, is then from before the restart.
    pub start_phase: Duration,
    /// So many times as long as from one count to the next without one, and a shard takes an edge's clients to be elsewhere.
    /// At least two: a count may be late.
    pub counts_within: u32,
}

impl Default for HearingTuning {
    fn default() -> Self {
        Self {
            silent_after: Duration::from_secs(2),
            forget_edge_after: Duration::from_secs(5),
            start_phase: Duration::from_secs(10),
            counts_within: 3,
        }
    }
}
