//! Whether clients' addresses are their own. Behind a balancer that hides them, all come from a few peers or from
//! addresses of nodes and pods; slices by address would then open to everybody or nobody.

use crate::census::Census;
use crate::progress::{AddressTrust, ClientAddresses};

/// Fewer clients tell nothing: a laboratory behind one router is no fleet.
const ENOUGH_CLIENTS: u64 = 256;
/// A balancer has so many addresses at most that it connects from; more distinct peers are clients or carriers.
const FEW_PEERS: usize = 64;
/// Nearly all, in percent: so many of the clients from a few peers or from within are not trusted,
const NEARLY_ALL: u64 = 95;
/// and they are again when less than this are; the gap keeps it from changing with every census.
const FEWER_AGAIN: u64 = 80;

impl AddressTrust {
    pub fn is_trusted(self) -> bool {
        match self {
            Self::Unknown | Self::Trusted => true,
            Self::FewPeers | Self::Inside => false,
        }
    }

    /// From a census of authenticated clients in steady state. A reopening keeps what it began with: it is asked only
    /// when the next one's table is cut.
    #[must_use]
    pub fn judge(self, census: &Census) -> Self {
        let clients = census.clients();
        if clients < ENOUGH_CLIENTS {
            return self;
        }
        let line = if self.is_trusted() {
            NEARLY_ALL
        } else {
            FEWER_AGAIN
        };
        let over = |count: u64| count * 100 >= clients * line;
        if over(u64::from(census.inside())) {
            Self::Inside
        } else if over(of_few_peers(census)) {
            Self::FewPeers
        } else {
            Self::Trusted
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Trusted => 1,
            Self::FewPeers => 2,
            Self::Inside => 3,
        }
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        [Self::Unknown, Self::Trusted, Self::FewPeers, Self::Inside]
            .into_iter()
            .find(|trust| trust.code() == code)
    }
}

impl ClientAddresses {
    /// `trust`: as it was judged, which may be by an earlier census.
    pub fn of(trust: AddressTrust, census: &Census) -> Self {
        Self {
            trust,
            clients: census.clients(),
            of_few_peers: of_few_peers(census),
            inside: census.inside().into(),
        }
    }
}

fn of_few_peers(census: &Census) -> u64 {
    let peers = census.crowded(0).into_iter().take(FEW_PEERS);
    peers.map(|(_, clients)| u64::from(clients)).sum()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::allow::AllowList;
    use crate::census::Tally;
    use crate::slicing::PrefixLengths;

    /// `crowds`: so many addresses with so many clients each; `singles`: addresses of their own.
    fn census(crowds: u32, each: u32, singles: u32) -> Census {
        let mut tally = Tally::default();
        for address in 0..crowds {
            for _ in 0..each {
                tally.enter(IpAddr::V4((0x0A00_0000 + address).into()), 0);
            }
        }
        for address in 0..singles {
            tally.enter(IpAddr::V4((0xC612_0000 + address).into()), 0);
        }
        let inside = AllowList::new(&["10.9.0.0/16".parse().unwrap()]);
        tally.census(PrefixLengths::default(), &inside)
    }

    #[test]
    fn few_peers_are_not_trusted_and_a_carrier_beside_others_is() {
        let judged = |census| AddressTrust::default().judge(&census);
        assert_eq!(judged(census(1, 3_000, 4_000)), AddressTrust::Trusted);
        assert_eq!(judged(census(0, 0, 300)), AddressTrust::Trusted);
        assert_eq!(judged(census(1, 3_000, 0)), AddressTrust::FewPeers);
        assert_eq!(judged(census(20, 200, 100)), AddressTrust::FewPeers);
        assert_eq!(judged(census(500, 200, 0)), AddressTrust::Trusted);
        // a small fleet: no peer is crowded, and yet they are few
        assert_eq!(judged(census(64, 4, 0)), AddressTrust::FewPeers);
    }

    #[test]
    fn addresses_of_nodes_and_pods_are_not_trusted_however_many() {
        let mut tally = Tally::default();
        for address in 0..1_000_u32 {
            tally.enter(IpAddr::V4((0x0A09_0000 + address).into()), 0);
        }
        let inside = AllowList::new(&["10.9.0.0/16".parse().unwrap()]);
        let census = tally.census(PrefixLengths::default(), &inside);
        assert_eq!(AddressTrust::default().judge(&census), AddressTrust::Inside);
    }

    #[test]
    fn a_handful_of_clients_changes_nothing_and_neither_does_the_gap() {
        for before in [
            AddressTrust::Unknown,
            AddressTrust::Trusted,
            AddressTrust::FewPeers,
        ] {
            assert_eq!(before.judge(&census(1, 255, 0)), before);
        }
        let between = census(1, 900, 100);
        assert_eq!(AddressTrust::Trusted.judge(&between), AddressTrust::Trusted);
        assert_eq!(
            AddressTrust::FewPeers.judge(&between),
            AddressTrust::FewPeers
        );
        assert_eq!(
            AddressTrust::FewPeers.judge(&census(1, 700, 300)),
            AddressTrust::Trusted
        );
    }

    #[test]
    fn unknown_counts_as_trusted() {
        assert!(AddressTrust::Unknown.is_trusted() && AddressTrust::Trusted.is_trusted());
        assert!(!AddressTrust::FewPeers.is_trusted() && !AddressTrust::Inside.is_trusted());
    }
}
