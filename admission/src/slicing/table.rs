//! The slices of one reopening.

use std::net::IpAddr;
use std::sync::Arc;

use super::cut::{Cut, How, divided};
use super::shares::even_part;
use super::{PrefixLengths, Ranges, Seed, TableSpec, Where};
use crate::addresses::{Family, canonical};
use crate::census::{Bucket, Census};
use crate::stable::{StableHash, spread};

/// The slices of one reopening. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SliceTable {
    seed: Seed,
    cut: Arc<Cut>,
    hash: u64,
    /// The slice of each part of a row; empty where there is no row.
    order: Arc<[u32]>,
    /// Clients of each slice, by the census.
    expected: Arc<[u32]>,
    /// Whether there is a census.
    is_counted: bool,
}

/// The slices of one named range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeShare {
    pub name: String,
    /// Clients that the census has of it, without those that are sliced by client id.
    pub clients: u64,
    pub first_slice: u32,
    pub slices: u32,
}

impl SliceTable {
    pub(super) fn new(spec: &TableSpec, seed: Seed) -> Self {
        let cut = Arc::clone(spec.cut());
        let order = match &cut.how {
            How::InARow(_) => shuffled(cut.slices(), seed).into(),
            How::Hashed { .. } | How::ByClientId => Arc::from([]),
        };
        let expected: Arc<[u32]> = expected(spec, &cut, &order, seed).into();
        Self {
            seed,
            hash: StableHash::new(seed.0).number(spec.hash()).finish(),
            cut,
            order,
            is_counted: expected.iter().any(|clients| *clients > 0),
            expected,
        }
    }

    pub fn slice_of(&self, address: IpAddr) -> Where {
        let address = canonical(address);
        if self.cut.crowded.contains(&address) {
            return Where::ByClientId;
        }
        match &self.cut.how {
            How::ByClientId => Where::ByClientId,
            How::InARow(row) => {
                let part = row.part_of(address, self.seed);
                let slice = self.order.get(part as usize).copied();
                Where::Slice(slice.unwrap_or(part))
            }
            How::Hashed {
                prefix,
                ranges,
                bounds,
            } => {
                let range = ranges.of(address);
                let hash = self.seed.prefix_hash(address, *prefix);
                Where::Slice(within(bounds, range, hash))
            }
        }
    }

    /// For clients whose address does not tell. `0..slices`.
    pub fn slice_of_client(&self, client_id: &str) -> u32 {
        spread(self.seed.client_hash(client_id), self.slices())
    }

    pub fn slices(&self) -> u32 {
        self.cut.slices()
    }

    /// Whether every client is sliced by its id.
    pub fn is_by_client_id(&self) -> bool {
        matches!(self.cut.how, How::ByClientId)
    }

    /// Clients of a slice, by the census; 0 without one.
    pub fn expected(&self, slice: u32) -> u32 {
        self.expected.get(slice as usize).copied().unwrap_or(0)
    }

    /// Clients of all slices, by the census; 0 without one.
    pub fn clients(&self) -> u64 {
        self.expected
            .iter()
            .map(|clients| u64::from(*clients))
            .sum()
    }

    /// Whether the census has no client of it. Without a census nothing is known to be empty.
    pub fn is_empty(&self, slice: u32) -> bool {
        self.is_counted && self.expected(slice) == 0
    }

    /// First slice of a range, and the one after its last.
    pub fn bounds(&self, range: usize) -> Option<(u32, u32)> {
        let How::Hashed { bounds, .. } = &self.cut.how else {
            return None;
        };
        Some((*bounds.get(range)?, *bounds.get(range + 1)?))
    }

    /// The range that a slice belongs to; `None` when the address space has no named ranges.
    pub fn range_name(&self, slice: u32) -> Option<&str> {
        let (ranges, bounds) = self.named()?;
        let after = bounds.partition_point(|first| *first <= slice);
        ranges.names.get(after.checked_sub(1)?).map(String::as_str)
    }

    /// The named ranges in their order; empty when the address space has none.
    pub fn ranges(&self) -> Vec<RangeShare> {
        let Some((ranges, bounds)) = self.named() else {
            return Vec::new();
        };
        let each = ranges.names.iter().zip(bounds.windows(2));
        each.map(|(name, bounds)| RangeShare {
            name: name.clone(),
            clients: (bounds[0]..bounds[1])
                .map(|slice| u64::from(self.expected(slice)))
                .sum(),
            first_slice: bounds[0],
            slices: bounds[1] - bounds[0],
        })
        .collect()
    }

