//! Windows: how much each side of a stream may send before the other has taken it.

use crate::link::frame::INITIAL_WINDOW;

/// Bytes that the client's edge may send us.
#[derive(Debug, Default)]
pub(super) struct Inflow {
    /// Taken, not given back.
    owed: u32,
}

/// The edge is told in steps: one frame for many packets. What a receiver may collect is fixed at the window.
const STEP: u32 = INITIAL_WINDOW / 4;

impl Inflow {
    pub(super) fn received(&mut self, bytes: usize) {
        self.owed = self
            .owed
            .saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    pub(super) fn take(&mut self) -> u32 {
        if self.owed < STEP {
            0
        } else {
            std::mem::take(&mut self.owed)
        }
    }
}

/// Bytes that we may send the client's edge. The last frame may overdraw.
#[derive(Debug, Default)]
pub(super) struct Outflow {
    /// Sent, not given back. Four gigabytes are not reached: nothing but answers is sent beyond the window, and the
    /// client is not read at twice the window.
    outstanding: u32,
}

impl Outflow {
    pub(super) fn sent(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.outstanding = self.outstanding.saturating_add(bytes);
    }

    pub(super) fn given_back(&mut self, bytes: u32) {
        self.outstanding = self.outstanding.saturating_sub(bytes);
    }

    pub(super) fn is_open(&self) -> bool {
        self.outstanding < INITIAL_WINDOW
    }

    /// Twice the window is unread. Messages stop at once the window: what is beyond it are answers, which wait for
    /// nothing. The window alone says little: a busy subscription keeps it full all the time.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.outstanding >= 2 * INITIAL_WINDOW
    }
}
