//! Client addresses and sets of them.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::slicing::PrefixLengths;

/// The two kinds of addresses, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::V4 => u32::BITS,
            Self::V6 => u128::BITS,
        }
    }

    pub(crate) fn of(self, lengths: PrefixLengths) -> u8 {
        match self {
            Self::V4 => lengths.v4,
            Self::V6 => lengths.v6,
        }
    }

    /// The other way around than [`number`].
    pub(crate) fn address(self, number: u128) -> Option<IpAddr> {
        match self {
            Self::V4 => u32::try_from(number)
                .ok()
                .map(|bits| IpAddr::V4(bits.into())),
            Self::V6 => Some(IpAddr::V6(number.into())),
        }
    }
}

/// One address has one form: an IPv4-mapped IPv6 address is the IPv4 address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The same for a range of addresses; host bits are dropped.
pub(crate) fn canonical_net(net: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let net = net.trunc();
    let mapped = match net {
        IpNet::V6(v6) if v6.prefix_len() >= MAPPED_BITS => v6
            .addr()
            .to_ipv4_mapped()
            .and_then(|v4| Ipv4Net::new(v4, v6.prefix_len() - MAPPED_BITS).ok()),
        _ => None,
    };
    mapped.map_or(net, IpNet::V4)
}

/// An address as a number; the two families never compare with each other because each has its own list.
pub(crate) fn number(address: IpAddr) -> (Family, u128) {
    match canonical(address) {
        IpAddr::V4(v4) => (Family::V4, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (Family::V6, Ipv6Addr::to_bits(v6)),
    }
}

/// First and last address of one range, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    family: Family,
    first: u128,
    last: u128,
    owner: u32,
}

/// Disjoint ranges of addresses, each with an owner; finding one costs a binary search.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressMap {
    sorted: Vec<Interval>,
}

/// Two owners want the same addresses; their places in the list given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub(crate) earlier: u32,
    pub(crate) later: u32,
}

impl AddressMap {
    /// Ranges of one owner may overlap each other; of two owners they may not, and every such pair is told once.
    pub(crate) fn new<'a>(owners: impl Iterator<Item = &'a [IpNet]>) -> Result<Self, Vec<Overlap>> {
        let mut sorted = Vec::new();
        for (owner, nets) in (0_u32..).zip(owners) {
            let nets: Vec<IpNet> = nets.iter().copied().map(canonical_net).collect();
            sorted.extend(
                IpNet::aggregate(&nets)
                    .into_iter()
                    .map(|net| interval(net, owner)),
            );
        }
        sorted.sort_by_key(|interval| (interval.family, interval.first));
        let overlaps = overlaps(&sorted);
        if overlaps.is_empty() {
            Ok(Self { sorted })
        } else {
            Err(overlaps)
        }
    }

    pub(crate) fn owner(&self, address: IpAddr) -> Option<u32> {
        let (family, number) = number(address);
        let after = self
            .sorted
            .partition_point(|i| (i.family, i.first) <= (family, number));
        let candidate = self.sorted.get(after.checked_sub(1)?)?;
        (candidate.family == family && candidate.last >= number).then_some(candidate.owner)
    }

    /// How many of the addresses from `first` to `last` each owner has, in their order.
    pub(crate) fn shares(
        &self,
        family: Family,
        first: u128,
        last: u128,
    ) -> impl Iterator<Item = (u32, u128)> {
        let before = self
            .sorted
            .partition_point(|i| (i.family, i.last) < (family, first));
        let touched = self.sorted.get(before..).unwrap_or_default().iter();
        touched
            .take_while(move |i| i.family == family && i.first <= last)
            .map(move |i| {
                (
                    i.owner,
                    (i.last.min(last) - i.first.max(first)).saturating_add(1),
                )
            })
    }
}

fn interval(net: IpNet, owner: u32) -> Interval {
    let (family, first) = number(net.network());
    let (_, last) = number(net.broadcast());
    Interval {
        family,
        first,
        last,
        owner,
    }
}

/// Ranges of one owner were aggregated, so whatever overlaps has two.
fn overlaps(sorted: &[Interval]) -> Vec<Overlap> {
    let mut found = Vec::new();
    let mut widest: Option<Interval> = None;
    for interval in sorted {
        if let Some(before) = widest
            && before.family == interval.family
            && before.last >= interval.first
        {
            let overlap = Overlap {
                earlier: before.owner.min(interval.owner),
                later: before.owner.max(interval.owner),
            };
            if !found.contains(&overlap) {
                found.push(overlap);
            }
        }
        let reaches_further = widest
            .is_none_or(|before| (interval.family, interval.last) > (before.family, before.last));
        if reaches_further {
            widest = Some(*interval);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn map(owners: &[&[&str]]) -> Result<AddressMap, Vec<Overlap>> {
        let owners: Vec<_> = owners.iter().map(|owner| nets(owner)).collect();
        AddressMap::new(owners.iter().map(Vec::as_slice))
    }

    #[test]
    fn finds_the_owner_at_both_ends_and_nobody_beside_them() {
        let map = map(&[
            &["10.0.1.0/24", "2001:db8::/32"],
            &["10.0.2.0/24", "10.0.2.128/25"],
        ])
        .unwrap();
        for (address, owner) in [
            ("10.0.0.255", None),
            ("10.0.1.0", Some(0)),
            ("10.0.1.255", Some(0)),
            ("10.0.2.0", Some(1)),
            ("10.0.2.255", Some(1)),
            ("10.0.3.0", None),
            ("::ffff:10.0.2.1", Some(1)),
            ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("2001:db8::", Some(0)),
            ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some(0)),
            ("2001:db9::", None),
        ] {
            assert_eq!(map.owner(address.parse().unwrap()), owner, "{address}");
        }
    }

    #[test]
    fn families_are_worlds_apart() {
        let v6_only = map(&[&["::/0"]]).unwrap();
        assert_eq!(v6_only.owner("10.0.0.1".parse().unwrap()), None);
        assert_eq!(v6_only.owner("::a00:1".parse().unwrap()), Some(0));
        let v4_only = map(&[&["0.0.0.0/0"]]).unwrap();
        assert_eq!(v4_only.owner("::5".parse().unwrap()), None);
        let mapped = map(&[&["::ffff:10.0.0.0/104"]]).unwrap();
        assert_eq!(mapped.owner("10.200.0.1".parse().unwrap()), Some(0));
        assert_eq!(mapped.owner("11.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn host_bits_are_dropped() {
        let map = map(&[&["10.0.1.77/24"]]).unwrap();
        assert_eq!(map.owner("10.0.1.1".parse().unwrap()), Some(0));
    }

    #[test]
    fn two_owners_may_not_overlap_even_across_a_third() {
        let overlap = |earlier, later| Overlap { earlier, later };
        assert_eq!(
            map(&[&["10.0.0.0/8"], &["10.1.0.0/16"]]).unwrap_err(),
            [overlap(0, 1)]
        );
        assert_eq!(
            map(&[&["10.1.0.0/16"], &["10.0.0.0/8"]]).unwrap_err(),
            [overlap(0, 1)]
        );
        let both = map(&[
            &["10.0.0.0/8"],
            &["10.1.0.0/16"],
            &["10.2.0.0/16", "10.3.0.0/16"],
        ]);
        assert_eq!(both.unwrap_err(), [overlap(0, 1), overlap(0, 2)]);
        assert!(map(&[&["0.0.0.0/0"], &["::/0"]]).is_ok());
    }
}
