//! What goes into an edge's admission, and what its workers see of it.

use std::sync::Arc;
use std::time::Duration;

use crate::report::{EdgeId, ReopeningNumber};
use crate::slicing::{SlicePlan, SliceTable};

/// How clients are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No gate, no entering limit, no settle limit.
    Open,
    /// Slice by slice after a restart of the shards.
    Staged,
}

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
    /// Never more entering than this; `None`: as the law finds.
    pub entering_cap: Option<u32>,
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
    /// `u32::MAX` in mode Open; 0 while nobody may be let in.
    pub entering_limit: u32,
    /// The median time to CONNACK of late.
    pub usual_time_to_connack: Duration,
    /// The time to CONNACK aimed at; for [`crate::times::Times::record_at_least`].
    pub aim: Duration,
    /// What keeps those who wait from coming in faster, empty when nothing does: `no_shard_heard`, a shard's signal
    /// such as `queue_wait`, `settle_limit`, `level` (slices are still opening), `entering_limit` (the configured cap)
    /// or `time_to_connack` (the entering limit, as the law finds it).
    pub limiting: Arc<str>,
}

impl EdgeView {
    /// Whether the slice is open; a place is needed besides.
    pub fn admits(&self, slice: u32) -> bool {
        self.mode == Mode::Open || slice < self.level
    }

    pub fn slices(&self) -> u32 {
        self.table.slices()
    }
}
