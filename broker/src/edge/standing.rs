//! How the whole cluster stands, as one edge hears it.

use std::collections::BTreeMap;
use std::sync::Arc;

use herdgate_admission::record::Sample;
use herdgate_admission::report::{EdgeReport, ShardReport, Verdict};

use super::control::Snapshot;

/// Sums over all edges and shards heard at the present reopening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) settled: u64,
    pub(super) settling: u64,
    pub(super) entering: u64,
    pub(super) held: u64,
    pub(super) door: u64,
}

/// `own`: this edge's name; of itself it knows better than shards tell it.
pub(super) fn totals(now: &Snapshot, own: &str) -> Totals {
    let mut totals = Totals {
        entering: now.counts.entering.into(),
        held: now.counts.held.into(),
        door: now.counts.door.into(),
        ..Totals::default()
    };
    for edge in others(now, own).values() {
        totals.entering += u64::from(edge.entering_limit.saturating_sub(edge.free_places));
        totals.held += u64::from(edge.held);
        totals.door += u64::from(edge.door);
    }
    for shard in shards(now) {
        totals.settling += u64::from(shard.settling);
        totals.settled += u64::from(shard.connected.saturating_sub(shard.settling));
    }
    totals
}

/// What the recorder is told. `handshakes`: begun since the process started.
pub(super) fn sample<'a>(
    now: &'a Snapshot,
    totals: Totals,
    handshakes: u64,
    entered: &'a [u32],
) -> Sample<'a> {
    Sample {
        reopening: now.view.reopening,
        level: now.view.level,
        slices: now.view.slices(),
        settled: totals.settled,
        entering: totals.entering,
        settling: totals.settling,
        held: totals.held,
        door: totals.door,
        limiting_signal: &now.view.limiting,
        handshakes,
        entered,
        ..Sample::default()
    }
}

/// The shard that tells of the signal that limits, the worst of several.
pub(super) fn limiting_shard(now: &Snapshot, signal: Option<&str>) -> Option<u32> {
    let telling = shards(now).filter(|shard| shard.verdict > Verdict::Good);
    let telling = telling.filter(|shard| signal.is_some() && shard.signal.as_deref() == signal);
    telling
        .max_by_key(|shard| shard.verdict)
        .map(|shard| shard.shard)
}

fn shards(now: &Snapshot) -> impl Iterator<Item = &Arc<ShardReport>> {
    let heard = now.shards.iter().flatten();
    heard.filter(|shard| shard.reopening == now.view.reopening)
}

/// The freshest report of each other edge.
fn others<'a>(now: &'a Snapshot, own: &str) -> BTreeMap<&'a str, &'a EdgeReport> {
    let mut freshest: BTreeMap<&str, &EdgeReport> = BTreeMap::new();
    for edge in shards(now).flat_map(|shard| &shard.edges) {
        if edge.edge.0 == own || edge.reopening != now.view.reopening {
            continue;
        }
        let known = freshest.get(edge.edge.0.as_str());
        if known.is_none_or(|known| edge.age_ms < known.age_ms) {
            freshest.insert(&edge.edge.0, edge);
        }
    }
    freshest
}
