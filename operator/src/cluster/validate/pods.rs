//! Image, resources and placement of pods.

use std::collections::BTreeMap;

use herdgate_crds::{Drain, MqttClusterSpec, PullPolicy, Resources, Scheduling};
use k8s_openapi::api::core::v1::{
    Affinity, LocalObjectReference, ResourceRequirements, Toleration, TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problems;
use crate::cluster::quantity::nanos;

#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// With tag or digest.
    pub(crate) reference: String,
    pub(crate) pull_policy: PullPolicy,
    pub(crate) pull_secrets: Vec<LocalObjectReference>,
}

/// What the pods of a tier are given and where they run.
#[derive(Clone, Debug)]
pub(crate) struct Tier {
    pub(crate) replicas: i32,
    pub(crate) resources: Option<ResourceRequirements>,
    pub(crate) placement: Placement,
    pub(crate) drain: Drain,
}

#[derive(Clone, Debug)]
pub(crate) struct Placement {
    pub(crate) node_selector: Option<BTreeMap<String, String>>,
    pub(crate) tolerations: Option<Vec<Toleration>>,
    pub(crate) affinity: Option<Affinity>,
    /// `None`: the default spread.
    pub(crate) spread: Option<Vec<TopologySpreadConstraint>>,
    pub(crate) priority_class: Option<String>,
}

pub(super) fn image(spec: &MqttClusterSpec, problems: &mut Problems) -> Image {
    let image = &spec.image;
    if image.repository.is_empty() || image.repository.contains(['@', ' ']) {
        problems.add(
            "spec.image.repository",
            "must be a repository without tag or digest",
        );
    }
    if image.tag.is_empty() && image.digest.is_none() {
        problems.add(
            "spec.image.tag",
            "must not be empty unless `digest` is specified",
        );
    }
    let reference = match &image.digest {
        Some(digest) => format!("{}@{digest}", image.repository),
        None => format!("{}:{}", image.repository, image.tag),
    };
    let pull_secrets = spec.image_pull_secrets.iter();
    let pull_secrets = pull_secrets
        .map(|secret| LocalObjectReference {
            name: secret.name.clone(),
        })
        .collect();
    Image {
        reference,
        pull_policy: image.pull_policy,
        pull_secrets,
    }
}

pub(super) fn edge(spec: &MqttClusterSpec, problems: &mut Problems) -> Tier {
    let edge = &spec.edge;
    tier(
        "spec.edge",
        edge.replicas,
        &edge.resources,
        &edge.scheduling,
        edge.drain,
        problems,
    )
}

pub(super) fn shard(spec: &MqttClusterSpec, problems: &mut Problems) -> Tier {
    let shards = &spec.shards;
    tier(
        "spec.shards",
        shards.replicas,
        &shards.resources,
        &shards.scheduling,
        shards.drain,
        problems,
    )
}

fn tier(
    field: &str,
    replicas: i32,
    resources: &Resources,
    scheduling: &Scheduling,
    drain: Drain,
    problems: &mut Problems,
) -> Tier {
    problems.range(&format!("{field}.replicas"), replicas, 1..=100);
    problems.range(
        &format!("{field}.drain.delaySeconds"),
        drain.delay_seconds,
        0..=300,
    );
    problems.range(
        &format!("{field}.drain.clientsPerSecond"),
        drain.clients_per_second,
        1..=100_000,
    );
    let limits = amounts(
        &format!("{field}.resources.limits"),
        &resources.limits,
        problems,
    );
    let requests = amounts(
        &format!("{field}.resources.requests"),
        &resources.requests,
        problems,
    );
    let given = limits.is_some() || requests.is_some();
    let resources = given.then(|| ResourceRequirements {
        limits,
        requests,
        ..ResourceRequirements::default()
    });
    Tier {
        replicas,
        resources,
        placement: placement(field, scheduling, problems),
        drain,
    }
}

fn placement(field: &str, scheduling: &Scheduling, problems: &mut Problems) -> Placement {
    let field = format!("{field}.scheduling");
    let selector = &scheduling.node_selector;
    Placement {
        node_selector: (!selector.is_empty()).then(|| selector.clone()),
        tolerations: objects(
            &format!("{field}.tolerations"),
            &scheduling.tolerations,
            problems,
        ),
        affinity: scheduling
            .affinity
            .as_ref()
            .and_then(|value| object(&format!("{field}.affinity"), value, problems)),
        spread: objects(
            &format!("{field}.topologySpreadConstraints"),
            &scheduling.topology_spread_constraints,
            problems,
        ),
        priority_class: scheduling.priority_class_name.clone(),
    }
}

fn amounts(
    field: &str,
    given: &BTreeMap<String, IntOrString>,
    problems: &mut Problems,
) -> Option<BTreeMap<String, Quantity>> {
    let mut amounts = BTreeMap::new();
    for (resource, amount) in given {
        let text = match amount {
            IntOrString::Int(number) => number.to_string(),
            IntOrString::String(text) => text.clone(),
        };
        if nanos(&text).is_none() {
            problems.add(
                format!("{field}.{resource}"),
                "must be an amount such as '500m' or '1Gi'",
            );
        }
        amounts.insert(resource.clone(), Quantity(text));
    }
    (!amounts.is_empty()).then_some(amounts)
}

fn objects<T: DeserializeOwned>(
    field: &str,
    values: &[Value],
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let each = values.iter().enumerate();
    let parsed: Vec<T> = each
        .filter_map(|(index, value)| object(&format!("{field}[{index}]"), value, problems))
        .collect();
    (!values.is_empty()).then_some(parsed)
}

/// Reads an object of Kubernetes' own; the schema leaves its content open.
fn object<T: DeserializeOwned>(field: &str, value: &Value, problems: &mut Problems) -> Option<T> {
    T::deserialize(value)
        .map_err(|error| problems.add(field, format!("must be as in a pod: {error}")))
        .ok()
}
