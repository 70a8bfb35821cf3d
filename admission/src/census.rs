//! Who is connected, counted by prefix bucket: the order, the forecast and the ETA of the next reopening come from it.

mod encoded;
mod page;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::addresses::{Family, canonical, number};
use crate::slicing::PrefixLengths;

pub use tally::Tally;

/// Buckets of one census. Above it, prefixes are shortened for all buckets alike until they fit, so that no client is
/// left out; 65,536 is one for each slice there can be.
pub const MOST_BUCKETS: usize = 65_536;
/// Single addresses of one census, those with most clients. What is above it is sliced by address like any other, which
/// makes a slice heavier and nothing else.
pub const MOST_CROWDED: usize = 4_096;
/// Shards of one census: as many as a cluster can have.
const MOST_SHARDS: usize = 65_536;
/// Bits that prefixes are shortened by when there are too many buckets.
const SHORTER: u8 = 4;
/// At this length there are 256 buckets of a family, which fit in any case.
const SHORTEST: u8 = 8;

/// Counts of clients. Two censuses with the same counts are equal, however they came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// How many leading bits make a bucket; no longer than those that the slices are cut by.
    lengths: PrefixLengths,
    /// Clients of each bucket, those of crowded addresses among them; never 0.
    buckets: BTreeMap<Bucket, u32>,
    /// Clients of single addresses that have many.
    addresses: BTreeMap<IpAddr, u32>,
    /// Clients of each shard.
    shards: BTreeMap<u32, u32>,
    /// Clients whose addresses are those of nodes or pods.
    inside: u32,
}

/// Ordered as addresses are: IPv4 first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket {
    pub(crate) family: Family,
    /// The leading bits, as a number.
    pub(crate) prefix: u128,
}

impl Default for Census {
    fn default() -> Self {
        Self::empty(PrefixLengths::default())
    }
}

impl Census {
    /// Of nobody. Lengths out of their bounds are brought into them.
    pub fn empty(lengths: PrefixLengths) -> Self {
        Self {
            lengths: PrefixLengths {
                v4: lengths.v4.clamp(1, 32),
                v6: lengths.v6.clamp(1, 128),
            },
            buckets: BTreeMap::new(),
            addresses: BTreeMap::new(),
            shards: BTreeMap::new(),
            inside: 0,
        }
    }

