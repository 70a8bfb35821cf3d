//! How many may be entering at one edge: let in, CONNACK not yet sent.

use std::time::Duration;

use crate::tuning::Tuning;

/// What one period showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    /// 95th percentile of the times to CONNACK, the oldest waiter included.
    pub(crate) measured: Option<Duration>,
    /// The most that were entering at a time.
    pub(crate) peak: u32,
    pub(crate) may_grow: bool,
}

/// The controller of one edge's entering limit.
#[derive(Clone, Debug)]
pub(crate) struct EnteringLimit {
    tuning: Tuning,
    target: Duration,
    cap: u32,
    limit: u32,
    last_good: Option<u32>,
    overshot: bool,
    halved_at: Option<Duration>,
}

impl EnteringLimit {
    /// `cap`: never more than this, whatever the law says, even when it is under the least.
    pub(crate) fn new(patience: Duration, cap: Option<u32>, tuning: &Tuning) -> Self {
        let cap = cap.unwrap_or(u32::MAX);
        Self {
            tuning: *tuning,
            target: patience * tuning.target_percent / 100,
            cap,
            limit: tuning.first_entering.min(cap),
            last_good: None,
            overshot: false,
            halved_at: None,
        }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn target(&self) -> Duration {
        self.target
    }

    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.target = patience * self.tuning.target_percent / 100;
    }

    pub(crate) fn is_capped(&self) -> bool {
        self.limit >= self.cap
    }

    /// Another reopening begins: what was good may no longer be. `remembered`: what shards know to have been good for one
    /// edge, where this one has found nothing by itself since it started.
    pub(crate) fn restart(&mut self, remembered: Option<u32>) {
        self.overshot = false;
        self.set(
            self.last_good
                .or(remembered)
                .map_or(self.tuning.first_entering, |good| good / 2),
        );
    }

    /// Once per period.
    pub(crate) fn adjust(&mut self, period: Period) {
        let Some(measured) = period.measured else {
            return;
        };
        let used = u64::from(period.peak) * 100
            >= u64::from(self.limit) * u64::from(self.tuning.used_percent);
        if measured > self.target {
            self.overshot = true;
            self.set(self.shrunk(measured));
        } else if used {
            self.last_good = Some(self.limit);
            if period.may_grow && measured < self.target / 2 {
                self.set(self.grown());
            }
        }
    }

    /// The shards are bad: at most once per window. `false`: not yet again.
    pub(crate) fn halve(&mut self, now: Duration) -> bool {
        let due = self
            .halved_at
            .is_none_or(|at| now.saturating_sub(at) >= self.tuning.halve_every);
        if due {
            self.halved_at = Some(now);
            self.overshot = true;
            self.set(self.limit / 2);
        }
        due
    }

    fn grown(&self) -> u32 {
        if self.overshot {
            self.limit.saturating_add(self.limit / 4 + 1)
        } else {
            self.limit.saturating_mul(2)
        }
    }

    fn shrunk(&self, measured: Duration) -> u32 {
        let scaled = u128::from(self.limit) * self.target.as_micros() / measured.as_micros().max(1);
        u32::try_from(scaled)
            .unwrap_or(self.limit)
            .max(self.limit / 2)
    }

