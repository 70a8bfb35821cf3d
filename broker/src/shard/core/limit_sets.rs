//! Limits of sessions, each set of them in memory once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::link::ListenerLimits;
use crate::session::SessionLimits;

/// Most sessions have the shard's own; the others share one set for each kind of listener. A set that no session has
/// any more goes when the next comes, so that there are never more than sessions.
#[derive(Debug)]
pub(super) struct LimitSets {
    shards: Arc<SessionLimits>,
    others: HashSet<Arc<SessionLimits>>,
}

impl LimitSets {
    pub(super) fn new(shards: SessionLimits) -> Self {
        Self {
            shards: Arc::new(shards),
            others: HashSet::new(),
        }
    }

    /// Of a client of a listener with these.
    pub(super) fn of(&mut self, listener: &ListenerLimits) -> Arc<SessionLimits> {
        let limits = self.shards.within(listener);
        if limits == *self.shards {
            return Arc::clone(&self.shards);
        }
        if let Some(known) = self.others.get(&limits) {
            return Arc::clone(known);
        }
        self.others.retain(|set| Arc::strong_count(set) > 1);
        let new = Arc::new(limits);
        self.others.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn subscriptions(most: u32) -> ListenerLimits {
        ListenerLimits {
            max_subscriptions: NonZeroU32::new(most),
            ..ListenerLimits::default()
        }
    }

    #[test]
    fn equal_limits_are_kept_once_and_no_longer_than_somebody_has_them() {
        let mut sets = LimitSets::new(SessionLimits::default());
        let shards = sets.of(&ListenerLimits::default());
        // no less than the shard's own
        assert!(Arc::ptr_eq(&shards, &sets.of(&subscriptions(u32::MAX))));
        let (few, again) = (sets.of(&subscriptions(5)), sets.of(&subscriptions(5)));
        assert!(Arc::ptr_eq(&few, &again));
        assert_eq!(few.max_subscriptions, 5);
        drop((few, again));
        for most in 6..100 {
            sets.of(&subscriptions(most));
        }
        assert_eq!(sets.others.len(), 1);
    }
}
