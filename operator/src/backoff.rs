//! How long to wait before a failed object is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
/// As long as the periodic pass: failing for long must not hide a world that healed.
const LONGEST: Duration = Duration::from_mins(5);

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
    fn spread_shortens_by_a_quarter_at_most() {
        assert_eq!(wait(3, 1.0), Duration::from_secs(3));
        assert_eq!(wait(3, 7.0), Duration::from_secs(3));
    }
}
