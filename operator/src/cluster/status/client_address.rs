use herdgate_admission::progress::{AddressTrust, ClientAddresses};

use super::{Seen, Verdict};

/// Edges see the addresses of clients, so that slices by address mean something.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    let Some(told) = seen.client_address else {
        return Verdict::unknown("NoEdgeHeard", "no edge told what it sees");
    };
    let ClientAddresses {
        clients,
        of_few_peers,
        inside,
        ..
    } = told;
    match told.trust {
        AddressTrust::Unknown => Verdict::unknown(
            "NotJudgedYet",
            format!("{clients} clients in the census are too few; addresses count as trusted"),
        ),
        AddressTrust::Trusted => Verdict::yes(
            "AddressesDiffer",
            format!(
                "{of_few_peers} of {clients} clients come from the few addresses with most of them"
            ),
        ),
        AddressTrust::FewPeers => Verdict::no(
            "FewPeers",
            format!(
                "{of_few_peers} of {clients} clients come from a few addresses: is there a balancer in front that hides theirs? Slices go by client id meanwhile"
            ),
        ),
        AddressTrust::Inside => Verdict::no(
            "NodeOrPodAddresses",
            format!(
                "{inside} of {clients} clients come from addresses of nodes or pods: is `exposure.externalTrafficPolicy` Local? Slices go by client id meanwhile"
            ),
        ),
    }
}
