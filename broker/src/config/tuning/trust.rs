//! When clients' addresses are not taken for their own.

use herdgate_admission::tuning::TrustTuning;

use super::range;
use crate::config::reader::Reader;

pub(super) fn trust(section: &Reader<'_>) -> Option<TrustTuning> {
    let (clients, peers) = (section.one("enoughClients"), section.one("fewPeers"));
    let (again, distrust) = range(section, "trustAgainPercent", "distrustPercent")?;
    Some(TrustTuning {
        enough_clients: clients?,
        few_peers: peers?,
        distrust_percent: distrust,
        trust_again_percent: again,
    })
}
