//! How long clients waited for their CONNACK, shard by shard: one sick shard of many must not be taken for all.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::times::{ENOUGH_TIMES, Times};

/// What one edge, or one of its workers, saw since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// By the shard of the client.
    pub shards: BTreeMap<u32, ShardWaits>,
    /// Of clients that left before it was known which shard is theirs; they count with every shard.
    pub elsewhere: Times,
}

/// The waits of one shard's clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardWaits {
    /// From being let in to CONNACK.
    pub times: Times,
    /// How long the one has been entering that waits longest now.
    pub oldest: Option<Duration>,
    /// Clients that the shard was asked to take.
    pub asked: u32,
}

impl Waits {
    /// The waits of one shard's clients.
    pub fn of(&mut self, shard: u32) -> &mut ShardWaits {
        self.shards.entry(shard).or_default()
    }

    pub fn merge(&mut self, other: &Self) {
        self.elsewhere.merge(&other.elsewhere);
        for (shard, waits) in &other.shards {
            let mine = self.of(*shard);
            mine.times.merge(&waits.times);
            mine.oldest = mine.oldest.max(waits.oldest);
            mine.asked = mine.asked.saturating_add(waits.asked);
        }
    }

    /// Times to CONNACK of all clients together.
    fn all(&self) -> Times {
        let mut all = self.elsewhere.clone();
        for waits in self.shards.values() {
            all.merge(&waits.times);
        }
        all
    }
}

/// Follows the waits period by period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measure {
    period: Waits,
    /// Times of earlier periods too, older ones faded.
    recent: BTreeMap<u32, Times>,
    recent_of_all: Times,
    /// What the last period showed of each shard.
    measured: BTreeMap<u32, Duration>,
}

/// What a period showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The median of the shards' 95th percentiles, the oldest waiters included.
    pub(crate) measured: Option<Duration>,
    /// Whether anybody got a CONNACK, or left after having waited for long.
    pub(crate) tells: bool,
}

impl Measure {
    /// As often as there is news. Who waits now is known from the last of it.
    pub(crate) fn note(&mut self, waits: &Waits) {
        for known in self.period.shards.values_mut() {
            known.oldest = None;
        }
        self.period.merge(waits);
    }

    /// Ends a period. `oldest`: how long the one has been entering that waits longest for anything but a shard. `live`:
    /// shards that are heard; one that nobody waits for counts as it was of late.
    pub(crate) fn end(
        &mut self,
        oldest: Option<Duration>,
        live: impl IntoIterator<Item = u32>,
    ) -> Shown {
        let mut period = std::mem::take(&mut self.period);
        let all = period.all();
        self.recent_of_all.fade();
        self.recent_of_all.merge(&all);
        self.recent.values_mut().for_each(Times::fade);
        let anybody = |waits: &ShardWaits| waits.oldest.is_some();
        if all.count() > 0 || oldest.is_some() || period.shards.values().any(anybody) {
            live.into_iter().for_each(|shard| {
                period.of(shard);
            });
        } else {
            period.shards.clear();
        }
        self.measured.clear();
        for (shard, waits) in &period.shards {
            let mut times = waits.times.clone();
            times.merge(&period.elsewhere);
            let recent = self.recent.entry(*shard).or_default();
            recent.merge(&times);
            let oldest = waits.oldest.max(oldest);
            let waited = p95(&times, recent, oldest.is_none()).max(oldest);
            self.measured.insert(*shard, waited.unwrap_or_default());
        }
        self.recent.retain(|_, times| times.count() > 0);
        let of_none = || p95(&all, &self.recent_of_all, false).max(oldest);
        Shown {
            measured: self.median().or_else(of_none),
            tells: all.count() > 0,
        }
    }

    /// Whether clients of this shard wait for longer than is aimed at, and those of most others do not.
    pub(crate) fn is_late(&self, shard: u32, target: Duration) -> bool {
        self.measured.get(&shard).is_some_and(|took| *took > target)
            && self.median().is_some_and(|took| took <= target)
    }

    /// The usual time to CONNACK of late; `None`: there was none.
    pub(crate) fn usual(&self) -> Option<Duration> {
        self.recent_of_all.percentile(50)
    }

    /// Shards that the last period showed something of.
    pub(crate) fn shards(&self) -> impl Iterator<Item = u32> + '_ {
        self.measured.keys().copied()
    }

    /// Of an even number the lower of the two in the middle: of two shards the one that is well controls.
    fn median(&self) -> Option<Duration> {
        let mut measured: Vec<_> = self.measured.values().copied().collect();
        measured.sort_unstable();
        let middle = measured.len().checked_sub(1)? / 2;
        measured.get(middle).copied()
    }
}

