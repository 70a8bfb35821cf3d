use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{metadata, pod};
use crate::cluster::names::Tier;
use crate::cluster::validate::ValidatedCluster;

/// Added to the drain for what else an end takes.
pub(super) const GRACE_MARGIN_SECONDS: i64 = 30;
/// Old revisions kept for `kubectl rollout undo`; the operator itself never looks back.
const HISTORY: i32 = 3;

pub(super) fn edges(cluster: &ValidatedCluster, config: &str) -> Deployment {
    let parts = pod::Parts {
        tier: Tier::Edge,
        args: Vec::new(),
        env: vec![own_name()],
        ports: cluster
            .listeners
            .iter()
            .map(|listener| pod::port(&listener.name, listener.container_port))
            .collect(),
        mounts: Vec::new(),
        grace_seconds: grace(cluster),
    };
    Deployment {
        metadata: metadata(cluster, cluster.names.tier(Tier::Edge), Some(Tier::Edge)),
        spec: Some(DeploymentSpec {
            replicas: Some(cluster.edge.replicas),
            revision_history_limit: Some(HISTORY),
            selector: LabelSelector {
                match_labels: Some(cluster.names.selector(Tier::Edge)),
                ..LabelSelector::default()
            },
            strategy: Some(one_more_then_one_less()),
            template: pod::template(cluster, config, parts),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn one_more_then_one_less() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".into()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

/// Edges agree on who moves the level by their ids; a pod's name is unique and new with each pod.
fn own_name() -> EnvVar {
    EnvVar {
        name: "HERDGATE_EDGE__ID".into(),
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: "metadata.name".into(),
                ..ObjectFieldSelector::default()
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

fn grace(cluster: &ValidatedCluster) -> i64 {
    let clients = cluster
        .listeners
        .iter()
        .map(|listener| i64::from(listener.max_connections))
        .sum::<i64>();
    let drain = cluster.edge.drain;
    let rate = i64::from(drain.clients_per_second).max(1);
    i64::from(drain.delay_seconds) + clients.div_euclid(rate) + GRACE_MARGIN_SECONDS
}
