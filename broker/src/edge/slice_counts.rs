//! Clients let in during the present reopening, by slice.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::Slices;

/// Counted by workers, read and set back by control. Who comes in at the very moment of a new reopening may be counted
/// with either.
#[derive(Debug)]
pub struct SliceCounts(Box<[AtomicU32]>);

impl Default for SliceCounts {
    fn default() -> Self {
        Self((0..Slices::MAX).map(|_| AtomicU32::new(0)).collect())
    }
}

impl SliceCounts {
    pub(super) fn count(&self, slice: u32) {
        if let Some(count) = self.0.get(slice as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Of the first so many slices.
    pub(super) fn counts(&self, slices: u32) -> Vec<u32> {
        let counts = self.0.iter().take(slices as usize);
        counts.map(|count| count.load(Ordering::Relaxed)).collect()
    }

    pub(super) fn restart(&self) {
        for count in &self.0 {
            count.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_by_slice_until_the_next_reopening() {
        let counts = SliceCounts::default();
        counts.count(0);
        counts.count(2);
        counts.count(2);
        counts.count(u32::MAX);
        assert_eq!(counts.counts(4), [1, 0, 2, 0]);
        counts.restart();
        assert_eq!(counts.counts(3), [0, 0, 0]);
    }
}
