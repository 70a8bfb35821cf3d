//! How long the fleet's clients wait for a CONNACK before they give up, learned from those that do.

use std::time::Duration;

use crate::times::Times;
use crate::tuning::Tuning;

/// So many give-ups are remembered before the older half is forgotten: a fleet's firmware changes. A constant: four
/// times as many as [`Tuning::enough_give_ups`] may be, so that the newer half is always enough.
const FADE_AT: u64 = 2_048;

/// What one edge has learned from its own clients.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    tuning: Tuning,
    given_up: Times,
}

impl Patience {
    pub(crate) fn new(tuning: &Tuning) -> Self {
        Self {
            tuning: *tuning,
            given_up: Times::default(),
        }
    }

    /// How long clients of the sample waited until they left by themselves. The shortest are left out by whoever
    /// records them, with [`Tuning::least_give_up`].
    pub(crate) fn learn(&mut self, given_up: &Times) {
        self.given_up.merge(given_up);
        if self.given_up.count() >= FADE_AT {
            self.given_up.fade();
        }
    }

    /// `None`: too few have given up to tell.
    pub(crate) fn learned(&self) -> Option<Duration> {
        let enough = self.given_up.count() >= u64::from(self.tuning.enough_give_ups);
        let percentile = self.tuning.patience_percentile;
        let usual = self.given_up.percentile(percentile).filter(|_| enough)?;
        // a range that is the wrong way round has its least
        let most = self.tuning.most_patience.max(self.tuning.least_patience);
        Some(usual.clamp(self.tuning.least_patience, most))
    }

    pub(crate) fn learned_ms(&self) -> u32 {
        self.learned().map_or(0, |patience| {
            u32::try_from(patience.as_millis()).unwrap_or(u32::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn learned(millis: impl IntoIterator<Item = u64>) -> Option<Duration> {
        let mut times = Times::default();
        for millis in millis {
            times.record(Duration::from_millis(millis));
        }
        let mut patience = Patience::new(&Tuning::default());
        patience.learn(&times);
        patience.learned()
    }

    #[test]
    fn fifty_tell_and_fewer_do_not() {
        assert_eq!(learned([7_000; 49]), None);
        assert_eq!(learned([7_000; 50]), Some(Duration::from_secs(7)));
    }

    #[test]
    fn nine_of_ten_are_more_patient() {
        let learned = learned((1..=100).map(|n| n * 100)).unwrap();
        assert!(learned >= Duration::from_secs(1) && learned <= Duration::from_millis(1_063));
    }

    #[test]
    fn it_stays_within_a_second_and_a_minute() {
        assert_eq!(learned([310; 60]), Some(Duration::from_secs(1)));
        assert_eq!(learned([119_000; 60]), Some(Duration::from_mins(1)));
    }

    #[test]
    fn another_firmware_is_learned_within_some_thousands() {
        let of = |seconds, count| {
            let mut times = Times::default();
            (0..count).for_each(|_| times.record(Duration::from_secs(seconds)));
            times
        };
        let mut patience = Patience::new(&Tuning::default());
        patience.learn(&of(5, 2_000));
        for _ in 0..20 {
            patience.learn(&of(20, 1_000));
        }
        assert!(patience.learned().unwrap() >= Duration::from_secs(20));
    }

    proptest! {
        #[test]
        fn whatever_is_learned_is_within_bounds(millis in prop::collection::vec(0_u64..200_000, 0..200)) {
            let found = learned(millis);
            prop_assert!(found.is_none_or(|found| found >= Duration::from_secs(1) && found <= Duration::from_mins(1)));
        }
    }
}
