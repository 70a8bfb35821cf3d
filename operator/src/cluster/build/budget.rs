use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata;
use crate::cluster::names::Tier;
use crate::cluster::validate::ValidatedCluster;

/// None for a lone edge, and none for shards: a budget there would block the drain of a node for ever.
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
