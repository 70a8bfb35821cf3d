//! Which slice a client belongs to, by its address or, where that says nothing, by its client id.
//!
//! Slices open in the order of their numbers: slice `n` is open when `n` is under the level. The numbers are dealt out
//! anew for each reopening (the seed), so that nobody is always last.
//!
//! A [`SlicePlan`] is what was configured; with a census it makes a [`TableSpec`], which shards store and every process
//! hears; with a [`Seed`] that makes the [`SliceTable`] of one reopening, the same one everywhere.

mod cut;
mod encoded;
mod plan;
mod shares;
mod spec;
mod table;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::addresses::{AddressMap, Family, canonical, number};
use crate::report::ReopeningNumber;
use crate::stable::StableHash;

pub use plan::{DEFAULT_CROWD, MAX_SLICES, SlicePlan, SlicingError, SlicingErrors};
pub use spec::{MOST_SPEC_BYTES, SpecError, TableFor, TableSpec};
pub use table::{RangeShare, SliceTable};

/// The name of the last range of a `CIDRList`: addresses that match none of the others.
pub const OTHERS: &str = "others";

/// How clients are cut into slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slicing {
    /// By hash of the address's prefix.
    PrefixHash(PrefixLengths),
    /// Named ranges in this order, each with consecutive slices in proportion to its clients in the census (equal parts
    /// without one); by hash of the prefix within each.
    CidrList {
        ranges: Vec<NamedRange>,
        prefix: PrefixLengths,
    },
    /// Neighbouring addresses together, equal numbers of clients in each slice. Without a census as `PrefixHash`.
    Ranges(PrefixLengths),
    /// By hash of the client id, where addresses are not those of clients.
    ClientIdHash,
}

impl Slicing {
    /// The prefixes that the census counts by.
    pub fn prefix(&self) -> PrefixLengths {
        match self {
            Self::PrefixHash(prefix) | Self::CidrList { prefix, .. } | Self::Ranges(prefix) => {
                *prefix
            }
            Self::ClientIdHash => PrefixLengths::default(),
        }
    }
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

/// Where an address is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// `0..slices`.
    Slice(u32),
    /// Ask [`SliceTable::slice_of_client`] once the client has said its id.
    ByClientId,
}

impl Where {
    /// `None`: the address alone does not tell.
    pub fn slice(self) -> Option<u32> {
        match self {
            Self::Slice(slice) => Some(slice),
            Self::ByClientId => None,
        }
    }
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

    /// The same for all addresses with the same prefix.
    fn prefix_hash(self, address: IpAddr, prefix: PrefixLengths) -> u64 {
        let hash = StableHash::new(self.0);
        let (family, bits) = number(canonical(address));
        let host = family.bits() - u32::from(family.of(prefix));
        let bits = bits & u128::MAX.checked_shl(host).unwrap_or(0);
        match family {
            // The leading half of the number is 0.
            Family::V4 => hash.bytes(b"4").bytes(&bits.to_be_bytes()[12..]).finish(),
            Family::V6 => hash.bytes(b"6").bytes(&bits.to_be_bytes()).finish(),
        }
    }

    fn client_hash(self, client_id: &str) -> u64 {
        StableHash::new(self.0).bytes(b"c").text(client_id).finish()
    }
}

/// The named ranges; the last one is [`OTHERS`].
#[derive(Debug, Default)]
struct Ranges {
    names: Vec<String>,
    addresses: AddressMap,
}

impl Ranges {
    fn count(&self) -> usize {
        self.names.len()
    }

    fn others(&self) -> usize {
        self.names.len().saturating_sub(1)
    }

    fn of(&self, address: IpAddr) -> usize {
        let owner = self.addresses.owner(address);
        owner.map_or(self.others(), |owner| owner as usize)
    }
}
