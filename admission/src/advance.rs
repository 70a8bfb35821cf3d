//! When more slices open, and how many.

/// No step opens more than this part of all slices, so that the order keeps its meaning.
const LARGEST_STEP_PARTS: u32 = 4;

/// The open door of all edges together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Door {
    /// Clients waiting in open slices.
    pub(crate) waiting: u64,
    /// Clients that may enter now.
    pub(crate) free: u64,
    pub(crate) limit: u64,
}

impl Door {
    /// Too few stand there: those who may enter now and half a limit in reserve. What enters is bounded elsewhere, so
    /// opening too many slices costs nothing but order, and nothing waits for a client that does not come.
    pub(crate) fn is_short(self) -> bool {
        self.waiting < self.free + self.limit / 2
    }
}

/// The step by which the level moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advance {
    step: u32,
}

impl Advance {
    pub(crate) fn new() -> Self {
        Self { step: 1 }
    }

    /// Once per period: the level after it, never a lower one.
    pub(crate) fn next(&mut self, level: u32, slices: u32, door: Door) -> u32 {
        if !door.is_short() {
            self.step = (self.step / 2).max(1);
            return level;
        }
        let next = level.saturating_add(self.step).min(slices);
        self.step = self
            .step
            .saturating_mul(2)
            .min(slices / LARGEST_STEP_PARTS)
            .max(1);
        next
    }
}
