//! How long things took: a histogram of fixed size, so that a storm costs no memory.

use std::time::Duration;

/// Fewer are chance, on which nobody is judged and nothing limited: of so many the slowest twentieth is one. A constant: it
/// follows from that twentieth, and medians and shares need no more.
pub(crate) const ENOUGH_TIMES: u64 = 20;
/// Each doubling is cut in this many parts: a quantile is at most a sixteenth too high.
const PARTS_BITS: u32 = 4;
const PARTS: u64 = 1 << PARTS_BITS;
/// Doublings of a microsecond that are told apart; longer than two minutes is all the same to admission.
const DOUBLINGS: usize = 24;
const BUCKETS: usize = (DOUBLINGS + 1) << PARTS_BITS;

/// Durations counted in buckets, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    buckets: [u32; BUCKETS],
    count: u64,
    longest: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
            count: 0,
            longest: Duration::ZERO,
        }
    }
}

impl Times {
    pub fn record(&mut self, took: Duration) {
        self.buckets[bucket(took)] = self.buckets[bucket(took)].saturating_add(1);
        self.count += 1;
        self.longest = self.longest.max(took);
    }

    /// A wait that ended without what was waited for. It counts only when it tells something: shorter than `telling`,
    /// the client may have left for reasons of its own (an expired certificate, a port scan).
    pub fn record_at_least(&mut self, waited: Duration, telling: Duration) {
        if waited >= telling {
            self.record(waited);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine = mine.saturating_add(theirs);
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    /// Forgets half of what was counted, so that old times fade.
    pub fn fade(&mut self) {
        for bucket in &mut self.buckets {
            *bucket /= 2;
        }
        self.count = self.buckets.iter().map(|count| u64::from(*count)).sum();
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time that `percent` of all stayed within; `None` when nothing was recorded.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let rank = (self.count * u64::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let at = self.buckets.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        at.map(|bucket| upper_end(bucket).min(self.longest))
    }
}

fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if micros < PARTS {
        return usize::try_from(micros).unwrap_or(0);
    }
    let doubling = micros.ilog2() - PARTS_BITS;
    let part = (micros >> doubling) - PARTS;
    let bucket = ((u64::from(doubling) + 1) << PARTS_BITS) + part;
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> Duration {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return Duration::from_micros(bucket);
    }
    let doubling = (bucket >> PARTS_BITS) - 1;
    let part = bucket & (PARTS - 1);
    Duration::from_micros(((PARTS + part + 1) << doubling) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(times: impl IntoIterator<Item = u64>) -> Times {
        let mut all = Times::default();
        for time in times {
            all.record(Duration::from_millis(time));
        }
        all
    }

    #[test]
    fn nothing_recorded_has_no_percentile() {
        assert_eq!(Times::default().percentile(50), None);
    }

    #[test]
    fn percentiles_of_known_times() {
        let times = millis(1..=100);
        for (percent, expected) in [(0, 1), (50, 50), (95, 95), (100, 100)] {
            let found = times.percentile(percent).unwrap();
            let (least, most) = (
                Duration::from_millis(expected),
                Duration::from_millis(expected) * 17 / 16,
            );
            assert!((least..=most).contains(&found), "{percent} %: {found:?}");
        }
    }

    #[test]
    fn an_early_leaver_tells_nothing() {
        let mut times = Times::default();
        times.record_at_least(Duration::from_millis(999), Duration::from_secs(1));
        assert_eq!(times.count(), 0);
        times.record_at_least(Duration::from_secs(1), Duration::from_secs(1));
        assert_eq!(times.count(), 1);
    }

    #[test]
    fn merged_and_faded() {
        let mut times = millis([10; 8]);
        times.merge(&millis([1_000; 4]));
        assert_eq!(times.count(), 12);
        assert_eq!(times.percentile(100), Some(Duration::from_secs(1)));
        times.fade();
        assert_eq!(times.count(), 6);
        (0..3).for_each(|_| times.fade());
        assert_eq!((times.count(), times.percentile(50)), (0, None));
    }

    #[test]
    fn the_longest_time_is_told_when_it_has_faded() {
        let mut times = millis([5_000]);
        times.merge(&millis([10; 10]));
        times.fade();
        assert!(times.percentile(100).unwrap() < Duration::from_millis(11));
    }

    proptest! {
        #[test]
        fn a_percentile_is_at_most_a_sixteenth_too_high(micros in prop::collection::vec(0_u64..60_000_000, 1..50),
                                                       percent in 0_u8..=100) {
            let mut times = Times::default();
            for time in &micros {
                times.record(Duration::from_micros(*time));
            }
            let mut sorted = micros;
            sorted.sort_unstable();
            let rank = (sorted.len() * usize::from(percent)).div_ceil(100).max(1);
            let exact = sorted[rank - 1];
            let found = times.percentile(percent).unwrap().as_micros();
            prop_assert!(found >= u128::from(exact) && found <= u128::from(exact + exact / 16), "{found} for {exact}");
        }

        #[test]
        fn nothing_is_too_long(seconds: u64) {
            let mut times = Times::default();
            times.record(Duration::from_secs(seconds));
            prop_assert!(times.percentile(50).is_some());
        }
    }
}
