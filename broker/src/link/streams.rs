//! A map over streams whose hash costs nothing: stream ids are counters, not chosen by clients.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::StreamId;

pub type StreamMap<V> = HashMap<StreamId, V, BuildHasherDefault<CounterHasher>>;

/// Spreads a counter over the bits that hash tables look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct CounterHasher(u64);

/// 2^64 divided by the golden ratio: neighbours end up far apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for CounterHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(SPREAD);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(SPREAD);
    }
}
