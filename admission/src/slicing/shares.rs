//! Slices dealt out in proportion.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How many of `slices` each of the weights gets: at least one, together all of them, as close to proportion as whole
/// slices allow (the method of Sainte-Laguë). Without any weight, equal parts. There are never more weights than slices.
pub(super) fn shares(slices: u32, weights: &[u64]) -> Vec<u32> {
    let nothing_known = weights.iter().all(|weight| *weight == 0);
    let mut claims: BinaryHeap<Claim> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| Claim {
            weight: if nothing_known { 1 } else { *weight },
            has: 1,
            index,
        })
        .collect();
    let given = u32::try_from(claims.len()).unwrap_or(u32::MAX);
    for _ in 0..slices.saturating_sub(given) {
        if let Some(mut largest) = claims.peek_mut() {
            largest.has += 1;
        }
    }
    let mut shares = vec![0; weights.len()];
    for claim in claims {
        shares[claim.index] = claim.has;
    }
    shares
}

/// What one part may claim: its weight over twice what it has, and one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    weight: u64,
    has: u32,
    index: usize,
}

impl Ord for Claim {
    fn cmp(&self, other: &Self) -> Ordering {
        let over = |weight: u64, has: u32| u128::from(weight) * (2 * u128::from(has) + 1);
        over(self.weight, other.has)
            .cmp(&over(other.weight, self.has))
            .then(other.index.cmp(&self.index))
    }
}

impl PartialOrd for Claim {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first of each part, and behind them the end of the last.
pub(super) fn bounds(shares: &[u32]) -> Vec<u32> {
    let mut bounds = vec![0];
    let mut end = 0;
    for share in shares {
        end += share;
        bounds.push(end);
    }
    bounds
}

/// The part `index` of `count` dealt out to `parts` as evenly as it goes.
pub(super) fn even_part(count: u64, index: u32, parts: u32) -> u32 {
    let until = |index: u32| u128::from(count) * u128::from(index) / u128::from(parts.max(1));
    u32::try_from(until(index + 1) - until(index)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(shares(256, &[0, 0, 0, 0]), [64, 64, 64, 64]);
        assert_eq!(shares(256, &[0, 0, 0]), [86, 85, 85]);
        assert_eq!(shares(256, &[900, 100, 0]), [230, 25, 1]);
        assert_eq!(shares(4, &[1_000_000, 1, 1, 1]), [1, 1, 1, 1]);
        assert_eq!(bounds(&[2, 3]), [0, 2, 5]);
        assert_eq!((0..4).map(|index| even_part(10, index, 4)).sum::<u32>(), 10);
    }

    #[allow(clippy::cast_precision_loss)] // millions at most
    fn real(number: u64) -> f64 {
        number as f64
    }

    proptest! {
        #[test]
        fn in_proportion_and_never_less_than_one(
            weights in prop::collection::vec(0_u64..2_000_000, 1..40),
            bits in 6_u32..=12,
        ) {
            let slices = 1_u32 << bits;
            let shares = shares(slices, &weights);
            prop_assert_eq!(shares.iter().sum::<u32>(), slices);
            let total: u64 = weights.iter().sum();
            let small = shares.iter().filter(|share| **share == 1).count();
            let small = real(small as u64);
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!(*share >= 1);
                if total > 0 {
                    let ideal = f64::from(slices) * real(*weight) / real(total);
                    // Those that must have one take it from the large ones.
                    let less = 1.0 + small * (0.5 + real(*weight) / real(total));
                    // No method of divisors keeps within one of the ideal always; this one leaves it seldom, and by little.
                    prop_assert!(f64::from(*share) <= ideal + 2.0, "{share} of {ideal}");
                    prop_assert!(f64::from(*share) >= ideal - less, "{share} of {ideal}");
                }
            }
        }
    }
}
