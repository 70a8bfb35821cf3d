//! How long each slice took.

use std::cmp::Reverse;
use std::time::Duration;

use crate::progress::{MOST_SLOWEST, SlowSlice};

/// When each slice opened and when its last client so far came in.
#[derive(Clone, Debug, Default)]
pub(super) struct SliceTimes {
    /// In the order in which they open; as many as are open.
    opened: Vec<Duration>,
    /// Clients that came in, and when the last of them did; as many as are counted.
    filled: Vec<(u32, Duration)>,
}

impl SliceTimes {
    /// Slices under the level are open.
    pub(super) fn opened(&mut self, level: u32, now: Duration) {
        let level = usize::try_from(level).unwrap_or(usize::MAX);
        if level > self.opened.len() {
            self.opened.resize(level, now);
        }
    }

    pub(super) fn entered(&mut self, entered: &[u32], now: Duration) {
        if self.filled.len() < entered.len() {
            self.filled.resize(entered.len(), (0, now));
        }
        for (filled, entered) in self.filled.iter_mut().zip(entered) {
            if *entered > filled.0 {
                *filled = (*entered, now);
            }
        }
    }

    pub(super) fn slowest(&self, range: impl Fn(u32) -> Option<String>) -> Vec<SlowSlice> {
        let each = (0..).zip(self.opened.iter().zip(&self.filled));
        let mut taken: Vec<(Duration, u32, u32)> = each
            .filter(|(_, (_, (entered, _)))| *entered > 0)
            .map(|(slice, (opened, (entered, last)))| {
                (last.saturating_sub(*opened), slice, *entered)
            })
            .collect();
        taken.sort_by_key(|(time, slice, _)| (Reverse(*time), *slice));
        taken.truncate(MOST_SLOWEST);
        let told = taken.into_iter().map(|(time, slice, entered)| SlowSlice {
            slice,
            range: range(slice),
            seconds: time.as_secs(),
            entered,
        });
        told.collect()
    }
}
