//! A budget keeps drains from taking all edges at once, and must never keep one from ending.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::metadata;
use crate::cluster::names::{Names, Tier};
use crate::cluster::pods;
use crate::cluster::status::TierSeen;
use crate::cluster::validate::ValidatedCluster;

/// An edge not ready for so long is not on its way: a node to run on takes minutes to come at most.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// What the budget depends on besides the wish for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgesSeen<'a> {
    pub(crate) names: &'a Names,
    /// Edges that are asked for.
    pub(crate) wanted: i32,
    pub(crate) deployment: Option<&'a Deployment>,
    /// All pods of the cluster.
    pub(crate) pods: &'a [Arc<Pod>],
    /// Whether the budget is there.
    pub(crate) protected: bool,
}

/// Whether the budget may stand. Edges on one node all go with it: a budget would let the first one go, whose successor
/// has nowhere to run, and hold back the others for ever. On the way from one set of pods to the next their nodes tell
/// nothing: things stay as they are.
pub(crate) fn may_stand(seen: EdgesSeen<'_>, now: Timestamp) -> bool {
    !waits_for_long(seen, now) && nodes(seen).map_or(seen.protected, |nodes| nodes > 1)
}

/// While an edge is not ready the budget lets no other one go. Were the place that it waits for the very node that is to
/// be drained, both would wait for each other for ever, so the budget gives way after a while. An edge whose pod cannot
/// even be made shows in the Deployment alone.
fn waits_for_long(seen: EdgesSeen<'_>, now: Timestamp) -> bool {
    let unready = pods::of_tier(seen.pods, seen.names, Tier::Edge).filter_map(pods::unready_since);
    unready
        .chain(seen.deployment.and_then(unavailable_since))
        .any(|since| now.duration_since(since) >= PATIENCE)
}

fn unavailable_since(deployment: &Deployment) -> Option<Timestamp> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let available = conditions
        .iter()
        .find(|condition| condition.type_ == "Available" && condition.status == "False")?;
    available.last_transition_time.as_ref().map(|time| time.0)
}