    /// Of several edges together.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self> + Clone) -> Self {
        let shortest = |of: fn(&PrefixLengths) -> u8| {
            let lengths = parts.clone().into_iter().map(|part| of(&part.lengths));
            lengths.min()
        };
        let (Some(v4), Some(v6)) = (shortest(|all| all.v4), shortest(|all| all.v6)) else {
            return Self::default();
        };
        let mut sum = Self::empty(PrefixLengths { v4, v6 });
        for part in parts {
            for (bucket, clients) in &part.buckets {
                let bucket = bucket.shortened(part.lengths, sum.lengths);
                add(&mut sum.buckets, bucket, *clients);
            }
            for (address, clients) in &part.addresses {
                add(&mut sum.addresses, *address, *clients);
            }
            for (shard, clients) in &part.shards {
                add(&mut sum.shards, *shard, *clients);
            }
            sum.inside = sum.inside.saturating_add(part.inside);
        }
        sum.fit();
        sum
    }

    /// So many clients more from one address, as no single address.
    pub fn add(&mut self, address: IpAddr, clients: u32) {
        if clients > 0 {
            let bucket = Bucket::of(address, self.lengths);
            add(&mut self.buckets, bucket, clients);
            self.fit();
        }
    }

    pub fn clients(&self) -> u64 {
        self.buckets.values().map(|count| u64::from(*count)).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    pub fn lengths(&self) -> PrefixLengths {
        self.lengths
    }

    /// In the order of addresses.
    pub fn buckets(&self) -> impl Iterator<Item = (IpNet, u32)> {
        let net = |bucket: &Bucket| bucket.net(self.lengths);
        self.buckets
            .iter()
            .filter_map(move |(bucket, clients)| Some((net(bucket)?, *clients)))
    }

    /// The buckets with most clients, largest first.
    pub fn largest(&self, count: usize) -> Vec<(IpNet, u32)> {
        let mut all: Vec<_> = self.buckets().collect();
        all.sort_by_key(|(net, clients)| (std::cmp::Reverse(*clients), *net));
        all.truncate(count);
        all
    }

    /// Addresses with more clients than `over`, most first.
    pub fn crowded(&self, over: u32) -> Vec<(IpAddr, u32)> {
        let mut crowded: Vec<_> = self
            .addresses
            .iter()
            .map(|(address, clients)| (*address, *clients))
            .filter(|(_, clients)| *clients > over)
            .collect();
        crowded.sort_by_key(|(address, clients)| (std::cmp::Reverse(*clients), *address));
        crowded
    }

    /// Clients of each shard.
    pub fn shards(&self) -> &BTreeMap<u32, u32> {
        &self.shards
    }

    /// Clients whose addresses are those of nodes or pods.
    pub fn inside(&self) -> u32 {
        self.inside
    }

    /// Buckets without the clients of addresses that are crowded.
    pub(crate) fn uncrowded(&self, over: u32) -> BTreeMap<Bucket, u32> {
        let mut buckets = self.buckets.clone();
        for (address, clients) in self.crowded(over) {
            let bucket = Bucket::of(address, self.lengths);
            if let Some(left) = buckets.get_mut(&bucket) {
                *left = left.saturating_sub(clients);
            }
        }
        buckets.retain(|_, clients| *clients > 0);
        buckets
    }

    /// Within the bounds, whatever there was.
    fn fit(&mut self) {
        while self.buckets.len() > MOST_BUCKETS {
            let from = self.lengths;
            self.lengths = PrefixLengths {
                v4: shorter(from.v4),
                v6: shorter(from.v6),
            };
            for (bucket, clients) in std::mem::take(&mut self.buckets) {
                let bucket = bucket.shortened(from, self.lengths);
                add(&mut self.buckets, bucket, clients);
            }
        }
        if self.addresses.len() > MOST_CROWDED {
            let mut all = self.crowded(0);
            all.truncate(MOST_CROWDED);
            self.addresses = all.into_iter().collect();
        }
        while self.shards.len() > MOST_SHARDS {
            self.shards.pop_last();
        }
    }
}

impl Bucket {
    pub(crate) fn of(address: IpAddr, lengths: PrefixLengths) -> Self {
        let (family, number) = number(canonical(address));
        let prefix = number
            .checked_shr(family.bits() - u32::from(family.of(lengths)))
            .unwrap_or(0);
        Self { family, prefix }
    }

    fn shortened(self, from: PrefixLengths, to: PrefixLengths) -> Self {
        let less = self.family.of(from).saturating_sub(self.family.of(to));
        Self {
            prefix: self.prefix.checked_shr(less.into()).unwrap_or(0),
            ..self
        }
    }

    /// First and last address, as numbers.
    pub(crate) fn bounds(self, lengths: PrefixLengths) -> (u128, u128) {
        let host = self.family.bits() - u32::from(self.family.of(lengths));
        let first = self.prefix.checked_shl(host).unwrap_or(0);
        let others = u128::MAX.checked_shl(host).map_or(u128::MAX, |kept| !kept);
        (first, first | others)
    }

    fn net(self, lengths: PrefixLengths) -> Option<IpNet> {
        let (first, _) = self.bounds(lengths);
        IpNet::new(self.family.address(first)?, self.family.of(lengths)).ok()
    }
}

fn shorter(length: u8) -> u8 {
    length.saturating_sub(SHORTER).max(SHORTEST.min(length))
}

fn add<Key: Ord>(counts: &mut BTreeMap<Key, u32>, key: Key, clients: u32) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(clients);
}
