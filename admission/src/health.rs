//! Whether a process is well, in windows of a second.

mod allowance;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::report::Verdict;
use crate::times::{ENOUGH_TIMES, Times};
use crate::tuning::{HealthTuning, Line, Windows};
use allowance::CPU_THROTTLING;

pub use allowance::{Allowance, PerMille, Throttling};

/// How long a window is; a constant, for what edges ask of a shard is counted in ticks that make up one.
pub const WINDOW: Duration = Duration::from_secs(1);
/// The signal of a shard that is about to end; it is hard then, whatever its windows say.
pub const DRAINING: &str = "draining";

/// One signal over one window.
#[derive(Clone, Debug, Default)]
pub struct Signal {
    pub times: Times,
    /// How long the one that waits longest now has waited.
    pub oldest: Option<Duration>,
}

/// One window, of all workers of a shard together.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How long settled clients' packets waited for their worker.
    pub queue_wait: Signal,
    /// How late workers' timers fired; sampled at least every 40 ms, so that a window has enough.
    pub runtime_lag: Signal,
    /// From SUBSCRIBE in to SUBACK out.
    pub suback: Signal,
    /// Of the process, not of one of its workers: merging windows leaves it as it is.
    pub allowance: Allowance,
}

/// Judges a process window by window.
#[derive(Clone, Debug, Default)]
pub struct HealthJudge {
    tuning: HealthTuning,
    bad: Condition,
    hard: Condition,
    throttled: Condition,
    signal: Option<&'static str>,
}

impl Signal {
    pub fn merge(&mut self, other: &Self) {
        self.times.merge(&other.times);
        self.oldest = self.oldest.max(other.oldest);
    }

    fn exceeds(&self, line: Duration) -> bool {
        let p95 = if self.times.count() < ENOUGH_TIMES {
            None
        } else {
            self.times.percentile(95)
        };
        p95.max(self.oldest).is_some_and(|measured| measured > line)
    }
}

impl Window {
    pub fn merge(&mut self, other: &Self) {
        self.queue_wait.merge(&other.queue_wait);
        self.runtime_lag.merge(&other.runtime_lag);
        self.suback.merge(&other.suback);
    }

    /// The signal that is over its line. What is late while the CPU limit is felt has that for its cause, and the cause
    /// is what a person can remove.
    fn over(
        &self,
        verdict: Verdict,
        tuning: &HealthTuning,
        line_of: impl Fn(Line) -> Duration,
    ) -> Option<&'static str> {
        let signals = [
            ("queue_wait", &self.queue_wait, tuning.queue_wait),
            ("runtime_lag", &self.runtime_lag, tuning.runtime_lag),
            ("suback", &self.suback, tuning.suback),
        ];
        let late = signals
            .into_iter()
            .find(|(_, signal, line)| signal.exceeds(line_of(*line)));
        let late = late.map(|(name, ..)| {
            if self.allowance.is_throttled(tuning) {
                CPU_THROTTLING
            } else {
                name
            }
        });
        self.allowance.over(verdict, tuning).or(late)
    }
}

impl HealthJudge {
    pub fn new(tuning: HealthTuning) -> Self {
        Self {
            tuning,
            ..Self::default()
        }
    }

    /// Every [`WINDOW`].
    pub fn judge(&mut self, window: &Window) -> Verdict {
        let (tuning, windows) = (&self.tuning, self.tuning.windows);
        let over_hard = window.over(Verdict::Hard, tuning, |line| line.hard);
        let over_bad = window.over(Verdict::Bad, tuning, |line| line.bad);
        self.hard.see(over_hard.is_some(), windows);
        self.bad.see(over_bad.is_some(), windows);
        let is_throttled = window.allowance.is_throttled(tuning);
        self.throttled.see(is_throttled, windows);
        self.signal = over_hard.or(over_bad).or(self.signal);
        if self.verdict() == Verdict::Good {
            self.signal = self.throttled.holds.then_some(CPU_THROTTLING);
        }
        self.verdict()
    }

    pub fn verdict(&self) -> Verdict {
        match (self.hard.holds, self.bad.holds) {
            (true, _) => Verdict::Hard,
            (false, true) => Verdict::Bad,
            (false, false) => Verdict::Good,
        }
    }

    /// What is behind a verdict that is not good; of a good one what makes the process slow, where that is known.
    pub fn signal(&self) -> Option<&'static str> {
        self.signal
    }
}

/// Begins after [`Windows::bad`] in a row over the line, ends after [`Windows::good`] in a row within it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Condition {
    holds: bool,
    /// Windows in a row that speak against what holds.
    against: u32,
}

impl Condition {
    pub(crate) fn holds(self) -> bool {
        self.holds
    }

    pub(crate) fn see(&mut self, over: bool, windows: Windows) {
        let needed = if self.holds {
            windows.good
        } else {
            windows.bad
        };
        self.against = if over == self.holds {
            0
        } else {
            self.against.saturating_add(1)
        };
        if self.against > 0 && self.against >= needed {
            *self = Self {
                holds: over,
                against: 0,
            };
        }
    }
}
