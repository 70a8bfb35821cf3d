//! How a herd is let in, as each tier's file says it.

use herdgate_crds::{Admission, AdmissionMode, SlicingType};
use ipnet::IpNet;
use serde::Serialize;

use crate::cluster::validate::Gate;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EdgeAdmission<'a> {
    mode: AdmissionMode,
    slices: i32,
    slicing: Slicing<'a>,
    always_allow: &'a [IpNet],
    patience_seconds: i32,
    patience_learning: bool,
    max_blocked_seconds: i32,
    entering_limit: i32,
    handshake_limit: i32,
    hold_budget: i32,
    client_hold_budget: i32,
    crowded_address_clients: i32,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    node_networks: &'a [IpNet],
    census_seconds: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Slicing<'a> {
    r#type: SlicingType,
    prefix_length_v4: i32,
    prefix_length_v6: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<RangeSection<'a>>,
}

#[derive(Serialize)]
struct RangeSection<'a> {
    name: &'a str,
    cidrs: &'a [IpNet],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShardAdmission {
    mode: AdmissionMode,
    patience_seconds: i32,
    settle_limit: i32,
    census_seconds: i32,
    quiet_seconds: i32,
}

pub(super) fn edge(gate: &Gate) -> EdgeAdmission<'_> {
    let settings = &gate.settings;
    let ranges = gate.ranges.iter().map(|range| RangeSection {
        name: &range.name,
        cidrs: &range.cidrs,
    });
    EdgeAdmission {
        mode: settings.mode,
        slices: settings.slices,
        slicing: Slicing {
            r#type: settings.slicing.type_,
            prefix_length_v4: settings.slicing.prefix_length_v4,
            prefix_length_v6: settings.slicing.prefix_length_v6,
            ranges: ranges.collect(),
        },
        always_allow: &gate.always_allow,
        patience_seconds: settings.patience_seconds,
        patience_learning: settings.patience_learning,
        max_blocked_seconds: settings.max_blocked_seconds,
        entering_limit: settings.entering_limit,
        handshake_limit: settings.handshake_limit,
        hold_budget: settings.hold_budget,
        client_hold_budget: settings.client_hold_budget,
        crowded_address_clients: settings.crowded_address_clients,
        node_networks: &gate.node_networks,
        census_seconds: settings.census_seconds,
    }
}

pub(super) fn shard(settings: &Admission) -> ShardAdmission {
    ShardAdmission {
        mode: settings.mode,
        patience_seconds: settings.patience_seconds,
        settle_limit: settings.settle_limit,
        census_seconds: settings.census_seconds,
        quiet_seconds: settings.quiet_seconds,
    }
}
