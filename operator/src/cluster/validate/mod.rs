//! From what somebody wrote to what can be built: all problems at once, or a cluster without any.
//!
//! The schema refuses most of it at the API server; this holds even where the schema is older or was bypassed.

mod addresses;
mod authentication;
mod limits;
mod listeners;
mod pods;
mod problems;
mod slicing;

use herdgate_admission::slicing::MAX_SLICES;
use herdgate_crds::{
    Admission, Anonymous, Exposure, Flapping, HttpBackend, Limits, MqttCluster, MqttClusterSpec,
    Persistence, Routing, WrongPasswordWait,
};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource as _;

use super::names::Names;

pub(crate) use limits::{CLIENT_LIMITS, Enforcer};
pub(crate) use listeners::{ClientCa, Listener, ListenerTls};
pub(crate) use pods::{Image, Tier};
pub(crate) use problems::Problems;

/// A cluster that can be built as it is.
#[derive(Clone, Debug)]
pub(crate) struct ValidatedCluster {
    pub(crate) names: Names,
    pub(crate) owner: OwnerReference,
    pub(crate) paused: bool,
    pub(crate) image: Image,
    pub(crate) edge: Tier,
    pub(crate) shard: Tier,
    pub(crate) persistence: Persistence,
    /// Never empty; names, ports and container ports are unique.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) exposure: Exposure,
    pub(crate) gate: Gate,
    pub(crate) login: Login,
    pub(crate) routing: Routing,
    pub(crate) limits: Limits,
    pub(crate) sys_interval_seconds: i32,
}

/// Admission with every address understood.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) settings: Admission,
    pub(crate) always_allow: Vec<IpNet>,
    pub(crate) node_networks: Vec<IpNet>,
    /// Empty unless the slicing is by ranges.
    pub(crate) ranges: Vec<Range>,
}

#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) name: String,
    pub(crate) cidrs: Vec<IpNet>,
}

#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) anonymous: Anonymous,
    pub(crate) password_secret: Option<String>,
    pub(crate) http: Option<HttpBackend>,
    pub(crate) client_id_pattern: String,
    pub(crate) wrong_password_wait: WrongPasswordWait,
    pub(crate) flapping: Flapping,
}

impl Login {
    /// The Secret with the authorities of the HTTP backend.
    pub(crate) fn backend_ca(&self) -> Option<&str> {
        let secret = self.http.as_ref()?.ca_secret_ref.as_ref()?;
        Some(&secret.name)
    }

    /// The Secret with the token that the HTTP backend is shown.
    pub(crate) fn backend_token(&self) -> Option<&str> {
        let secret = self.http.as_ref()?.token_secret_ref.as_ref()?;
        Some(&secret.name)
    }
}

impl ValidatedCluster {
    /// Secrets that somebody else must provide, each once, in order.
    pub(crate) fn foreign_secrets(&self) -> Vec<String> {
        let tls = self
            .listeners
            .iter()
            .filter_map(|listener| listener.tls.as_ref());
        let mut names: Vec<String> = tls.flat_map(ListenerTls::secrets).collect();
        names.extend(self.login.password_secret.clone());
        let of_backend = [self.login.backend_ca(), self.login.backend_token()];
        names.extend(of_backend.into_iter().flatten().map(str::to_owned));
        names.sort();
        names.dedup();
        names
    }
}

/// Pure: the object decides alone.
pub(crate) fn validate(cluster: &MqttCluster) -> Result<ValidatedCluster, Problems> {
    let mut problems = Problems::default();
    let spec = &cluster.spec;
    let names = names(cluster, &mut problems);
    let owner = owner(cluster, &mut problems);
    let image = pods::image(spec, &mut problems);
    let edge = pods::edge(spec, &mut problems);
    let shard = pods::shard(spec, &mut problems);
    let listeners = listeners::listeners(spec, &mut problems);
    let gate = gate(&spec.admission, &mut problems);
    let login = authentication::login(spec, &mut problems);
    limits::check(spec.limits, &mut problems);
    problems.range(
        "spec.shards.sysIntervalSeconds",
        spec.shards.sys_interval_seconds,
        0..=86_400,
    );
    check_shards(spec, &mut problems);
    check_size(&spec.shards.persistence, &mut problems);
    problems.none_or_all()?;
    Ok(ValidatedCluster {
        names,
        owner,
        paused: spec.paused,
        image,
        edge,
        shard,
        persistence: spec.shards.persistence.clone(),
        listeners,
        exposure: spec.exposure.clone(),
        gate,
        login,
        routing: spec.routing,
        limits: spec.limits,
        sys_interval_seconds: spec.shards.sys_interval_seconds,
    })
}

