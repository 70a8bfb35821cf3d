//! When a client is done coming back.

use std::time::Duration;

/// The quiet time after which a client is settled: some usual gaps, within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettleTuning {
    /// A client is settling no longer than this, whatever it does.
    pub within: Duration,
    /// The quiet time is at least this: shorter pauses are the network's.
    pub least_quiet: Duration,
    /// And at most this: a settled client must not hold its place long.
    pub most_quiet: Duration,
    /// Usual gaps without a SUBSCRIBE after which a client has sent its last.
    pub quiet_gaps: u32,
}

impl Default for SettleTuning {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(20),
            least_quiet: Duration::from_millis(250),
            most_quiet: Duration::from_secs(2),
            quiet_gaps: 4,
        }
    }
}