    /// Equal in two processes when they cut the same slices.
    pub fn table_hash(&self) -> u64 {
        self.hash
    }

    fn named(&self) -> Option<(&Ranges, &[u32])> {
        match &self.cut.how {
            How::Hashed { ranges, bounds, .. } if ranges.count() > 1 => Some((ranges, bounds)),
            How::Hashed { .. } | How::InARow(_) | How::ByClientId => None,
        }
    }
}

fn within(bounds: &[u32], range: usize, hash: u64) -> u32 {
    let bound = |at: usize| bounds.get(at).copied().unwrap_or(0);
    let (first, end) = (bound(range), bound(range + 1));
    first + spread(hash, end.saturating_sub(first))
}

/// The slice of each part, another order for each seed.
fn shuffled(slices: u32, seed: Seed) -> Vec<u32> {
    let rank = |part: &u32| {
        let hash = StableHash::new(seed.0).bytes(b"p");
        (hash.number(u64::from(*part)).finish(), *part)
    };
    let mut parts: Vec<u32> = (0..slices).collect();
    parts.sort_by_cached_key(rank);
    let mut order = vec![0; parts.len()];
    for (slice, part) in (0..).zip(parts) {
        order[part as usize] = slice;
    }
    order
}

fn expected(spec: &TableSpec, cut: &Cut, order: &[u32], seed: Seed) -> Vec<u32> {
    let slices = cut.slices();
    let census = spec.census();
    let mut expected = vec![0; slices as usize];
    let crowd = spec.plan().crowd();
    let crowded = census.crowded(crowd);
    let mut anywhere: u64 = crowded.iter().map(|(_, clients)| u64::from(*clients)).sum();
    match &cut.how {
        How::ByClientId => anywhere = census.clients(),
        How::InARow(row) => {
            for (part, clients) in row.counts().into_iter().enumerate() {
                let slice = order.get(part).copied().unwrap_or(0);
                expected[slice as usize] += clients;
            }
        }
        How::Hashed {
            prefix,
            ranges,
            bounds,
        } => {
            let counted = Counted {
                census,
                crowd,
                prefix: *prefix,
                ranges,
                bounds,
            };
            counted.count(seed, &mut expected);
        }
    }
    for (index, slice) in (0..).zip(&mut expected) {
        *slice += even_part(anywhere, index, slices);
    }
    expected
}

/// What the clients of hashed prefixes are counted by.
struct Counted<'a> {
    census: &'a Census,
    crowd: u32,
    prefix: PrefixLengths,
    ranges: &'a Ranges,
    bounds: &'a [u32],
}

impl Counted<'_> {
    fn count(&self, seed: Seed, expected: &mut [u32]) {
        let lengths = self.census.lengths();
        let mut evenly = vec![0_u64; self.ranges.count()];
        for (bucket, clients) in self.census.uncrowded(self.crowd) {
            let hash = self.hash(bucket, lengths, seed);
            for (range, clients) in divided(self.ranges, bucket, clients, lengths) {
                match hash {
                    Some(hash) => {
                        let slice = within(self.bounds, range, hash);
                        expected[slice as usize] += clients;
                    }
                    None => evenly[range] += u64::from(clients),
                }
            }
        }
        for (range, clients) in evenly.into_iter().enumerate() {
            let bound = |at: usize| self.bounds.get(at).copied().unwrap_or(0);
            let (first, end) = (bound(range), bound(range + 1));
            for slice in first..end {
                expected[slice as usize] += even_part(clients, slice - first, end - first);
            }
        }
    }

    /// `None`: the bucket holds several prefixes.
    fn hash(&self, bucket: Bucket, lengths: PrefixLengths, seed: Seed) -> Option<u64> {
        let family: Family = bucket.family;
        if family.of(lengths) < family.of(self.prefix) {
            return None;
        }
        let (first, _) = bucket.bounds(lengths);
        Some(seed.prefix_hash(family.address(first)?, self.prefix))
    }
}
