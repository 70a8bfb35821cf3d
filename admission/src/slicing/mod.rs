//! Which slice an address belongs to.
//!
//! Slices open in the order of their numbers: slice `n` is open when `n` is under the level. The numbers are dealt out
//! anew for each reopening (the seed), so that nobody is always last.

mod plan;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::addresses::{self, AddressMap};
use crate::report::ReopeningNumber;
use crate::stable::{StableHash, spread};

pub use plan::{MAX_SLICES, SlicePlan, SlicingError, SlicingErrors};

/// The name of the last range of a `CIDRList`: addresses that match none of the others.
pub const OTHERS: &str = "others";

/// How the client address space is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slicing {
    /// By hash of the address's prefix.
    PrefixHash(PrefixLengths),
    /// Named ranges in this order, each with its share of consecutive slices; by hash of the prefix within each.
    CidrList {
        ranges: Vec<NamedRange>,
        prefix: PrefixLengths,
    },
}

/// How many leading bits of an address keep its neighbours together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLengths {
    /// 1 to 32.
    pub v4: u8,
    /// 1 to 128.
    pub v6: u8,
}

impl Default for PrefixLengths {
    /// What a provider gives to one site or one small area.
    fn default() -> Self {
        Self { v4: 24, v6: 56 }
    }
}

/// One range of a `CIDRList`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRange {
    pub name: String,
    pub cidrs: Vec<IpNet>,
}

/// What the order within a reopening depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub(crate) u64);

impl Seed {
    /// The same in every process of a cluster.
    pub fn new(cluster: &str, reopening: ReopeningNumber) -> Self {
        Self(
            StableHash::new(0)
                .text(cluster)
                .number(reopening.0)
                .finish(),
        )
    }
}

/// The slices of one reopening.
#[derive(Clone, Debug)]
pub struct SliceTable {
    seed: Seed,
    slices: u32,
    prefix: PrefixLengths,
    ranges: Arc<Ranges>,
}

/// Consecutive slices for each range; the last range is [`OTHERS`].
#[derive(Debug)]
struct Ranges {
    names: Vec<String>,
    addresses: AddressMap,
    hash: u64,
}

impl SliceTable {
    /// `0..slices`.
    pub fn slice_of(&self, address: IpAddr) -> u32 {
        let address = addresses::canonical(address);
        let others = self.range_count() - 1;
        let range = self.ranges.addresses.owner(address).unwrap_or(others);
        let (first, end) = self.bounds(range);
        first + spread(self.prefix_hash(address), end - first)
    }

    pub fn slices(&self) -> u32 {
        self.slices
    }

    /// The range that a slice belongs to; `None` when the address space has no named ranges.
    pub fn range_name(&self, slice: u32) -> Option<&str> {
        let names = &self.ranges.names;
        (0..self.range_count())
            .zip(names)
            .find(|(range, _)| slice < self.bounds(*range).1)
            .filter(|_| names.len() > 1 && slice < self.slices)
            .map(|(_, name)| name.as_str())
    }

    /// Equal in two processes when they cut the same slices.
    pub fn table_hash(&self) -> u64 {
        StableHash::new(self.seed.0)
            .number(u64::from(self.slices))
            .bytes(&[self.prefix.v4, self.prefix.v6])
            .number(self.ranges.hash)
            .finish()
    }

    fn range_count(&self) -> u32 {
        u32::try_from(self.ranges.names.len()).unwrap_or(1)
    }

    /// First slice of a range, and the one after its last: equal parts, as even as whole slices allow.
    fn bounds(&self, range: u32) -> (u32, u32) {
        let share = |range: u32| {
            let slices = u64::from(self.slices) * u64::from(range) / u64::from(self.range_count());
            u32::try_from(slices).unwrap_or(self.slices)
        };
        (share(range), share(range + 1))
    }

    fn prefix_hash(&self, address: IpAddr) -> u64 {
        let hash = StableHash::new(self.seed.0);
        match address {
            IpAddr::V4(v4) => {
                let bits = v4.to_bits() & top_bits(32, self.prefix.v4);
                hash.bytes(b"4").bytes(&bits.to_be_bytes()).finish()
            }
            IpAddr::V6(v6) => {
                let host = 128 - u32::from(self.prefix.v6);
                let bits = v6.to_bits() & u128::MAX.checked_shl(host).unwrap_or(0);
                hash.bytes(b"6").bytes(&bits.to_be_bytes()).finish()
            }
        }
    }
}

fn top_bits(width: u32, kept: u8) -> u32 {
    u32::MAX.checked_shl(width - u32::from(kept)).unwrap_or(0)
}
