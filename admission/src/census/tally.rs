//! Counting as clients come and go.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::{Bucket, Census, add};
use crate::addresses::canonical;
use crate::allow::AllowList;
use crate::slicing::PrefixLengths;

/// An address with more clients than this at one worker is told by itself: a crowd that is spread over many edges, and a
/// small fleet behind a balancer, are still seen, and a fleet of single clients makes no long list.
const SINGLE: u32 = 1;

/// The clients with a session of one edge worker. It has an entry for each address and each shard that has any, so its
/// bound is the number of clients.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    addresses: HashMap<IpAddr, u32>,
    shards: BTreeMap<u32, u32>,
}

impl Tally {
    pub fn enter(&mut self, address: IpAddr, shard: u32) {
        *self.addresses.entry(canonical(address)).or_default() += 1;
        *self.shards.entry(shard).or_default() += 1;
    }

    /// The other end of [`Tally::enter`].
    pub fn leave(&mut self, address: IpAddr, shard: u32) {
        let address = canonical(address);
        if let Some(clients) = self.addresses.get_mut(&address) {
            *clients -= 1;
            if *clients == 0 {
                self.addresses.remove(&address);
            }
        }
        if let Some(clients) = self.shards.get_mut(&shard) {
            *clients = clients.saturating_sub(1);
        }
    }

    /// `inside`: addresses of nodes and pods.
    pub fn census(&self, lengths: PrefixLengths, inside: &AllowList) -> Census {
        let mut census = Census::empty(lengths);
        for (address, clients) in &self.addresses {
            let bucket = Bucket::of(*address, census.lengths);
            add(&mut census.buckets, bucket, *clients);
            if *clients > SINGLE {
                census.addresses.insert(*address, *clients);
            }
            if inside.contains(*address) {
                census.inside = census.inside.saturating_add(*clients);
            }
        }
        let shards = self.shards.iter().filter(|(_, clients)| **clients > 0);
        census.shards = shards.map(|(shard, clients)| (*shard, *clients)).collect();
        census.fit();
        census
    }
}
