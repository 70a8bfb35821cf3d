//! Hashes that are the same in every process and every version: slices depend on them.

/// FNV-1a over bytes, finished by `SplitMix64`'s mixer, which spreads what FNV leaves in the low bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StableHash(u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
/// The golden ratio's bits: `SplitMix64`'s increment.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl StableHash {
    pub(crate) fn new(seed: u64) -> Self {
        Self(FNV_OFFSET).number(seed)
    }

    /// Text, with its length, so that two texts in a row cannot be mistaken for two others.
    pub(crate) fn text(self, text: &str) -> Self {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
        }))
    }

    pub(crate) fn finish(self) -> u64 {
        mix(self.0)
    }
}

/// `SplitMix64`: enough randomness to put a fleet out of step, and repeatable.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Maps a hash evenly onto `0..parts`.
pub(crate) fn spread(hash: u64, parts: u32) -> u32 {
    // The product of two 32-bit numbers, shifted down by 32, fits.
    u32::try_from(((hash >> 32) * u64::from(parts)) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed for ever: processes of two versions must cut the same slices.
    #[test]
    fn values_never_change() {
        assert_eq!(StableHash::new(0).finish(), 0x813f_0174_a236_7c13);
        assert_eq!(
            StableHash::new(7).text("herdgate").number(3).finish(),
            0xda7f_4a74_da9d_20f0
        );
        assert_eq!(Random::new(1).next(), 0x910a_2dec_8902_5cc1);
    }

    #[test]
    fn spread_stays_below_parts_and_reaches_the_ends() {
        assert_eq!(spread(0, 256), 0);
        assert_eq!(spread(u64::MAX, 256), 255);
        assert_eq!(spread(u64::MAX, 1), 0);
    }
}
