//! Source addresses out of networks, spread evenly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The networks a range of gateways dials from; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources(Vec<IpNet>);

impl Sources {
    pub(crate) fn new(networks: Vec<IpNet>) -> Option<Self> {
        (!networks.is_empty()).then_some(Self(networks))
    }

    /// The address of gateway `index` of `count`: the networks take turns, and within a network the gateways stand
    /// at equal distances. The network's first and last address are left out where there is room.
    pub(crate) fn address(&self, index: u32, count: u32) -> IpAddr {
        let turns = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let network = &self.0[(index % turns) as usize];
        let (place, places) = (
            u128::from(index / turns),
            u128::from(count.div_ceil(turns).max(1)),
        );
        let bits = network.max_prefix_len() - network.prefix_len();
        let (first, room) = if bits < 2 {
            (0, 1 << bits)
        } else {
            (1, (1 << bits.min(64)) - 2)
        };
        offset(network.network(), first + place % places * room / places)
    }
}

fn offset(base: IpAddr, by: u128) -> IpAddr {
    match base {
        #[allow(clippy::cast_possible_truncation)] // `by` is less than the network's size
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() + by as u32).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() + by).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sources(networks: &[&str]) -> Sources {
        Sources::new(
            networks
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
        )
        .unwrap()
    }

    #[test]
    fn spreads_over_the_whole_network_without_its_ends() {
        let sources = sources(&["127.1.0.0/18"]);
        let addresses: BTreeSet<_> = (0..1750)
            .map(|index| sources.address(index, 1750))
            .collect();
        assert_eq!(addresses.len(), 1750, "everyone has an address");
        assert_eq!(addresses.first(), Some(&IpAddr::from([127, 1, 0, 1])));
        let prefixes: BTreeSet<_> = addresses
            .iter()
            .map(|address| match address {
                IpAddr::V4(v4) => v4.octets()[2],
                IpAddr::V6(_) => unreachable!(),
            })
            .collect();
        assert_eq!(prefixes.len(), 64, "in every /24");
    }

    #[test]
    fn networks_take_turns() {
        let sources = sources(&["127.1.0.0/24", "127.2.0.0/24"]);
        assert_eq!(sources.address(0, 4), IpAddr::from([127, 1, 0, 1]));
        assert_eq!(sources.address(1, 4), IpAddr::from([127, 2, 0, 1]));
        assert_eq!(sources.address(2, 4), IpAddr::from([127, 1, 0, 128]));
    }

    #[test]
    fn a_single_address_and_too_many_gateways_share() {
        assert_eq!(
            sources(&["127.0.0.9/32"]).address(5, 10),
            IpAddr::from([127, 0, 0, 9])
        );
        let crowded = sources(&["127.1.0.0/30"]);
        assert!((0..10).all(|index| matches!(
            crowded.address(index, 10).to_string().as_str(),
            "127.1.0.1" | "127.1.0.2"
        )));
    }
}
