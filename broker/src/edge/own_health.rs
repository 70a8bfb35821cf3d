//! How the edge's process itself is: what the kernel lets it have.

use std::time::Duration;

use herdgate_admission::health::{HealthJudge, WINDOW, Window};
use herdgate_admission::report::Verdict;
use herdgate_admission::tuning::HealthTuning;

use crate::process::Allowances;

/// Asked at each tick.
#[derive(Debug)]
pub struct OwnHealth {
    allowances: Allowances,
    judge: HealthJudge,
    judged: Duration,
}

impl OwnHealth {
    /// Windows begin at `now`.
    pub fn new(allowances: Allowances, tuning: HealthTuning, now: Duration) -> Self {
        Self {
            allowances,
            judge: HealthJudge::new(tuning),
            judged: now,
        }
    }

    /// Verdict and signal, once a window.
    pub(super) fn look(&mut self, now: Duration) -> Option<(Verdict, Option<&'static str>)> {
        if now.saturating_sub(self.judged) < WINDOW {
            return None;
        }
        self.judged = now;
        let window = Window {
            allowance: self.allowances.look(),
            ..Window::default()
        };
        Some((self.judge.judge(&window), self.judge.signal()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_judged_once_a_window() {
        let mut own = OwnHealth::new(Allowances::find(), HealthTuning::default(), Duration::ZERO);
        let judged = [250, 500, 750, 1_000, 1_250, 2_000]
            .map(|millis| own.look(Duration::from_millis(millis)).is_some());
        assert_eq!(judged, [false, false, false, true, false, true]);
    }
}
