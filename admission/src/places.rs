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
    /// Of these, what the last class may have, and has.
    last_limit: AtomicU32,
    last_used: AtomicU32,
    peak: AtomicU32,
}

/// One client entering. Dropping it gives the place back, however the client's way in ended.
#[derive(Debug)]
#[must_use = "a place that is dropped at once lets in more than the limit"]
pub struct Place {
    shared: Arc<Shared>,
    is_last: bool,
}

impl Places {
    pub fn set_limit(&self, limit: u32) {
        self.shared.limit.store(limit, Ordering::Relaxed);
    }

    /// How many of the places the last class may have.
    pub fn set_last_limit(&self, limit: u32) {
        self.shared.last_limit.store(limit, Ordering::Relaxed);
    }

    /// `None`: as many as may be are entering.
    pub fn try_take(&self) -> Option<Place> {
        let before = one_more(&self.shared.used, &self.shared.limit)?;
        Some(self.taken(before + 1))
    }

    /// For the last class. `None`: as many as may be are entering, of all or of these.
    pub fn try_take_last(&self) -> Option<Place> {
        one_more(&self.shared.last_used, &self.shared.last_limit)?;
        let Some(mut place) = self.try_take() else {
            self.shared.last_used.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        place.is_last = true;
        Some(place)
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
            is_last: false,
        }
    }
}

/// What it was before; `None`: it is at the limit.
fn one_more(used: &AtomicU32, limit: &AtomicU32) -> Option<u32> {
    let limit = limit.load(Ordering::Relaxed);
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
        (used < limit).then_some(used + 1)
    })
    .ok()
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.used.fetch_sub(1, Ordering::Relaxed);
        if self.is_last {
            self.shared.last_used.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_in_no_more_than_the_limit_and_takes_places_back() {
        let places = Places::default();
        assert!(places.try_take().is_none());
        places.set_limit(2);
        let first = places.try_take().unwrap();
        let _second = places.clone().try_take().unwrap();
        assert!(places.try_take().is_none());
        assert_eq!((places.used(), places.free()), (2, 0));
        drop(first);
        assert_eq!((places.used(), places.free()), (1, 1));
        assert!(places.try_take().is_some());
    }

    #[test]
    fn those_who_pass_anyway_count() {
        let places = Places::default();
        places.set_limit(1);
        let _probe = places.take_anyway();
        let _other = places.take_anyway();
        assert_eq!((places.used(), places.free()), (2, 0));
        assert!(places.try_take().is_none());
    }

    #[test]
    fn the_last_class_has_a_part_of_the_places_and_no_more_than_are_left() {
        let places = Places::default();
        places.set_limit(3);
        assert!(places.try_take_last().is_none());
        places.set_last_limit(2);
        let first = places.try_take_last().unwrap();
        let _second = places.try_take_last().unwrap();
        assert!(places.try_take_last().is_none(), "of two");
        drop(first);
        let _other = places.try_take().unwrap();
        let _another = places.try_take().unwrap();
        assert!(places.try_take_last().is_none(), "of three in all");
        assert_eq!(places.shared.last_used.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_lower_limit_throws_nobody_out() {
        let places = Places::default();
        places.set_limit(3);
        let taken: Vec<_> = (0..3).filter_map(|_| places.try_take()).collect();
        places.set_limit(1);
        assert_eq!((places.used(), places.free()), (3, 0));
        drop(taken);
        assert_eq!(places.free(), 1);
    }

    #[test]
    fn the_peak_is_of_the_time_since_it_was_asked() {
        let places = Places::default();
        places.set_limit(9);
        let taken: Vec<_> = (0..5).filter_map(|_| places.try_take()).collect();
        drop(taken);
        let _kept = places.try_take();
        assert_eq!(places.take_peak(), 5);
        assert_eq!(places.take_peak(), 1);
    }

    #[test]
    fn threads_that_race_for_places_never_get_more_than_there_are() {
        let places = Places::default();
        places.set_limit(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let place = places.try_take();
                        assert!(places.used() <= 3);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!((places.used(), places.take_peak() <= 3), (0, true));
    }
}
