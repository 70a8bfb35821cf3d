//! How many clients an edge asks a shard to take: as many as come while it is well, half as many in each window in which
//! it is bad, none while it is hard.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::edge::TICK;
use crate::health::WINDOW;
use crate::report::Verdict;
use crate::tuning::Tuning;

/// Ticks of one window.
const TICKS: u32 = 4;
const _: () = assert!(WINDOW.as_millis() / TICK.as_millis() == 4);
/// Nothing binds.
pub const UNBOUND: u32 = u32::MAX;

/// One edge's limit on one shard's attaches; thought over at each tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttachLimit {
    /// Clients in a window; `None`: as many as come.
    limit: Option<u32>,
    verdict: Verdict,
    changed_at: Option<Duration>,
    /// Clients that the shard was asked to take, by tick; one window.
    asked: VecDeque<u32>,
    ticks: u32,
}

impl AttachLimit {
    /// `asked`: clients that the shard was asked to take since the last tick.
    pub(crate) fn tick(&mut self, verdict: Verdict, asked: u32, now: Duration, tuning: &Tuning) {
        self.verdict = verdict;
        self.ticks = self.ticks.wrapping_add(1);
        self.asked.push_back(asked);
        if self.asked.len() > TICKS as usize {
            self.asked.pop_front();
        }
        let due = self
            .changed_at
            .is_none_or(|at| now.saturating_sub(at) >= tuning.halve_every);
        if due && (verdict != Verdict::Good || self.limit.is_some()) {
            self.changed_at = Some(now);
            self.change(tuning);
        }
    }

    fn change(&mut self, tuning: &Tuning) {
        let asked = self
            .asked
            .iter()
            .fold(0_u32, |sum, asked| sum.saturating_add(*asked));
        self.limit = match (self.verdict, self.limit) {
            (Verdict::Good, None) => None,
            // what was not used up does not bind
            (Verdict::Good, Some(limit)) if !is_used(asked, limit, tuning) => None,
            (Verdict::Good, Some(limit)) => Some(limit.saturating_mul(2)),
            (_, limit) => Some((limit.unwrap_or(asked) / 2).max(tuning.least_attaches)),
        };
    }

    /// What may be asked of the shard until the next tick; [`UNBOUND`]: as many as come.
    pub(crate) fn grant(&self) -> u32 {
        match (self.verdict, self.limit) {
            (Verdict::Hard, _) => 0,
            (_, None) => UNBOUND,
            // what four ticks grant together is the limit
            (_, Some(limit)) => (limit + self.ticks % TICKS) / TICKS,
        }
    }
}

fn is_used(asked: u32, limit: u32, tuning: &Tuning) -> bool {
    u64::from(asked) * 100 >= u64::from(limit) * u64::from(tuning.used_percent)
}

/// What an edge may ask of each shard until the next tick; shared by its workers.
#[derive(Clone, Debug, Default)]
pub struct Attaches {
    shards: Arc<[Shard]>,
}

#[derive(Debug)]
struct Shard {
    left: AtomicU32,
    asked: AtomicU32,
}

