//! A budget keeps drains from taking all edges at once, and must never keep one from ending.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::metadata;
use crate::cluster::names::{Names, Tier};
use crate::cluster::pods;
use crate::cluster::validate::ValidatedCluster;

/// An edge not ready for so long is not on its way: a node to run on takes minutes to come at most.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// While an edge is not ready the budget lets no other one go. Were the place that it waits for the very node that is to
/// be drained, both would wait for each other for ever, so the budget gives way after a while.
pub(crate) fn blocks(names: &Names, pods: &[Arc<Pod>], now: Timestamp) -> bool {
    pods::of_tier(pods, names, Tier::Edge)
        .filter_map(pods::unready_since)
        .any(|since| now.duration_since(since) >= PATIENCE)
}

/// None for a lone edge, and none for shards: a budget there would block the drain of a node at once.
pub(super) fn edges(cluster: &ValidatedCluster) -> Option<PodDisruptionBudget> {
    (cluster.edge.replicas > 1).then(|| PodDisruptionBudget {
        metadata: metadata(cluster, cluster.names.tier(Tier::Edge), Some(Tier::Edge)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(cluster.names.selector(Tier::Edge)),
                ..LabelSelector::default()
            }),
            // a broken edge protects nobody
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::pods::fixtures::pod;

    #[test]
    fn a_budget_gives_way_to_an_edge_that_waits_for_long() {
        let names = Names {
            cluster: "field".into(),
            namespace: "prod".into(),
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let blocked = |pod: Pod, second| blocks(&names, &[Arc::new(pod)], at(second));
        let waiting = || pod(&names, Tier::Edge, false, at(0));
        assert!(!blocked(waiting(), 299));
        assert!(blocked(waiting(), 300));
        assert!(!blocked(pod(&names, Tier::Edge, true, at(0)), 300));
        assert!(!blocked(pod(&names, Tier::Shard, false, at(0)), 300));
        let mut going = waiting();
        going.metadata.deletion_timestamp = going.metadata.creation_timestamp.clone();
        assert!(!blocked(going, 300));
    }
}
