//! When clients' addresses are not taken for their own.

use herdgate_admission::tuning::TrustTuning;

use super::range;
use crate::config::reader::Reader;

pub(super) fn trust(section: &Reader<'_>) -> Option<TrustTuning> {
    let (clients, peers) = (section.one("enoughClients"), section.one("fewPeers"));
    let (again, distrust) = range(section, "trustAgainPercent", "distrustPercent")?;
    let (enough_clients, few_peers): (u32, u32) = (clients?, peers?);
    // else the few peers are nearly all of a small fleet with addresses of its own
    let enough = u64::from(enough_clients) * u64::from(again) / 100;
    if u64::from(few_peers) >= enough {
        section.note(
            "fewPeers",
            "is not less than `trustAgainPercent` of `enoughClients`; allowed: less than that",
        );
        return None;
    }
    Some(TrustTuning {
        enough_clients,
        few_peers,
        distrust_percent: distrust,
        trust_again_percent: again,
    })
}