    fn set(&mut self, limit: u32) {
        self.limit = limit.max(self.tuning.least_entering).min(self.cap);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn limit(cap: Option<u32>) -> EnteringLimit {
        let tuning = Tuning {
            first_entering: 64,
            ..Tuning::default()
        };
        EnteringLimit::new(PATIENCE, cap, &tuning)
    }

    fn period(measured: u64, peak: u32) -> Period {
        Period {
            measured: Some(Duration::from_millis(measured)),
            peak,
            may_grow: true,
        }
    }

    /// One period after the other, all places used.
    fn course(limit: &mut EnteringLimit, measured: &[u64]) -> Vec<u32> {
        let step = |millis: &u64| {
            limit.adjust(period(*millis, limit.limit()));
            limit.limit()
        };
        measured.iter().map(step).collect()
    }

    #[test]
    fn doubles_until_the_first_overshoot_and_creeps_from_then_on() {
        let mut limit = limit(None);
        let measured = [100, 100, 499, 500, 1_000, 1_250, 400, 400, 3_000, 100];
        assert_eq!(
            course(&mut limit, &measured),
            [128, 256, 512, 512, 512, 409, 512, 641, 320, 401]
        );
    }

    #[test]
    fn shrinks_in_proportion_but_no_more_than_by_half() {
        for (measured, expected) in [
            (1_001, 63),
            (1_100, 58),
            (1_600, 40),
            (2_000, 32),
            (60_000, 32),
        ] {
            assert_eq!(
                course(&mut limit(None), &[measured]),
                [expected],
                "{measured} ms"
            );
        }
    }

    #[test]
    fn never_under_four() {
        assert_eq!(
            course(&mut limit(None), &[9_000; 7]),
            [32, 16, 8, 4, 4, 4, 4]
        );
        let mut least = limit(None);
        course(&mut least, &[9_000; 7]);
        assert_eq!(course(&mut least, &[10; 4]), [6, 8, 11, 14]);
    }

    #[test]
    fn grows_only_when_used_and_allowed() {
        let mut limit = limit(None);
        limit.adjust(period(10, 44));
        assert_eq!(limit.limit(), 64);
        limit.adjust(period(10, 45));
        assert_eq!(limit.limit(), 128);
        limit.adjust(Period {
            may_grow: false,
            ..period(10, 128)
        });
        assert_eq!(limit.limit(), 128);
        limit.adjust(Period {
            measured: None,
            ..period(0, 128)
        });
        assert_eq!(limit.limit(), 128);
        limit.adjust(Period {
            may_grow: false,
            ..period(4_000, 0)
        });
        assert_eq!(limit.limit(), 64, "shrinking needs no leave");
    }

    #[test]
    fn the_cap_holds_even_under_the_least() {
        assert_eq!(course(&mut limit(Some(100)), &[10, 10]), [100, 100]);
        assert_eq!(course(&mut limit(Some(2)), &[10, 9_000]), [2, 2]);
        assert!(
            limit(Some(2)).is_capped() && !limit(Some(100)).is_capped() && !limit(None).is_capped()
        );
    }

    #[test]
    fn another_reopening_starts_at_half_the_last_good_limit() {
        let mut limit = limit(None);
        limit.restart(None);
        assert_eq!(limit.limit(), 64, "none was good yet");
        limit.restart(Some(900));
        assert_eq!(limit.limit(), 450, "what others remember");
        limit.restart(None);
        course(&mut limit, &[100, 100, 700, 5_000]);
        assert_eq!(limit.limit(), 128);
        limit.restart(Some(900));
        assert_eq!(
            limit.limit(),
            128,
            "half of 256, which stayed under the target"
        );
        assert_eq!(course(&mut limit, &[100]), [256], "doubling again");
    }

    #[test]
    fn bad_health_halves_once_a_window() {
        let mut limit = limit(None);
        let halved: Vec<_> = [0, 250, 500, 750, 1_000, 1_250]
            .map(Duration::from_millis)
            .map(|now| limit.halve(now))
            .to_vec();
        assert_eq!(halved, [true, false, false, false, true, false]);
        assert_eq!(limit.limit(), 16);
        assert_eq!(course(&mut limit, &[10]), [21], "no doubling after it");
    }

    proptest! {
        #[test]
        fn stays_between_four_and_the_cap(cap in prop::option::of(1_u32..3_000),
                                          periods in prop::collection::vec((0_u64..20_000, 0_u32..10_000, any::<bool>(), 0_u8..9), 0..200)) {
            let mut limit = limit(cap);
            let most = cap.unwrap_or(u32::MAX);
            let mut now = Duration::ZERO;
            for (measured, peak, may_grow, other) in periods {
                now += Duration::from_millis(500);
                match other {
                    0 => limit.restart(None),
                    1 => { limit.halve(now); }
                    _ => limit.adjust(Period { may_grow, ..period(measured, peak) }),
                }
                prop_assert!(limit.limit() >= 4.min(most) && limit.limit() <= most);
            }
        }

        #[test]
        fn one_period_at_most_doubles_or_halves(measured in prop::collection::vec(0_u64..20_000, 1..60)) {
            let mut limit = limit(None);
            for millis in measured {
                let before = limit.limit();
                limit.adjust(period(millis, before));
                prop_assert!(limit.limit() >= before / 2 && limit.limit() <= before.saturating_mul(2));
                prop_assert!(millis <= 1_000 || limit.limit() <= before);
            }
        }
    }
}
