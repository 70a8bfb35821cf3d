//! The census as people read it.

use crate::progress::{CensusBucket, CensusPage, CensusRange, ClientAddresses, CrowdedAddress};
use crate::slicing::{Seed, TableSpec};

impl CensusPage {
    /// `top`: the most buckets and the most addresses. Says neither when the census was taken nor whether it is frozen.
    pub fn of(spec: &TableSpec, addresses: ClientAddresses, top: usize) -> Self {
        let census = spec.census();
        let buckets = census.largest(top).into_iter();
        let crowded = census.crowded(spec.plan().crowd()).into_iter().take(top);
        // which prefix falls in which slice goes by the seed, how many slices a range has does not
        let ranges = spec.table(Seed(0)).ranges().into_iter();
        Self {
            clients: census.clients(),
            addresses,
            buckets: buckets
                .map(|(prefix, clients)| CensusBucket {
                    prefix: prefix.to_string(),
                    clients: clients.into(),
                })
                .collect(),
            crowded: crowded
                .map(|(address, clients)| CrowdedAddress {
                    address: address.to_string(),
                    clients: clients.into(),
                })
                .collect(),
            ranges: ranges
                .map(|range| CensusRange {
                    name: range.name,
                    clients: range.clients,
                    first_slice: range.first_slice,
                    slices: range.slices,
                })
                .collect(),
            ..Self::default()
        }
    }
}
