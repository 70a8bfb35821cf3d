//! How long to wait before a failed object, or a failed watch, is tried again.

use std::time::Duration;

use backon::ExponentialBuilder;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};
use kube::runtime::watcher::ExponentialBackoff;

const FIRST: Duration = Duration::from_secs(1);
/// As long as the periodic pass: failing for long must not hide a world that healed.
const LONGEST: Duration = Duration::from_mins(5);

/// Of a watch. After the API server's return each may fail once more, its version being too old for the new server: with
/// the 30 s that clients usually take the operator could stay blind for a minute and a half after an outage of 15 s.
const WATCH_FIRST: Duration = Duration::from_millis(500);
const WATCH_LONGEST: Duration = Duration::from_secs(8);
/// A watch counts as mended when it has not failed for as long: a list that succeeds before each failure mends nothing.
const WATCH_MENDED: Duration = Duration::from_mins(2);

/// Resets by itself alone, after [`WATCH_MENDED`]: a watch yields something before each list, be it the last good thing.
struct OfWatch(ResetTimerBackoff<ExponentialBackoff>);

impl Iterator for OfWatch {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next()
    }
}

impl Backoff for OfWatch {
    fn reset(&mut self) {}
}

/// Of one watch alone; spread over up to twice the wait, so that watches fall out of step.
pub(crate) fn of_watch() -> impl Backoff {
    let waits = ExponentialBuilder::default()
        .with_min_delay(WATCH_FIRST)
        .with_max_delay(WATCH_LONGEST)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times();
    OfWatch(ResetTimerBackoff::new(
        ExponentialBackoff::from(waits),
        WATCH_MENDED,
    ))
}

/// Doubles with each failure in a row; `spread` (0..=1) takes off up to a quarter, so that objects fall out of step.
pub(crate) fn wait(failures: u32, spread: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    full.mul_f64(1.0 - spread.clamp(0.0, 1.0) / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest() {
        let seconds: Vec<u64> = (1..=11).map(|n| wait(n, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(wait(u32::MAX, 0.0), LONGEST);
    }

    #[test]
    fn a_watch_waits_longer_each_time_and_never_gives_up() {
        let mut waits = of_watch();
        for failures in 0..100 {
            let full =
                (WATCH_FIRST.saturating_mul(2_u32.saturating_pow(failures))).min(WATCH_LONGEST);
            // what comes between two failures mends nothing
            waits.reset();
            let wait = waits.next().unwrap();
            assert!(wait >= full && wait <= 2 * full, "{failures}: {wait:?}");
        }
    }

    #[test]
    fn spread_shortens_by_a_quarter_at_most() {
        assert_eq!(wait(3, 1.0), Duration::from_secs(3));
        assert_eq!(wait(3, 7.0), Duration::from_secs(3));
    }
}