/// Longest name: the StatefulSet's pods carry it in a label of 63 characters, with a revision behind it.
const NAME_MAX: usize = 40;

fn names(cluster: &MqttCluster, problems: &mut Problems) -> Names {
    let name = cluster.metadata.name.clone().unwrap_or_default();
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !starts || !plain || name.ends_with('-') || name.len() > NAME_MAX {
        let allowed =
            "must have at most 40 lower-case letters, digits and '-', and must begin with a letter";
        problems.add("metadata.name", allowed);
    }
    Names {
        cluster: name,
        namespace: cluster.metadata.namespace.clone().unwrap_or_default(),
    }
}

fn owner(cluster: &MqttCluster, problems: &mut Problems) -> OwnerReference {
    // not blocking the owner's deletion: that takes a right on its finalizers and buys nothing here
    cluster.controller_owner_ref(&()).map_or_else(
        || {
            problems.add("metadata.uid", "must be set by the API server");
            OwnerReference::default()
        },
        |owner| OwnerReference {
            block_owner_deletion: None,
            ..owner
        },
    )
}

fn gate(admission: &Admission, problems: &mut Problems) -> Gate {
    check_numbers(admission, problems);
    let always_allow = addresses::cidrs(
        "spec.admission.alwaysAllow",
        &admission.always_allow,
        problems,
    );
    let node_networks = addresses::cidrs(
        "spec.admission.nodeNetworks",
        &admission.node_networks,
        problems,
    );
    let ranges = addresses::ranges(&admission.slicing, problems);
    slicing::check(admission, &ranges, problems);
    Gate {
        settings: admission.clone(),
        always_allow,
        node_networks,
        ranges,
    }
}

fn check_numbers(admission: &Admission, problems: &mut Problems) {
    let slices = u32::try_from(admission.slices).unwrap_or(0);
    if !slices.is_power_of_two() || slices > MAX_SLICES {
        problems.add(
            "spec.admission.slices",
            "must be a power of two from 1 to 65536",
        );
    }
    let slicing = &admission.slicing;
    for (field, value, allowed) in [
        ("patienceSeconds", admission.patience_seconds, 1..=60),
        ("enteringLimit", admission.entering_limit, 0..=1_000_000),
        ("settleLimit", admission.settle_limit, 1..=1_000_000),
        ("handshakeLimit", admission.handshake_limit, 1..=100_000),
        ("holdBudget", admission.hold_budget, 0..=1_000_000),
        (
            "clientHoldBudget",
            admission.client_hold_budget,
            1..=1_000_000,
        ),
        (
            "crowdedAddressClients",
            admission.crowded_address_clients,
            1..=1_000_000,
        ),
        ("censusSeconds", admission.census_seconds, 1..=3_600),
        ("quietSeconds", admission.quiet_seconds, 1..=86_400),
        (
            "maxBlockedSeconds",
            admission.max_blocked_seconds,
            0..=86_400,
        ),
        ("reopeningsKept", admission.reopenings_kept, 0..=100),
        ("slicing.prefixLengthV4", slicing.prefix_length_v4, 1..=32),
        ("slicing.prefixLengthV6", slicing.prefix_length_v6, 1..=128),
    ] {
        problems.range(&format!("spec.admission.{field}"), value, allowed);
    }
}

fn check_shards(spec: &MqttClusterSpec, problems: &mut Problems) {
    if spec.shards.replicas > 1 && !spec.routing.isolated_shards {
        let text = "must be 1: shards cannot pass messages to each other yet \
                    (`routing.isolatedShards` lets tests run several)";
        problems.add("spec.shards.replicas", text);
    }
}

fn check_size(persistence: &Persistence, problems: &mut Problems) {
    if super::quantity::nanos(&persistence.size).is_none_or(|nanos| nanos <= 0) {
        problems.add(
            "spec.shards.persistence.size",
            "must be an amount of bytes such as '10Gi'",
        );
    }
}

#[cfg(test)]
mod tests;