/// On how many nodes the edges stand; `None` while pods come and go.
fn nodes(seen: EdgesSeen<'_>) -> Option<usize> {
    let edges: Vec<&Pod> = pods::of_tier(seen.pods, seen.names, Tier::Edge).collect();
    let settled = TierSeen::edges(seen.wanted, seen.deployment).is_rolled_out()
        && usize::try_from(seen.wanted) == Ok(edges.len())
        && edges.iter().all(|pod| pods::unready_since(pod).is_none());
    let nodes = || {
        edges
            .iter()
            .map(|pod| pods::node(pod))
            .collect::<Option<BTreeSet<_>>>()
    };
    settled.then(nodes).flatten().map(|nodes| nodes.len())
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
    use k8s_openapi::api::apps::v1::{DeploymentCondition, DeploymentStatus};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::cluster::pods::fixtures::pod;

    fn names() -> Names {
        Names {
            cluster: "field".into(),
            namespace: "prod".into(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// An edge, ready or not since the first second.
    fn edge(node: &str, ready: bool) -> Pod {
        let mut edge = pod(&names(), Tier::Edge, ready, at(0));
        edge.spec = Some(k8s_openapi::api::core::v1::PodSpec {
            node_name: (!node.is_empty()).then(|| node.to_owned()),
            ..Default::default()
        });
        edge
    }

    fn going(mut pod: Pod) -> Pod {
        pod.metadata.deletion_timestamp = pod.metadata.creation_timestamp.clone();
        pod
    }

    /// Two edges are wanted; so many are there, and so many of them with the wanted settings.
    fn deployment(replicas: i32, current: i32) -> Deployment {
        Deployment {
            status: Some(DeploymentStatus {
                replicas: Some(replicas),
                ready_replicas: Some(replicas),
                updated_replicas: Some(current),
                ..DeploymentStatus::default()
            }),
            ..Deployment::default()
        }
    }

    fn decided(deployment: &Deployment, pods: Vec<Pod>, protected: bool, second: i64) -> bool {
        let pods: Vec<Arc<Pod>> = pods.into_iter().map(Arc::new).collect();
        let seen = EdgesSeen {
            names: &names(),
            wanted: 2,
            deployment: Some(deployment),
            pods: &pods,
            protected,
        };
        may_stand(seen, at(second))
    }

    #[test]
    fn a_budget_stands_over_edges_on_several_nodes_alone() {
        for protected in [false, true] {
            let with = |pods| decided(&deployment(2, 2), pods, protected, 0);
            assert!(with(vec![edge("a", true), edge("b", true)]));
            assert!(!with(vec![edge("a", true), edge("a", true)]));
            let shard = pod(&names(), Tier::Shard, true, at(0));
            assert!(!with(vec![edge("a", true), edge("a", true), shard]));
            assert!(!with(vec![
                edge("a", true),
                edge("a", true),
                going(edge("b", true))
            ]));
        }
    }

    /// Of the Deployment: pods, and those of them with the wanted settings. Of each pod: its node and how it is.
    type Step = ((i32, i32), &'static [(&'static str, &'static str)]);

    /// Two edges on two nodes are replaced, one more before one less; by chance their successors meet for a moment.
    const ROLLING_UPDATE: [Step; 7] = [
        ((2, 0), &[("a", "ready"), ("b", "ready")]),
        ((3, 1), &[("a", "ready"), ("b", "ready"), ("a", "starts")]),
        ((2, 1), &[("a", "ready"), ("b", "goes"), ("a", "ready")]),
        ((3, 2), &[("a", "ready"), ("a", "ready"), ("", "starts")]),
        // the Deployment's watch may be ahead of the pods'
        ((2, 2), &[("a", "ready"), ("a", "ready"), ("b", "ready")]),
        ((2, 2), &[("a", "ready"), ("b", "starts")]),
        ((2, 2), &[("a", "ready")]),
    ];

    #[test]
    fn a_rolling_update_changes_nothing_on_its_way() {
        for (number, ((replicas, current), pods)) in ROLLING_UPDATE.into_iter().enumerate() {
            for protected in [false, true] {
                let pods = pods.iter().map(|(node, is)| match *is {
                    "goes" => going(edge(node, true)),
                    is => edge(node, is == "ready"),
                });
                let decided = decided(&deployment(replicas, current), pods.collect(), protected, 0);
                assert_eq!(decided, protected, "step {number}");
            }
        }
    }

    #[test]
    fn a_new_cluster_has_no_budget_yet() {
        let seen = EdgesSeen {
            names: &names(),
            wanted: 2,
            deployment: None,
            pods: &[],
            protected: false,
        };
        assert!(!may_stand(seen, at(0)));
    }

    #[test]
    fn a_budget_gives_way_to_an_edge_that_waits_for_long() {
        let stands = |pod: Pod, second| {
            let pods = vec![edge("a", true), edge("b", true), pod];
            decided(&deployment(3, 1), pods, true, second)
        };
        assert!(stands(edge("a", false), 299));
        assert!(!stands(edge("a", false), 300));
        assert!(stands(edge("a", true), 300));
        assert!(stands(pod(&names(), Tier::Shard, false, at(0)), 300));
        assert!(stands(going(edge("a", false)), 300));
    }

    #[test]
    fn a_budget_gives_way_to_an_edge_whose_pod_is_not_made() {
        let mut short = deployment(1, 1);
        let condition = |status: &str| DeploymentCondition {
            type_: "Available".into(),
            status: status.into(),
            last_transition_time: Some(Time(at(0))),
            ..DeploymentCondition::default()
        };
        let mut stands = |status, second| {
            short.status.as_mut().unwrap().conditions = Some(vec![condition(status)]);
            decided(&short, vec![edge("a", true)], true, second)
        };
        assert!(stands("False", 299));
        assert!(!stands("False", 300));
        assert!(stands("True", 300));
    }
}
