//! What a process may not exceed, and for how long.

use std::time::Duration;

/// What one signal may not exceed: its 95th percentile, and what waits longest now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub bad: Duration,
    /// No less than `bad`.
    pub hard: Duration,
}

/// Windows in a row that a verdict needs; at least 1 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// One window may be an accident.
    pub bad: u32,
    /// A sick process that feels better for a moment is not well yet.
    pub good: u32,
}

/// The lines of a process's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthTuning {
    pub windows: Windows,
    /// Settled clients' packets wait no longer than a person notices.
    pub queue_wait: Line,
    /// A worker's turn may be as late as its packets may wait, several times over: it serves many in one turn.
    pub runtime_lag: Line,
    /// Each SUBSCRIBE waits for the SUBACK before it; tens of these must fit in a second or two.
    pub suback: Line,
}

impl Default for Windows {
    fn default() -> Self {
        Self { bad: 2, good: 3 }
    }
}

impl Default for HealthTuning {
    fn default() -> Self {
        let late = Line {
            bad: Duration::from_millis(100),
            hard: Duration::from_secs(1),
        };
        Self {
            windows: Windows::default(),
            queue_wait: Line {
                bad: Duration::from_millis(20),
                hard: Duration::from_millis(200),
            },
            runtime_lag: late,
            suback: late,
        }
    }
}
