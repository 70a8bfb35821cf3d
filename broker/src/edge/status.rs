//! What `/status` says of an edge.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use herdgate_admission::report::ShardReport;

use super::control::Snapshot;
use super::shared::Shared;
use super::standing;
use crate::admin::{HandshakeStatus, ShardStatus, Status};
use crate::config::Role;
use crate::metrics::{HandshakeFailure, Label};

/// Cheap, and never waits.
pub fn status(role: Role, shared: &Shared, snapshot: &ArcSwap<Snapshot>) -> Status {
    let now = snapshot.load();
    let shards: Vec<&Arc<ShardReport>> = now.shards.iter().flatten().collect();
    let sum = |of: fn(&ShardReport) -> u32| {
        shards
            .iter()
            .map(|shard| of(shard))
            .fold(0, u32::saturating_add)
    };
    let limiting = Some(now.view.limiting.to_string()).filter(|signal| !signal.is_empty());
    Status {
        role,
        mode: shared.settings.admission.mode,
        reopening: now.view.reopening.0,
        phase: now.record.phase(),
        trigger: now.record.trigger(),
        paused: now.view.steering.paused,
        level: now.view.level,
        slices: now.view.slices(),
        patience_ms: millis(now.view.patience),
        entering: shared.places.used(),
        entering_limit: now.view.entering_limit,
        settling: sum(|shard| shard.settling),
        settle_limit: sum(|shard| shard.settle_limit),
        held: now.counts.held,
        door: now.counts.door,
        connected: shared.connections(),
        limiting_signal: limiting,
        client_addresses: standing::addresses(&now),
        stalled: now.view.stalled,
        handshakes: handshakes(shared),
        shards: shards
            .into_iter()
            .map(|shard| ShardStatus::from(&**shard))
            .collect(),
    }
}

fn handshakes(shared: &Shared) -> HandshakeStatus {
    let metrics = &shared.metrics.edge;
    HandshakeStatus {
        started: metrics.handshakes_started.get(),
        completed: metrics.handshakes_completed.get(),
        failed: HandshakeFailure::ALL
            .iter()
            .map(|reason| metrics.handshakes_failed.get(*reason))
            .sum(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
