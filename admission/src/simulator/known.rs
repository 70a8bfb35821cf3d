//! What is known of the clients before they come: the census, and where in the address space each of them is.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::client::Kind;
use super::scenario::{Law, Scenario, SlicingType};
use crate::allow::AllowList;
use crate::census::Tally;
use crate::progress::AddressTrust;
use crate::slicing::{NamedRange, PrefixLengths, SlicePlan, Slicing, SlicingErrors, TableSpec};
use crate::stable::Random;
use crate::tuning::TrustTuning;

/// What any fleet has, at least; a larger one gets a slice for so many clients.
const LEAST_SLICES: u32 = 256;
const CLIENTS_PER_SLICE: u32 = 32;

impl Scenario {
    /// How slices are cut. Rivals know no other way than by prefix.
    pub(super) fn plan(&self) -> Result<SlicePlan, SlicingErrors> {
        let per_slice = self.herd.clients / CLIENTS_PER_SLICE;
        let slices = per_slice
            .next_power_of_two()
            .clamp(LEAST_SLICES, crate::slicing::MAX_SLICES);
        // a census makes as many of it as there should be
        let slices = if self.herd.census_percent > 0 {
            LEAST_SLICES
        } else {
            slices
        };
        let prefix = PrefixLengths::default();
        let slicing = match self.slicing {
            _ if self.law != Law::Staged => Slicing::PrefixHash(prefix),
            SlicingType::PrefixHash => Slicing::PrefixHash(prefix),
            SlicingType::Ranges => Slicing::Ranges(prefix),
            SlicingType::CidrList => Slicing::CidrList {
                ranges: quarters(),
                prefix,
            },
            SlicingType::ClientIdHash => Slicing::ClientIdHash,
        };
        SlicePlan::new(slices, &slicing)
    }

    /// What shards have stored for the reopening; `None`: there was no census, or nobody who would go by it.
    pub(super) fn spec(&self) -> Result<Option<TableSpec>, SlicingErrors> {
        if self.herd.census_percent == 0 || self.law != Law::Staged {
            return Ok(None);
        }
        let plan = self.plan()?;
        let mut tally = Tally::default();
        for client in (0..self.herd.clients).filter(|client| self.is_known(*client)) {
            tally.enter(self.address_of(client), self.shard_of(client).into());
        }
        let census = tally.census(plan.slicing().prefix(), &AllowList::default());
        let trusted = AddressTrust::default()
            .judge(&census, &TrustTuning::default())
            .is_trusted();
        Ok(Some(plan.spec(census, trusted)))
    }

    /// Whether the census has the client. Flapping ones never stay long enough.
    pub(super) fn is_known(&self, client: u32) -> bool {
        self.kind(client) != Kind::Flapping && self.known(client) < self.known(client + 1)
    }

    /// Of so many clients, how many.
    fn known(&self, clients: u32) -> u32 {
        let known = u64::from(clients) * u64::from(self.herd.census_percent) / 100;
        u32::try_from(known).unwrap_or(u32::MAX)
    }

    /// Scattered over the address space, as a provider's customers are; or one of the carriers'. Of those that the census
    /// does not know, every other one is a neighbour of one that it knows.
    pub(super) fn address_of(&self, client: u32) -> IpAddr {
        let herd = &self.herd;
        if client < herd.behind_carriers {
            let carrier = u32::MAX - client / herd.clients_per_carrier.max(1);
            return IpAddr::V4(scattered(carrier));
        }
        let is_second = herd.census_percent > 0 && (client - self.known(client)) % 2 == 1;
        let neighbour = (is_second && !self.is_known(client))
            .then(|| self.known_before(client))
            .flatten();
        IpAddr::V4(match neighbour {
            // another host of the same /24
            Some(neighbour) => Ipv4Addr::from_bits(scattered(neighbour).to_bits() ^ 1),
            None => scattered(client),
        })
    }

    fn known_before(&self, client: u32) -> Option<u32> {
        let first = self.herd.behind_carriers;
        // of 100 in a row one is known at least
        let nearest = client.saturating_sub(100).max(first);
        (nearest..client).rev().find(|other| self.is_known(*other))
    }
}

fn scattered(number: u32) -> Ipv4Addr {
    let bits = Random::new(u64::from(number)).next() >> 32;
    Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(0))
}

/// Three quarters of the address space by name; the last one is what matches none.
fn quarters() -> Vec<NamedRange> {
    ["first", "second", "third"]
        .into_iter()
        .zip(0_u32..)
        .map(|(name, quarter)| NamedRange {
            name: name.to_owned(),
            cidrs: Ipv4Net::new(Ipv4Addr::from_bits(quarter << 30), 2)
                .map(IpNet::V4)
                .into_iter()
                .collect(),
        })
        .collect()
}
