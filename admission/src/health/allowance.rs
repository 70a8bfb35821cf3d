//! What the kernel lets a process have, and what it means when it has used it up.

use crate::report::Verdict;
use crate::tuning::HealthTuning;

/// The signal of a process that works at its CPU limit.
pub(super) const CPU_THROTTLING: &str = "cpu_throttling";
/// The signal of a process that is near its memory limit.
const MEMORY: &str = "memory";

/// Parts of a thousand, at most all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerMille(u16);

/// How a CPU limit stood in the way over one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Periods in which the process had used up what it may, of those in which it ran.
    pub periods: PerMille,
    /// CPU time that its threads were ready to use and did not get, of that and what they got.
    pub refused: PerMille,
}

/// Over one window. `None`: there is no such limit, or none that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    pub throttling: Option<Throttling>,
    /// Memory in use, of the limit.
    pub memory: Option<PerMille>,
}

impl PerMille {
    /// `None`: of nothing there are no parts.
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        let parts = (u128::from(part) * 1_000).checked_div(whole.into())?;
        u16::try_from(parts.min(1_000)).ok().map(Self)
    }

    fn is_over(self, percent: u32) -> bool {
        u32::from(self.0) > percent * 10
    }
}

impl Allowance {
    /// The signal that is over its line for this verdict.
    pub(super) fn over(&self, verdict: Verdict, tuning: &HealthTuning) -> Option<&'static str> {
        let memory = match verdict {
            Verdict::Good => return None,
            Verdict::Bad => tuning.bad_memory_percent,
            Verdict::Hard => tuning.hard_memory_percent,
        };
        let starves = |window: Throttling| window.refused.is_over(tuning.starved_percent);
        let is_starved = verdict == Verdict::Bad && self.throttling.is_some_and(starves);
        match self.memory {
            Some(used) if used.is_over(memory) => Some(MEMORY),
            _ => is_starved.then_some(CPU_THROTTLING),
        }
    }

    /// Whether the CPU limit is felt.
    pub(super) fn is_throttled(&self, tuning: &HealthTuning) -> bool {
        self.throttling
            .is_some_and(|window| window.periods.is_over(tuning.throttled_percent))
    }
}
