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
    /// Percent of the periods in which a process runs. A process that works at its CPU limit is a slow one, and the law finds
    /// out how slow, so this names what limits and condemns nobody: in over a tenth of the periods is enough to make the
    /// slowest twentieth of what it does late.
    pub throttled_percent: u32,
    /// Percent of the CPU time that threads are ready to use. Of each period of 100 ms, as is usual, the last 95 are lost,
    /// which is where turns become as late as `runtime_lag` permits; a process that runs so rarely takes too few samples to
    /// see that by itself. There is no hard line: a limit is there by design and may never end, so that waiting for its end
    /// would keep clients out for ever.
    pub starved_percent: u32,
    /// Percent of the memory limit. Caches and bursts have their place below; what comes above is sessions and queues, which
    /// do not go away by themselves.
    pub bad_memory_percent: u32,
    /// No less than bad. The kernel kills at the limit, and that costs every client its connection; one more that is let in,
    /// only itself.
    pub hard_memory_percent: u32,
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
            throttled_percent: 10,
            starved_percent: 95,
            bad_memory_percent: 85,
            hard_memory_percent: 95,
        }
    }
}
