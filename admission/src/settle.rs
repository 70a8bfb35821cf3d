//! When a client that came back is done coming back.

use std::time::Duration;

use crate::times::{ENOUGH_TIMES, Times};
use crate::tuning::SettleTuning;

/// A client that is quiet, but has not got all its messages, is looked at so often. A constant: others wait for its place
/// no longer than they would notice, and a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So many gaps are remembered before the older half is forgotten: the last few hundred clients.
const FADE_AT: u64 = 8_192;

/// One session between its CONNACK and being settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// It is settled then, whatever it does.
    end: Duration,
    last_subscribe: Duration,
}

impl Settling {
    /// At CONNACK.
    pub fn begin(now: Duration, tuning: &SettleTuning) -> Self {
        Self {
            end: now + tuning.within,
            last_subscribe: now,
        }
    }

    /// The client sent a SUBSCRIBE.
    pub fn subscribe(&mut self, gaps: &mut SubscribeGaps, now: Duration) {
        gaps.record(now.saturating_sub(self.last_subscribe));
        self.last_subscribe = now;
    }

    /// `delivered`: the messages queued for it have been delivered.
    pub fn is_settled(&self, delivered: bool, quiet: Duration, now: Duration) -> bool {
        let is_quiet = now.saturating_sub(self.last_subscribe) >= quiet;
        (is_quiet && delivered) || now >= self.end
    }

    /// When it is worth asking again, if no SUBSCRIBE comes.
    pub fn next_look(&self, quiet: Duration, now: Duration) -> Duration {
        let quiet_at = self.last_subscribe + quiet;
        let next = if quiet_at > now {
            quiet_at
        } else {
            now + LOOK_EVERY
        };
        next.min(self.end)
    }
}

/// The fleet's gaps between CONNACK and SUBSCRIBE, and between one SUBSCRIBE and the next.
#[derive(Clone, Debug, Default)]
pub struct SubscribeGaps {
    tuning: SettleTuning,
    gaps: Times,
}

impl SubscribeGaps {
    pub fn new(tuning: SettleTuning) -> Self {
        Self {
            tuning,
            gaps: Times::default(),
        }
    }

    pub fn record(&mut self, gap: Duration) {
        self.gaps.record(gap);
        if self.gaps.count() >= FADE_AT {
            self.gaps.fade();
        }
    }

    /// How long a client must have sent no SUBSCRIBE to be settled.
    pub fn quiet(&self) -> Duration {
        let usual = if self.gaps.count() < ENOUGH_TIMES {
            None
        } else {
            self.gaps.percentile(50)
        };
        let (least, most) = (self.tuning.least_quiet, self.tuning.most_quiet);
        usual.map_or(most, |gap| {
            // a range that is the wrong way round has its least
            let quiet = gap.saturating_mul(self.tuning.quiet_gaps);
            quiet.min(most).max(least)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn begin(millis: u64) -> Settling {
        Settling::begin(at(millis), &SettleTuning::default())
    }

    fn gaps_of(millis: u64) -> SubscribeGaps {
        let mut gaps = SubscribeGaps::default();
        (0..ENOUGH_TIMES).for_each(|_| gaps.record(at(millis)));
        gaps
    }

    #[test]
    fn the_quiet_time_is_four_usual_gaps_within_bounds() {
        assert_eq!(SubscribeGaps::default().quiet(), at(2_000), "nothing known");
        for (gap, least, most) in [
            (1, 250, 250),
            (30, 250, 250),
            (100, 400, 425),
            (499, 1_996, 2_000),
            (9_000, 2_000, 2_000),
        ] {
            let quiet = gaps_of(gap).quiet();
            assert!(
                quiet >= at(least) && quiet <= at(most),
                "{gap} ms: {quiet:?}"
            );
        }
    }

    #[test]
    fn too_few_gaps_do_not_make_a_usual_one() {
        let mut gaps = SubscribeGaps::default();
        (1..ENOUGH_TIMES).for_each(|_| gaps.record(at(1)));
        assert_eq!(gaps.quiet(), at(2_000));
        gaps.record(at(1));
        assert_eq!(gaps.quiet(), at(250));
    }

    #[test]
    fn gaps_follow_the_fleet() {
        let mut gaps = SubscribeGaps::default();
        (0..50_000).for_each(|_| gaps.record(at(1)));
        (0..10_000).for_each(|_| gaps.record(at(200)));
        assert!(gaps.quiet() >= at(800));
    }

    #[test]
    fn settled_once_quiet_and_delivered() {
        let mut gaps = SubscribeGaps::default();
        let mut settling = begin(1_000);
        let quiet = at(250);
        assert!(!settling.is_settled(true, quiet, at(1_249)));
        settling.subscribe(&mut gaps, at(1_200));
        assert!(!settling.is_settled(true, quiet, at(1_449)));
        assert!(
            !settling.is_settled(false, quiet, at(1_450)),
            "messages are still queued"
        );
        assert!(settling.is_settled(true, quiet, at(1_450)));
    }

    #[test]
    fn settled_after_twenty_seconds_whatever_it_does() {
        let mut gaps = SubscribeGaps::default();
        let mut settling = begin(0);
        (1..200).for_each(|n| settling.subscribe(&mut gaps, at(n * 100)));
        assert!(!settling.is_settled(false, at(250), at(19_999)));
        assert!(settling.is_settled(false, at(250), at(20_000)));
    }

    #[test]
    fn other_times_are_gone_by() {
        let tuning = SettleTuning {
            within: at(9_000),
            least_quiet: at(100),
            most_quiet: at(5_000),
            quiet_gaps: 10,
        };
        assert!(!Settling::begin(at(0), &tuning).is_settled(false, at(100), at(8_999)));
        assert!(Settling::begin(at(0), &tuning).is_settled(false, at(100), at(9_000)));
        let quiet = |gap| {
            let mut gaps = SubscribeGaps::new(tuning);
            (0..ENOUGH_TIMES).for_each(|_| gaps.record(at(gap)));
            gaps.quiet()
        };
        assert_eq!(SubscribeGaps::new(tuning).quiet(), at(5_000));
        assert_eq!([1, 9_000].map(quiet), [at(100), at(5_000)]);
        assert!(quiet(200) >= at(2_000) && quiet(200) <= at(2_125));
    }

    #[test]
    fn looks_again_when_it_could_be_settled() {
        let mut settling = begin(0);
        let quiet = at(400);
        assert_eq!(settling.next_look(quiet, at(0)), at(400));
        settling.subscribe(&mut SubscribeGaps::default(), at(300));
        assert_eq!(settling.next_look(quiet, at(400)), at(700));
        assert_eq!(
            settling.next_look(quiet, at(700)),
            at(950),
            "messages are still queued"
        );
        assert_eq!(settling.next_look(quiet, at(19_900)), at(20_000));
    }
}