/// `or_recent`: the older times count even when there are no new ones.
fn p95(times: &Times, recent: &Times, or_recent: bool) -> Option<Duration> {
    match times.count() {
        0 if !or_recent => None,
        few if few < ENOUGH_TIMES => recent.percentile(95),
        _ => times.percentile(95),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TARGET: Duration = Duration::from_secs(1);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// So many milliseconds to CONNACK, thirty times, for each shard.
    fn waits(shards: &[u64]) -> Waits {
        let mut waits = Waits::default();
        for (shard, millis) in (0..).zip(shards) {
            (0..30).for_each(|_| waits.of(shard).times.record(ms(*millis)));
        }
        waits
    }

    fn shown(shards: &[u64]) -> (Measure, Option<Duration>) {
        let mut measure = Measure::default();
        measure.note(&waits(shards));
        let measured = measure.end(None, []).measured;
        (measure, measured)
    }

    #[test]
    fn the_median_of_the_shards_is_what_was_measured() {
        for (shards, expected) in [
            (&[100_u64][..], 100_u64),
            (&[100, 3_000], 100),
            (&[100, 3_000, 200], 200),
            (&[3_000, 3_000, 200], 3_000),
            (&[100, 3_000, 200, 3_000], 200),
        ] {
            assert_eq!(shown(shards).1, Some(ms(expected)), "{shards:?}");
        }
        assert_eq!(shown(&[]).1, None);
    }

    #[test]
    fn a_shard_is_late_only_when_most_are_not() {
        for (shards, late) in [
            (&[3_000_u64][..], false),
            (&[3_000, 100], true),
            (&[3_000, 100, 100], true),
            (&[3_000, 3_000, 100], false),
            (&[1_000, 100, 100], false),
        ] {
            assert_eq!(shown(shards).0.is_late(0, TARGET), late, "{shards:?}");
        }
        assert!(
            !shown(&[3_000, 100]).0.is_late(7, TARGET),
            "nothing is known of it"
        );
    }

    #[test]
    fn whoever_waits_longest_counts_until_it_does_not_wait_any_more() {
        let mut measure = Measure::default();
        let mut waiting = Waits::default();
        waiting.of(0).oldest = Some(ms(2_000));
        measure.note(&waiting);
        assert_eq!(measure.end(None, []).measured, Some(ms(2_000)));
        measure.note(&waiting);
        measure.note(&Waits::default());
        assert_eq!(measure.end(None, []).measured, None, "it has left");
    }

    #[test]
    fn who_waits_for_no_shard_waits_for_all_of_them() {
        let mut measure = Measure::default();
        assert_eq!(measure.end(Some(ms(700)), []).measured, Some(ms(700)));
        measure.note(&waits(&[100, 200, 900]));
        assert_eq!(measure.end(Some(ms(700)), []).measured, Some(ms(700)));
        let mut left = waits(&[100, 200]);
        (0..300).for_each(|_| left.elsewhere.record(ms(4_000)));
        measure.note(&left);
        assert_eq!(measure.end(None, []).measured, Some(ms(4_000)));
    }

    #[test]
    fn few_times_are_judged_with_the_older_ones_of_the_same_shard() {
        let mut measure = shown(&[900, 100]).0;
        let mut few = Waits::default();
        few.of(0).times.record(ms(10));
        measure.note(&few);
        let measured = measure.end(None, []).measured;
        assert!(measured >= Some(ms(900)), "{measured:?}");
    }

    /// All places may be with those who wait for a sick one.
    #[test]
    fn a_shard_that_nobody_waits_for_is_well() {
        let mut measure = Measure::default();
        let mut waiting = Waits::default();
        waiting.of(0).oldest = Some(ms(2_000));
        measure.note(&waiting);
        assert_eq!(measure.end(None, [0, 1]).measured, Some(ms(0)));
        assert!(measure.is_late(0, TARGET));
        assert_eq!(
            measure.end(None, [0, 1]).measured,
            None,
            "there was nothing to see"
        );
    }

    #[test]
    fn a_shard_that_nobody_waits_for_just_now_is_as_it_was_of_late() {
        let mut measure = shown(&[3_000, 3_000, 100]).0;
        let mut waiting = Waits::default();
        waiting.of(0).oldest = Some(ms(2_000));
        measure.note(&waiting);
        let measured = measure.end(None, [0, 1, 2]).measured;
        assert!(measured >= Some(ms(2_000)), "{measured:?}");
    }

    proptest! {
        /// However slow it is, or how fast: it cannot push the median past what the others show.
        #[test]
        fn one_shard_of_three_never_controls(others in prop::array::uniform2(1_u64..5_000), odd in 1_u64..60_000) {
            let (measure, measured) = shown(&[others[0], odd, others[1]]);
            let (least, most) = (others[0].min(others[1]), others[0].max(others[1]));
            let measured = measured.unwrap();
            prop_assert!(measured >= ms(least) && measured <= ms(most) * 17 / 16, "{measured:?}");
            prop_assert_eq!(measure.shards().count(), 3);
        }

        #[test]
        fn with_one_shard_it_is_as_if_there_were_none_to_tell_apart(
            millis in prop::collection::vec(0_u64..9_000, 1..80), split in 0_usize..80, oldest in prop::option::of(0_u64..9_000),
        ) {
            let (mut one, mut elsewhere) = (Waits::default(), Waits::default());
            for (at, millis) in millis.iter().enumerate() {
                elsewhere.elsewhere.record(ms(*millis));
                if at < split { one.of(3).times.record(ms(*millis)) } else { one.elsewhere.record(ms(*millis)) }
            }
            let mut measures = [Measure::default(), Measure::default()];
            measures[0].note(&one);
            measures[1].note(&elsewhere);
            let [one, elsewhere] = measures.map(|mut measure| measure.end(oldest.map(ms), [3]));
            prop_assert_eq!(one, elsewhere);
        }
    }
}
