//! What the kernel lets a process have, and what it means when it has used it up.

use crate::report::Verdict;

/// The signal of a process that works at its CPU limit.
pub(super) const CPU_THROTTLING: &str = "cpu_throttling";
/// The signal of a process that is near its memory limit.
const MEMORY: &str = "memory";

/// A process that works at its limit is a slow one, and the law finds out how slow. So this names what limits, and
/// condemns nobody: over a tenth of the periods are enough to make the slowest twentieth of what it does late.
const THROTTLED: PerMille = PerMille(100);
/// Of each period of 100 ms, as is usual, the last 95 are lost, which is where turns become as late as
/// `runtime_lag` permits; a process that runs so rarely takes too few samples to see that by itself. One thread is here
/// with less than a twentieth of a CPU. There is no hard line: a limit is there by design and may never end, so that
/// waiting for its end would keep clients out for ever.
const STARVED: PerMille = PerMille(950);
/// Caches and bursts have their place below; what comes above is sessions and queues, which do not go away by themselves.
const MEMORY_BAD: PerMille = PerMille(850);
/// The kernel kills at the limit, and that costs every client its connection; one more that is let in, only itself.
const MEMORY_HARD: PerMille = PerMille(950);

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
}

impl Allowance {
    /// The signal that is over its line for this verdict.
    pub(super) fn over(&self, verdict: Verdict) -> Option<&'static str> {
        let memory = match verdict {
            Verdict::Good => return None,
            Verdict::Bad => MEMORY_BAD,
            Verdict::Hard => MEMORY_HARD,
        };
        let is_starved = verdict == Verdict::Bad
            && self
                .throttling
                .is_some_and(|window| window.refused > STARVED);
        match self.memory {
            Some(used) if used > memory => Some(MEMORY),
            _ => is_starved.then_some(CPU_THROTTLING),
        }
    }

    /// Whether the CPU limit is felt.
    pub(super) fn is_throttled(&self) -> bool {
        self.throttling
            .is_some_and(|window| window.periods > THROTTLED)
    }
}
