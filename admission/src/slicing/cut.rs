//! What a census makes of a slicing, before the order of a reopening is known.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::shares::{bounds, shares};
use super::{MAX_SLICES, PrefixLengths, Ranges, Seed, SlicePlan, Slicing};
use crate::addresses::canonical;
use crate::census::{Bucket, Census};
use crate::stable::spread;

/// Slices of so many clients each are fine enough: a step of the level lets in a few round trips' worth of work. A constant:
/// all edges cut the same table. Who wants finer slices sets their least number.
const CLIENTS_PER_SLICE: u64 = 32;

#[derive(Debug)]
pub(super) struct Cut {
    slices: u32,
    pub(super) how: How,
    /// Sliced by client id.
    pub(super) crowded: HashSet<IpAddr>,
}

#[derive(Debug)]
pub(super) enum How {
    Hashed {
        prefix: PrefixLengths,
        ranges: Arc<Ranges>,
        /// The first slice of each range, and the end of the last.
        bounds: Vec<u32>,
    },
    /// All clients of the census in a row, in the order of their addresses, cut into equal parts.
    InARow(Row),
    ByClientId,
}

impl Cut {
    pub(super) fn new(plan: &SlicePlan, census: &Census, trusted: bool) -> Self {
        let slices = enough_slices(plan.slices(), census.clients());
        let crowd = plan.crowd();
        let crowded: HashSet<_> = (census.crowded(crowd).into_iter())
            .map(|(address, _)| address)
            .collect();
        let buckets = census.uncrowded(crowd);
        let how = match plan.slicing() {
            _ if !trusted => How::ByClientId,
            Slicing::ClientIdHash => How::ByClientId,
            Slicing::Ranges(_) if !buckets.is_empty() => {
                How::InARow(Row::new(&buckets, census.lengths(), slices))
            }
            Slicing::PrefixHash(prefix)
            | Slicing::Ranges(prefix)
            | Slicing::CidrList { prefix, .. } => {
                let ranges = plan.ranges();
                let weights = weights(ranges, &buckets, census.lengths());
                How::Hashed {
                    prefix: *prefix,
                    ranges: Arc::clone(ranges),
                    bounds: bounds(&shares(slices, &weights)),
                }
            }
        };
        Self {
            slices,
            how,
            crowded,
        }
    }

    pub(super) fn slices(&self) -> u32 {
        self.slices
    }
}

/// The configured number is the least.
fn enough_slices(least: u32, clients: u64) -> u32 {
    let wanted = clients.div_ceil(CLIENTS_PER_SLICE).next_power_of_two();
    let wanted = u32::try_from(wanted).unwrap_or(MAX_SLICES).min(MAX_SLICES);
    wanted.max(least)
}

/// The clients of each range. A bucket that lies in several is divided as its addresses are.
fn weights(ranges: &Ranges, buckets: &BTreeMap<Bucket, u32>, lengths: PrefixLengths) -> Vec<u64> {
    let mut weights = vec![0_u64; ranges.count()];
    for (bucket, clients) in buckets {
        for (range, clients) in divided(ranges, *bucket, *clients, lengths) {
            weights[range] += u64::from(clients);
        }
    }
    weights
}

/// Range and clients; together all clients of the bucket.
pub(super) fn divided(
    ranges: &Ranges,
    bucket: Bucket,
    clients: u32,
    lengths: PrefixLengths,
) -> Vec<(usize, u32)> {
    let (first, last) = bucket.bounds(lengths);
    let size = (last - first).saturating_add(1);
    let mut left = clients;
    let mut parts = Vec::new();
    for (owner, addresses) in ranges.addresses.shares(bucket.family, first, last) {
        let part = part_of(clients, addresses, size).min(left);
        left -= part;
        parts.push((owner as usize, part));
    }
    if left > 0 {
        parts.push((ranges.others(), left));
    }
    parts
}

fn part_of(clients: u32, addresses: u128, size: u128) -> u32 {
    // 32 bits of addresses tell the proportion well enough, and the product fits.
    let less = (u128::BITS - size.leading_zeros()).saturating_sub(64);
    let part = u128::from(clients) * (addresses >> less) / (size >> less).max(1);
    u32::try_from(part).unwrap_or(clients)
}

/// Clients side by side.
#[derive(Debug)]
pub(super) struct Row {
    lengths: PrefixLengths,
    slices: u32,
    total: u64,
    /// In order: bucket, clients before it, clients of it.
    buckets: Vec<(Bucket, u64, u32)>,
}

impl Row {
    fn new(buckets: &BTreeMap<Bucket, u32>, lengths: PrefixLengths, slices: u32) -> Self {
        let mut total = 0;
        let buckets = buckets
            .iter()
            .map(|(bucket, clients)| {
                let before = total;
                total += u64::from(*clients);
                (*bucket, before, *clients)
            })
            .collect();
        Self {
            lengths,
            slices,
            total,
            buckets,
        }
    }

    /// Which of the parts, from the left. Neighbours stay together unless they are too many for one part; then each has
    /// its place by its address.
    pub(super) fn part_of(&self, address: IpAddr, seed: Seed) -> u32 {
        let wanted = Bucket::of(address, self.lengths);
        let at = self
            .buckets
            .partition_point(|(bucket, _, _)| *bucket < wanted);
        match self.buckets.get(at) {
            Some((bucket, before, clients)) if *bucket == wanted => {
                self.part(before + self.place(*clients, address, seed))
            }
            // Who was not there stands where its neighbours do.
            Some((_, before, _)) => self.part(*before),
            None => self.part(self.total),
        }
    }

    fn place(&self, clients: u32, address: IpAddr, seed: Seed) -> u64 {
        if self.fits_into_one(clients) {
            u64::from(clients / 2)
        } else {
            let single = PrefixLengths { v4: 32, v6: 128 };
            let hash = seed.prefix_hash(canonical(address), single);
            u64::from(spread(hash, clients))
        }
    }

    fn fits_into_one(&self, clients: u32) -> bool {
        u64::from(clients) * u64::from(self.slices) <= self.total
    }

    fn part(&self, place: u64) -> u32 {
        let part = u128::from(place) * u128::from(self.slices) / u128::from(self.total.max(1));
        u32::try_from(part)
            .unwrap_or(u32::MAX)
            .min(self.slices.saturating_sub(1))
    }

    /// Clients of each part.
    pub(super) fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0_u32; self.slices as usize];
        for (_, before, clients) in &self.buckets {
            if self.fits_into_one(*clients) {
                counts[self.part(before + u64::from(*clients / 2)) as usize] += clients;
            } else {
                let end = before + u64::from(*clients);
                for part in self.part(*before)..=self.part(end - 1) {
                    let (first, last) = (self.start(part), self.start(part + 1));
                    let shared = end.min(last).saturating_sub(first.max(*before));
                    counts[part as usize] += u32::try_from(shared).unwrap_or(u32::MAX);
                }
            }
        }
        counts
    }

    /// The first place of a part.
    fn start(&self, part: u32) -> u64 {
        let place = u128::from(part) * u128::from(self.total);
        u64::try_from(place.div_ceil(u128::from(self.slices.max(1)))).unwrap_or(u64::MAX)
    }
}
