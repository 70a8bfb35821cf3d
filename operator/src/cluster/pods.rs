//! What a pod tells of itself.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::names::{Names, Tier};

/// Those of one tier that are not on their way out.
pub(crate) fn of_tier<'a>(
    pods: &'a [Arc<Pod>],
    names: &Names,
    tier: Tier,
) -> impl Iterator<Item = &'a Pod> {
    let selector = names.selector(tier);
    pods.iter().map(Arc::as_ref).filter(move |pod| {
        pod.metadata.deletion_timestamp.is_none()
            && selector
                .iter()
                .all(|(key, value)| pod.labels().get(key) == Some(value))
    })
}

/// `None` when it is ready. A pod without a node has no condition `Ready` yet, hence its age counts.
pub(crate) fn unready_since(pod: &Pod) -> Option<Timestamp> {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "Ready");
    if ready.is_some_and(|ready| ready.status == "True") {
        return None;
    }
    let since = ready.and_then(|ready| ready.last_transition_time.clone());
    since
        .or_else(|| pod.creation_timestamp())
        .map(|time| time.0)
}

/// Where it runs or is to run.
pub(crate) fn node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

#[cfg(test)]
pub(crate) mod fixtures {
    use k8s_openapi::api::core::v1::{PodCondition, PodStatus};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    pub(crate) fn pod(names: &Names, tier: Tier, ready: bool, since: Timestamp) -> Pod {
        let mut pod = Pod::default();
        pod.metadata.name = Some(names.tier(tier));
        pod.metadata.labels = Some(names.labels(Some(tier)));
        pod.metadata.creation_timestamp = Some(Time(since));
        pod.status = Some(PodStatus {
            conditions: Some(vec![PodCondition {
                type_: "Ready".into(),
                status: if ready { "True" } else { "False" }.into(),
                last_transition_time: Some(Time(since)),
                ..PodCondition::default()
            }]),
            ..PodStatus::default()
        });
        pod
    }
}
