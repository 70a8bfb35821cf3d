//! Pods that will not start by themselves soon, and why.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, SecretProjection};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;

use crate::cluster::pods;

/// Most pods named; a person starts with the first.
const TOLD: usize = 3;
/// Mounting and pulling take less, or something is in their way.
const CREATION: SignedDuration = SignedDuration::from_secs(30);

pub(crate) fn troubles(pods: &[Arc<Pod>], now: Timestamp) -> Vec<String> {
    let all = pods
        .iter()
        .filter_map(|pod| Some(format!("pod '{}': {}", pod.name_any(), trouble(pod, now)?)));
    all.take(TOLD).collect()
}

fn trouble(pod: &Pod, now: Timestamp) -> Option<String> {
    let status = pod.status.as_ref()?;
    let reasons = || {
        let containers = status.container_statuses.iter().flatten();
        containers.filter_map(waiting)
    };
    if let Some(reason) = reasons().find(|reason| !is_on_its_way(reason)) {
        return Some(reason.to_owned());
    }
    let since = pods::unready_since(pod)?;
    if reasons().any(is_on_its_way) && now.duration_since(since) >= CREATION {
        return Some(not_created(pod));
    }
    let unschedulable = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    Some(format!(
        "unschedulable: {}",
        unschedulable.message.as_deref().unwrap_or("no node fits")
    ))
}

fn waiting(container: &ContainerStatus) -> Option<&str> {
    let state = container.state.as_ref()?.waiting.as_ref()?;
    state.reason.as_deref()
}

fn is_on_its_way(reason: &str) -> bool {
    matches!(reason, "ContainerCreating" | "PodInitializing")
}

/// The node tells its reason in events alone, which are not watched. Often a Secret lacks a key, so keys are named.
fn not_created(pod: &Pod) -> String {
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    let sources = volumes
        .filter_map(|volume| volume.projected.as_ref()?.sources.as_ref())
        .flatten();
    let secrets: Vec<String> = sources
        .filter_map(|source| source.secret.as_ref().map(keys))
        .collect();
    let text = "not created yet; waits for its image, its volumes or a key in a Secret";
    if secrets.is_empty() {
        text.to_owned()
    } else {
        format!("{text}: {}", secrets.join(", "))
    }
}

fn keys(secret: &SecretProjection) -> String {
    let keys: Vec<&str> = secret
        .items
        .iter()
        .flatten()
        .map(|item| item.key.as_str())
        .collect();
    format!("'{}' needs {}", secret.name, keys.join(" and "))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting};

    use super::*;
    use crate::cluster::build::{build, fixtures::valid};
    use crate::cluster::names::Tier;
    use crate::cluster::pods::fixtures::pod;

    fn edge(reason: &str) -> Pod {
        let cluster = valid("full");
        let start = Timestamp::UNIX_EPOCH;
        let mut pod = pod(&cluster.names, Tier::Edge, false, start);
        pod.spec = build(&cluster).unwrap().edges.spec.unwrap().template.spec;
        pod.status.as_mut().unwrap().container_statuses = Some(vec![ContainerStatus {
            state: Some(ContainerState {
                waiting: Some(ContainerStateWaiting {
                    reason: Some(reason.into()),
                    message: None,
                }),
                ..ContainerState::default()
            }),
            ..ContainerStatus::default()
        }]);
        pod
    }

    fn told(reason: &str, second: i64) -> Vec<String> {
        let now = Timestamp::from_second(second).unwrap();
        troubles(&[Arc::new(edge(reason))], now)
    }

    #[test]
    fn what_fails_is_told_at_once() {
        assert_eq!(
            told("ImagePullBackOff", 0),
            ["pod 'field-edge': ImagePullBackOff"]
        );
    }

    #[test]
    fn a_pod_that_is_not_created_for_long_names_the_keys_it_needs() {
        assert!(told("ContainerCreating", 29).is_empty());
        let told = told("ContainerCreating", 30);
        assert_eq!(told.len(), 1);
        for part in [
            "'field-tls' needs tls.crt and tls.key",
            "'field-ca' needs ca.crt",
            "'field-users' needs passwords",
        ] {
            assert!(told[0].contains(part), "{part}: {told:?}");
        }
    }
}
