//! The pod that both tiers share: restricted in every way that Pod Security knows.

use std::collections::BTreeMap;

use herdgate_crds::PullPolicy;
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, ContainerPort, EnvVar, HTTPGetAction, PodAffinityTerm,
    PodAntiAffinity, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, SeccompProfile,
    SecurityContext, TopologySpreadConstraint, VolumeMount, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{ADMIN_PORT, ADMIN_PORT_NAME, volumes};
use crate::cluster::hash::fingerprint;
use crate::cluster::names::Tier;
use crate::cluster::validate::{self, ValidatedCluster};

/// User and group of the image; no other process of a node runs under it.
const USER: i64 = 65_532;
/// Annotation of pods: fingerprint of the settings that take a restart. Never of a Secret: those are reloaded.
const CONFIG_HASH: &str = "herdgate.io/config-hash";

/// What tells one tier's pods from the other's.
pub(super) struct Parts {
    pub(super) tier: Tier,
    /// Behind the subcommand and the file.
    pub(super) args: Vec<String>,
    pub(super) env: Vec<EnvVar>,
    pub(super) ports: Vec<ContainerPort>,
    pub(super) mounts: Vec<VolumeMount>,
    pub(super) grace_seconds: i64,
}

pub(super) fn template(cluster: &ValidatedCluster, config: &str, parts: Parts) -> PodTemplateSpec {
    let tier = parts.tier;
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(cluster.names.labels(Some(tier))),
            annotations: Some(BTreeMap::from([(CONFIG_HASH.into(), fingerprint(config))])),
            ..ObjectMeta::default()
        }),
        spec: Some(spec(cluster, parts)),
    }
}

fn spec(cluster: &ValidatedCluster, parts: Parts) -> PodSpec {
    let tier = parts.tier;
    let settings = of(cluster, tier);
    let placement = settings.placement.clone();
    let pull_secrets = cluster.image.pull_secrets.clone();
    PodSpec {
        service_account_name: Some(cluster.names.tier(tier)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        termination_grace_period_seconds: Some(parts.grace_seconds),
        security_context: Some(pod_security()),
        node_selector: placement.node_selector,
        tolerations: placement.tolerations,
        affinity: placement.affinity.or_else(|| Some(apart(cluster, tier))),
        topology_spread_constraints: Some(
            placement.spread.unwrap_or_else(|| spread(cluster, tier)),
        ),
        priority_class_name: placement.priority_class,
        volumes: Some(vec![volumes::settings(cluster, tier)]),
        containers: vec![container(cluster, parts)],
        ..PodSpec::default()
    }
}

fn container(cluster: &ValidatedCluster, parts: Parts) -> Container {
    let mut args = vec![
        parts.tier.word().to_owned(),
        "-c".into(),
        volumes::config_file(),
    ];
    args.extend(parts.args);
    let mut open = parts.ports;
    open.push(port(ADMIN_PORT_NAME, ADMIN_PORT));
    let mut mounts = vec![volumes::mount()];
    mounts.extend(parts.mounts);
    Container {
        name: parts.tier.word().into(),
        image: Some(cluster.image.reference.clone()),
        image_pull_policy: Some(pull_policy(cluster.image.pull_policy).into()),
        args: Some(args),
        env: (!parts.env.is_empty()).then_some(parts.env),
        ports: Some(open),
        resources: of(cluster, parts.tier).resources.clone(),
        volume_mounts: Some(mounts),
        // Generous: a pod under a herd must not be killed for being busy.
        liveness_probe: Some(Probe {
            failure_threshold: Some(6),
            ..probe("/livez", 10, 5)
        }),
        readiness_probe: Some(probe("/readyz", 2, 5)),
        security_context: Some(container_security()),
        ..Container::default()
    }
}

pub(super) fn of(cluster: &ValidatedCluster, tier: Tier) -> &validate::Tier {
    match tier {
        Tier::Edge => &cluster.edge,
        Tier::Shard => &cluster.shard,
    }
}

pub(super) fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.into()),
        container_port: i32::from(number),
        protocol: Some("TCP".into()),
        ..ContainerPort::default()
    }
}

fn pull_policy(policy: PullPolicy) -> &'static str {
    match policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Never => "Never",
    }
}

fn probe(path: &str, period_seconds: i32, timeout_seconds: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.into()),
            port: IntOrString::String(ADMIN_PORT_NAME.into()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(timeout_seconds),
        ..Probe::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        // Walking a large volume at each start would cost minutes.
        fs_group_change_policy: Some("OnRootMismatch".into()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".into(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".into()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

/// Softly over nodes: better two pods together than one that waits. Zones are kept apart by [`apart`]: a constraint on a
/// label that nodes lack would make the scheduler ignore the other constraints, too.
fn spread(cluster: &ValidatedCluster, tier: Tier) -> Vec<TopologySpreadConstraint> {
    vec![TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".into(),
        when_unsatisfiable: "ScheduleAnyway".into(),
        label_selector: Some(of_tier(cluster, tier)),
        match_label_keys: template_key(tier),
        ..TopologySpreadConstraint::default()
    }]
}

/// Softly over zones, where there are any.
fn apart(cluster: &ValidatedCluster, tier: Tier) -> Affinity {
    let term = PodAffinityTerm {
        topology_key: "topology.kubernetes.io/zone".into(),
        label_selector: Some(of_tier(cluster, tier)),
        match_label_keys: template_key(tier),
        ..PodAffinityTerm::default()
    };
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![
                WeightedPodAffinityTerm {
                    weight: 100,
                    pod_affinity_term: term,
                },
            ]),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}

fn of_tier(cluster: &ValidatedCluster, tier: Tier) -> LabelSelector {
    LabelSelector {
        match_labels: Some(cluster.names.selector(tier)),
        ..LabelSelector::default()
    }
}

/// Edges that are about to go do not count: their successors would shun the nodes of both, and meet on one.
fn template_key(tier: Tier) -> Option<Vec<String>> {
    (tier == Tier::Edge).then(|| vec!["pod-template-hash".into()])
}
