//! Places of the entering limit, shared by the workers of one edge process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts who is entering. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Places {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    limit: AtomicU32,
    used: AtomicU32,
    peak: AtomicU32,
}

/// One client entering. Dropping it gives the place back, however the client's way in ended.
#[derive(Debug)]
#[must_use = "a place that is dropped at once lets in more than the limit"]
pub struct Place {
    shared: Arc<Shared>,
}

impl Places {
    pub fn set_limit(&self, limit: u32) {
        self.shared.limit.store(limit, Ordering::Relaxed);
    }

    /// `None`: as many as may be are entering.
    pub fn try_take(&self) -> Option<Place> {
        let limit = self.shared.limit.load(Ordering::Relaxed);
        let taken = self
            .shared
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < limit).then_some(used + 1)
            });
        taken.ok().map(|before| self.taken(before + 1))
    }

    /// For those who pass whatever the limit is; they count all the same.
    pub fn take_anyway(&self) -> Place {
        let before = self.shared.used.fetch_add(1, Ordering::Relaxed);
        self.taken(before + 1)
    }

    /// Clients that may enter now.
    pub fn free(&self) -> u32 {
        self.shared
            .limit
            .load(Ordering::Relaxed)
            .saturating_sub(self.used())
    }

    pub fn used(&self) -> u32 {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// The most that were entering at a time since this was last asked.
    pub fn take_peak(&self) -> u32 {
        self.shared.peak.swap(self.used(), Ordering::Relaxed)
    }

    fn taken(&self, used: u32) -> Place {
        self.shared.peak.fetch_max(used, Ordering::Relaxed);
        Place {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.used.fetch_sub(1, Ordering::Relaxed);
    }
}
