//! Choices of one gateway: the same seed makes the same ones.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea, Flood 2014): a counter, mixed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u32) -> Self {
        Self(u64::from(seed))
    }

    /// Evenly from nothing up to the whole.
    pub(super) fn part_of(&mut self, whole: Duration) -> Duration {
        // 32 bits of chance are fine enough for a wait
        let share = f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        whole.mul_f64(share)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_spread_over_the_whole_and_differ_between_gateways() {
        let whole = Duration::from_secs(1);
        let parts: Vec<_> = (0..1_000)
            .map(|seed| Dice::new(seed).part_of(whole))
            .collect();
        let early = parts.iter().filter(|part| **part < whole / 2).count();
        assert!(
            (400..600).contains(&early),
            "{early} of 1000 in the first half"
        );
        assert!(parts.iter().all(|part| *part <= whole));
        assert_ne!(parts[0], parts[1]);
    }
}
