//! How many clients may be settling at once: as many as are configured, and fewer while SUBACKs are late.

use std::time::Duration;

use crate::times::{ENOUGH_TIMES, Times};
use crate::tuning::Tuning;

/// The controller of one worker's settle limit.
#[derive(Clone, Debug)]
pub struct SettleLimit {
    tuning: Tuning,
    cap: u32,
    limit: u32,
}

impl SettleLimit {
    /// `cap`: never more than this; it is what binds while SUBACKs are in time.
    pub fn new(cap: u32, tuning: Tuning) -> Self {
        Self {
            tuning,
            cap,
            limit: cap,
        }
    }

    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Once a window. `oldest`: how long the SUBACK has been due that has been so for longest.
    pub fn adjust(&mut self, subacks: &Times, oldest: Option<Duration>, settling: u32) {
        let p95 = if subacks.count() < ENOUGH_TIMES {
            None
        } else {
            subacks.percentile(95)
        };
        let Some(measured) = p95.max(oldest) else {
            self.grow(settling, self.limit / 4 + 1);
            return;
        };
        if measured > self.tuning.late_suback {
            self.shrink(measured, settling);
        } else if measured * 2 <= self.tuning.late_suback {
            // twice as many wait twice as long at most; and what a shard that stood still for a moment was cut to is
            // regained in as many windows as it was cut in
            self.grow(settling, self.limit);
        } else {
            self.grow(settling, self.limit / 4 + 1);
        }
    }

    /// From those that are settling, not from the limit: a limit that did not bind had no part in it.
    fn shrink(&mut self, measured: Duration, settling: u32) {
        let scaled = u128::from(settling) * self.tuning.late_suback.as_micros()
            / measured.as_micros().max(1);
        let scaled = u32::try_from(scaled).unwrap_or(settling).max(settling / 2);
        let least = self.tuning.least_settling.min(self.cap);
        self.limit = scaled.clamp(least, self.limit.max(least));
    }

    fn grow(&mut self, settling: u32, by: u32) {
        let used = u64::from(settling) * 100;
        if used >= u64::from(self.limit) * u64::from(self.tuning.used_percent) {
            self.limit = self.limit.saturating_add(by).min(self.cap);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subacks(count: u32, millis: u64) -> Times {
        let mut times = Times::default();
        (0..count).for_each(|_| times.record(Duration::from_millis(millis)));
        times
    }

    fn course(limit: &mut SettleLimit, windows: &[(u64, u32)]) -> Vec<u32> {
        let step = |(millis, settling): &(u64, u32)| {
            limit.adjust(&subacks(50, *millis), None, *settling);
            limit.limit()
        };
        windows.iter().map(step).collect()
    }

    fn thousand() -> SettleLimit {
        SettleLimit::new(1_000, Tuning::default())
    }

    #[test]
    fn it_binds_only_when_subacks_are_late() {
        let mut limit = thousand();
        assert_eq!(course(&mut limit, &[(1, 990), (100, 1_000)]), [1_000; 2]);
        assert_eq!(course(&mut limit, &[(125, 400)]), [320]);
        assert_eq!(
            course(&mut limit, &[(5_000, 320)]),
            [160],
            "by half at most"
        );
    }

    #[test]
    fn it_grows_again_when_it_is_used_and_ends_at_the_cap() {
        let mut limit = thousand();
        course(&mut limit, &[(5_000, 400)]);
        assert_eq!(limit.limit(), 200);
        assert_eq!(
            course(&mut limit, &[(60, 139), (60, 140), (50, 251)]),
            [200, 251, 502]
        );
        for _ in 0..20 {
            let used = limit.limit();
            course(&mut limit, &[(10, used)]);
        }
        assert_eq!(limit.limit(), 1_000);
    }

    #[test]
    fn the_oldest_due_suback_counts_and_few_do_not() {
        let mut limit = thousand();
        limit.adjust(&subacks(19, 900), None, 800);
        assert_eq!(limit.limit(), 1_000);
        limit.adjust(&Times::default(), Some(Duration::from_millis(200)), 800);
        assert_eq!(limit.limit(), 400);
    }

    #[test]
    fn it_never_falls_under_the_least_nor_under_a_smaller_cap() {
        let mut limit = thousand();
        assert_eq!(course(&mut limit, &[(60_000, 1), (60_000, 0)]), [4, 4]);
        let mut small = SettleLimit::new(2, Tuning::default());
        assert_eq!(course(&mut small, &[(60_000, 2), (1, 2)]), [2, 2]);
    }

    proptest! {
        #[test]
        fn late_never_raises_it_and_it_stays_within_bounds(
            cap in 1_u32..5_000,
            windows in prop::collection::vec((0_u64..5_000, 0_u32..6_000), 0..100)
        ) {
            let mut limit = SettleLimit::new(cap, Tuning::default());
            for (millis, settling) in windows {
                let before = limit.limit();
                limit.adjust(&subacks(50, millis), None, settling);
                prop_assert!(limit.limit() >= 4.min(cap) && limit.limit() <= cap);
                prop_assert!(millis <= 100 || limit.limit() <= before);
            }
        }
    }
}
