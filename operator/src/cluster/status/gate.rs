//! One gate out of the answers of many pods.

use herdgate_admission::progress::ClientAddresses;
use herdgate_crds::AdmissionStatus;

use crate::cluster::observe::{Reading, Role};

/// Clients over all edges; `None` when no edge answered.
pub(crate) fn clients(readings: &[Reading]) -> Option<i64> {
    let edges: Vec<i64> = edges(readings)
        .map(|edge| i64::from(edge.connected))
        .collect();
    (!edges.is_empty()).then(|| edges.into_iter().sum())
}

/// As the edge with the highest reopening tells it; `None` when none answered.
pub(crate) fn client_address(readings: &[Reading]) -> Option<ClientAddresses> {
    let newest = edges(readings).max_by_key(|edge| edge.reopening)?;
    Some(newest.client_addresses)
}

/// The edges adopt the highest level of the highest reopening, and so does this.
pub(crate) fn gate(readings: &[Reading]) -> Option<AdmissionStatus> {
    let first = edges(readings).max_by_key(|edge| (edge.reopening, edge.level))?;
    let shards = readings
        .iter()
        .filter(|reading| reading.role == Role::Shard);
    let (level, slices) = (number(first.level), number(first.slices));
    Some(AdmissionStatus {
        mode: first.mode.clone(),
        phase: format!("{:?}", first.phase),
        paused: first.paused,
        stalled: edges(readings).any(|edge| edge.stalled && edge.reopening == first.reopening),
        reopening: i64::try_from(first.reopening).unwrap_or(i64::MAX),
        level,
        slices,
        summary: format!("{level}/{slices}"),
        held: edges(readings).map(|edge| i64::from(edge.held)).sum(),
        entering: edges(readings).map(|edge| i64::from(edge.entering)).sum(),
        settling: shards.map(|shard| i64::from(shard.settling)).sum(),
        limiting_signal: first.limiting_signal.clone(),
    })
}

fn edges(readings: &[Reading]) -> impl Iterator<Item = &Reading> {
    readings
        .iter()
        .filter(|reading| reading.role != Role::Shard)
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
