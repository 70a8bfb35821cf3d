//! Whether clients' addresses are their own. Behind a balancer that hides them, all come from a few peers or from
//! addresses of nodes and pods; slices by address would then open to everybody or nobody.

use crate::census::Census;
use crate::progress::{AddressTrust, ClientAddresses};
use crate::tuning::TrustTuning;

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
    pub fn judge(self, census: &Census, tuning: &TrustTuning) -> Self {
        let clients = census.clients();
        if clients < tuning.enough_clients.into() {
            return self;
        }
        let line = if self.is_trusted() {
            tuning.distrust_percent
        } else {
            tuning.trust_again_percent
        };
        let over = |count: u64| count * 100 >= clients * u64::from(line);
        if over(u64::from(census.inside())) {
            Self::Inside
        } else if over(of_few_peers(census, tuning)) {
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
    pub fn of(trust: AddressTrust, census: &Census, tuning: &TrustTuning) -> Self {
        Self {
            trust,
            clients: census.clients(),
            of_few_peers: of_few_peers(census, tuning),
            inside: census.inside().into(),
        }
    }
}

fn of_few_peers(census: &Census, tuning: &TrustTuning) -> u64 {
    let few = usize::try_from(tuning.few_peers).unwrap_or(usize::MAX);
    let peers = census.crowded(0).into_iter().take(few);
    peers.map(|(_, clients)| u64::from(clients)).sum()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::allow::AllowList;
    use crate::census::Tally;
    use crate::slicing::PrefixLengths;

    fn judge(before: AddressTrust, census: &Census) -> AddressTrust {
        before.judge(census, &TrustTuning::default())
    }

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
        let judged = |census| judge(AddressTrust::default(), &census);
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
        assert_eq!(
            judge(AddressTrust::default(), &census),
            AddressTrust::Inside
        );
    }

    #[test]
    fn a_handful_of_clients_changes_nothing_and_neither_does_the_gap() {
        for before in [
            AddressTrust::Unknown,
            AddressTrust::Trusted,
            AddressTrust::FewPeers,
        ] {
            assert_eq!(judge(before, &census(1, 255, 0)), before);
        }
        let between = census(1, 900, 100);
        assert_eq!(
            judge(AddressTrust::Trusted, &between),
            AddressTrust::Trusted
        );
        assert_eq!(
            judge(AddressTrust::FewPeers, &between),
            AddressTrust::FewPeers
        );
        assert_eq!(
            judge(AddressTrust::FewPeers, &census(1, 700, 300)),
            AddressTrust::Trusted
        );
    }

    #[test]
    fn other_lines_are_gone_by() {
        let tuning = TrustTuning {
            enough_clients: 10,
            few_peers: 1,
            distrust_percent: 60,
            trust_again_percent: 50,
        };
        let judged = |before: AddressTrust, census| before.judge(&census, &tuning);
        let (trusted, few) = (AddressTrust::Trusted, AddressTrust::FewPeers);
        assert_eq!(judged(trusted, census(1, 9, 0)), trusted);
        assert_eq!(judged(trusted, census(1, 6, 4)), few);
        assert_eq!(judged(trusted, census(2, 5, 0)), trusted);
        assert_eq!(judged(few, census(1, 5, 5)), few);
        assert_eq!(judged(few, census(1, 49, 51)), trusted);
    }

    #[test]
    fn unknown_counts_as_trusted() {
        assert!(AddressTrust::Unknown.is_trusted() && AddressTrust::Trusted.is_trusted());
        assert!(!AddressTrust::FewPeers.is_trusted() && !AddressTrust::Inside.is_trusted());
    }
}
