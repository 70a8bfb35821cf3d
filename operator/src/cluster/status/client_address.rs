use herdgate_admission::progress::AddressTrust;

use super::{Seen, Verdict};

/// Edges see the addresses of clients, so that slices by address mean something.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    match seen.client_address {
        None => Verdict::unknown("NoEdgeHeard", "no edge told what it sees"),
        Some(AddressTrust::Unknown) => Verdict::unknown(
            "NotJudgedYet",
            "too few clients were connected for long enough; addresses count as trusted",
        ),
        Some(AddressTrust::Trusted) => Verdict::yes(
            "AddressesDiffer",
            "clients come from addresses of their own",
        ),
        Some(AddressTrust::FewPeers) => Verdict::no(
            "FewPeers",
            "nearly all clients come from a few addresses: is there a balancer in front that hides theirs? Slices go by client id meanwhile",
        ),
        Some(AddressTrust::Inside) => Verdict::no(
            "NodeOrPodAddresses",
            "nearly all clients come from addresses of nodes or pods: is `exposure.externalTrafficPolicy` Local? Slices go by client id meanwhile",
        ),
    }
}
