//! What goes into an edge's admission, and what its workers see of it.

use std::sync::Arc;
use std::time::Duration;

pub use crate::progress::GateMode as Mode;
use crate::report::{EdgeId, ReopeningNumber, Steering, Trigger};
use crate::slicing::{SlicePlan, SliceTable};
use crate::tuning::Tuning;

/// What an edge's admission is set up with.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    pub edge: EdgeId,
    pub mode: Mode,
    /// The cluster's name; the order of slices depends on it.
    pub cluster: String,
    pub plan: SlicePlan,
    /// How long the fleet's clients wait for a CONNACK before they start again.
    pub patience: Duration,
    /// Whether the patience is learned from clients; `patience` is what to start with then.
    pub learns_patience: bool,
    /// Never more entering than this; `None`: as the law finds.
    pub entering_cap: Option<u32>,
    pub tuning: Tuning,
}

/// The counts of all workers of one edge together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeCounts {
    /// Clients waiting in open slices.
    pub door: u32,
    /// Clients waiting in closed slices.
    pub held: u32,
    /// Clients let in whose CONNACK is not yet sent.
    pub entering: u32,
    /// The most that were entering at a time since the last tick.
    pub entering_peak: u32,
    /// Clients that came since the last tick.
    pub arrivals: u32,
    /// How long the one that has been entering longest has been so.
    pub oldest_entering: Option<Duration>,
}

/// What workers go by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EdgeView {
    pub mode: Mode,
    pub reopening: ReopeningNumber,
    /// Slices under this are open.
    pub level: u32,
    pub table: Arc<SliceTable>,
    /// What set the reopening off.
    pub trigger: Trigger,
    pub steering: Steering,
    /// What binds: `u32::MAX` in the modes Open and `DryRun`; 0 while nobody may be let in.
    pub entering_limit: u32,
    /// What the law would have let in; in mode `DryRun` it binds nobody.
    pub lawful_entering_limit: u32,
    /// How long the fleet waits for a CONNACK.
    pub patience: Duration,
    /// The median time to CONNACK of late.
    pub usual_time_to_connack: Duration,
    /// The time to CONNACK aimed at; for [`crate::times::Times::record_at_least`].
    pub aim: Duration,
    /// The state of the shards, or of the edge itself, has let nobody in for so long that somebody should look; `limiting` names the signal.
    pub stalled: bool,
    /// What keeps those who wait from coming in faster, empty when nothing does: `no_shard_heard`, a shard's signal
    /// or the edge's own such as `queue_wait`, `memory` or `cpu_throttling`, `auth_backend`, `closed` (the mode), `paused`, `settle_limit`, `level` (slices are still opening), `entering_limit` (the configured cap)
    /// or `time_to_connack` (the entering limit, as the law finds it).
    pub limiting: Arc<str>,
}

impl EdgeView {
    /// Whether the slice is open; a place is needed besides.
    pub fn admits(&self, slice: u32) -> bool {
        self.holds_nobody() || slice < self.level
    }

    /// Whoever comes is let in, whatever slice and places say.
    pub fn holds_nobody(&self) -> bool {
        matches!(self.mode, Mode::Open | Mode::DryRun)
    }

    /// Whether the law would let a client in that comes while so many are entering; for counting in mode `DryRun`.
    pub fn law_admits(&self, slice: u32, entering: u32) -> bool {
        slice < self.level && entering < self.lawful_entering_limit
    }

    pub fn slices(&self) -> u32 {
        self.table.slices()
    }
}