impl Attaches {
    /// Shards are numbered from 0. Nothing binds yet.
    pub fn new(shards: usize) -> Self {
        let shard = || Shard {
            left: AtomicU32::new(UNBOUND),
            asked: AtomicU32::new(0),
        };
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
        }
    }

    /// At each tick; what was left of the last grant is gone.
    pub fn grant(&self, shard: u32, attaches: u32) {
        if let Some(shard) = self.shards.get(shard as usize) {
            shard.left.store(attaches, Ordering::Relaxed);
        }
    }

    /// Before each ATTACH. `false`: not before there is another grant.
    pub fn try_take(&self, shard: u32) -> bool {
        let Some(shard) = self.shards.get(shard as usize) else {
            return true;
        };
        let less = |left| match left {
            0 => None,
            UNBOUND => Some(UNBOUND),
            left => Some(left - 1),
        };
        let taken = shard
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok();
        shard.asked.fetch_add(u32::from(taken), Ordering::Relaxed);
        taken
    }

    /// Clients that a shard was asked to take since this was last asked.
    pub fn take_asked(&self, shard: u32) -> u32 {
        let shard = self.shards.get(shard as usize);
        shard.map_or(0, |shard| shard.asked.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One edge and one shard.
    #[derive(Default)]
    struct Course {
        limit: AttachLimit,
        asked: u32,
        at: u32,
    }

    impl Course {
        /// What is asked of the shard in each tick of these verdicts, while so many come between two.
        fn run(&mut self, verdict: Verdict, ticks: usize, come: u32) -> Vec<u32> {
            let step = |_| {
                self.at += 1;
                let (now, tuning) = (TICK * self.at, Tuning::default());
                self.limit.tick(verdict, self.asked, now, &tuning);
                self.asked = self.limit.grant().min(come);
                self.asked
            };
            (0..ticks).map(step).collect()
        }
    }

    fn per_window(asked: &[u32]) -> Vec<u32> {
        asked.chunks(4).map(|window| window.iter().sum()).collect()
    }

    #[test]
    fn a_bad_shard_is_asked_half_as_much_in_each_window_and_never_less_than_a_little() {
        let mut course = Course::default();
        let well = course.run(Verdict::Good, 8, 25);
        assert_eq!(per_window(&well), [100, 100]);
        let bad = course.run(Verdict::Bad, 28, 25);
        assert_eq!(per_window(&bad), [50, 25, 12, 6, 4, 4, 4]);
    }

    #[test]
    fn a_hard_shard_is_asked_nothing() {
        let mut course = Course::default();
        course.run(Verdict::Good, 8, 25);
        assert_eq!(course.run(Verdict::Hard, 9, 25), [0; 9]);
        let bad = course.run(Verdict::Bad, 4, 25);
        assert!(bad.iter().sum::<u32>() > 0, "{bad:?}");
    }

    #[test]
    fn a_shard_that_is_well_again_is_asked_twice_as_much_until_nothing_binds() {
        let mut course = Course::default();
        course.run(Verdict::Good, 8, 25);
        course.run(Verdict::Bad, 16, 25);
        let well = course.run(Verdict::Good, 24, 25);
        assert_eq!(per_window(&well), [12, 24, 48, 96, 100, 100]);
        assert_eq!(course.limit.grant(), UNBOUND);
    }

    #[test]
    fn grants_are_shared_and_do_not_add_up() {
        let attaches = Attaches::new(2);
        assert!((0..1_000).all(|_| attaches.try_take(0)));
        assert_eq!((attaches.take_asked(0), attaches.take_asked(0)), (1_000, 0));
        attaches.grant(0, 1);
        attaches.grant(0, 2);
        let taken: Vec<_> = (0..3).map(|_| attaches.clone().try_take(0)).collect();
        assert_eq!(taken, [true, true, false]);
        assert_eq!(attaches.take_asked(0), 2);
        assert!(
            attaches.try_take(1) && attaches.try_take(2),
            "others are not bound"
        );
    }

    proptest! {
        #[test]
        fn one_window_at_most_halves_or_doubles_what_may_be_asked(ticks in prop::collection::vec((0_u8..3, 0_u32..500), 1..120)) {
            let mut limit = AttachLimit::default();
            let verdicts = [Verdict::Good, Verdict::Bad, Verdict::Hard];
            let mut before: Option<u32> = None;
            for (at, (verdict, asked)) in (0..).zip(ticks) {
                let verdict = verdicts[usize::from(verdict)];
                limit.tick(verdict, asked, TICK * at, &Tuning::default());
                prop_assert_eq!(verdict == Verdict::Hard, limit.grant() == 0);
                if let (Some(before), Some(after)) = (before, limit.limit) {
                    let least = Tuning::default().least_attaches;
                    prop_assert!(after >= (before / 2).max(least) && after <= before * 2, "{before} {after}");
                }
                before = limit.limit;
            }
        }
    }
}
