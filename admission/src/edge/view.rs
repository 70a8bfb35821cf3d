//! What goes into an edge's admission, and what its workers see of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::last_class::LastClass;
pub use crate::progress::GateMode as Mode;
use crate::remembered::Remembered;
use crate::report::{EdgeId, ReopeningNumber, Steering, Trigger, Verdict};
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
    /// Clients waiting in open slices, without the last class: slices open until there are enough of these.
    pub door: u32,
    /// Clients waiting in closed slices.
    pub held: u32,
    /// Clients let in whose CONNACK is not yet sent.
    pub entering: u32,
    /// The most that were entering at a time since the last tick.
    pub entering_peak: u32,
    /// Clients that came since the last tick.
    pub arrivals: u32,
    /// How long the one has been entering that has been so for longest of those that do not wait for a shard.
    pub oldest_entering: Option<Duration>,
    /// The lowest of the closed slices that somebody waits in.
    pub lowest_held: Option<u32>,
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
    /// By their numbers.
    pub shards: Arc<[ShardView]>,
    /// Whose clients waited for a shard in vain.
    pub remembered: Arc<Remembered>,
    /// Whoever came to nothing again and again, and how many of the places they may have.
    pub last_class: LastClass,
    pub last_class_limit: u32,
    /// Grows when somebody may be let in who was kept out for a shard.
    pub loosened: u64,
    /// How long the fleet waits for a CONNACK.
    pub patience: Duration,
    /// The median time to CONNACK of late.
    pub usual_time_to_connack: Duration,
    /// The time to CONNACK aimed at; for [`crate::times::Times::record_at_least`].
    pub aim: Duration,
    /// The state of the shards, or of the edge itself, has let nobody in for so long that somebody should look; `limiting`
    /// names the signal.
    pub stalled: bool,
    /// What keeps those who wait from coming in faster, empty when nothing does: `no_shard_heard`, a shard's signal
    /// or the edge's own such as `queue_wait`, `memory` or `cpu_throttling`, `auth_backend`, `closed` (the mode), `paused`,
    /// `settle_limit`, `level` (slices are still opening), `unwell_shard` (all are open, and clients wait for a shard that is not
    /// well), `entering_limit` (the configured cap) or `time_to_connack` (the entering limit, as the law finds it).
    pub limiting: Arc<str>,
}

/// A shard, as far as an edge goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardView {
    pub shard: u32,
    /// `None`: it was not heard of late.
    pub verdict: Option<Verdict>,
    /// Its clients wait for longer than is aimed at, and those of most other shards do not: whoever waits for it gives
    /// the place back, so that somebody else may come in.
    pub is_late: bool,
    /// Clients that it may be asked to take until the next tick.
    pub attaches: u32,
}

impl ShardView {
    /// Whether whoever waited for it in vain may try again.
    pub fn is_well(&self) -> bool {
        self.verdict == Some(Verdict::Good) && !self.is_late
    }
}

impl EdgeView {
    /// `None`: nothing is known of it.
    pub fn shard(&self, shard: u32) -> Option<&ShardView> {
        self.shards.iter().find(|known| known.shard == shard)
    }

    /// Whether clients that wait for this shard give their places back, once they have waited for [`EdgeView::aim`].
    pub fn is_late(&self, shard: u32) -> bool {
        self.shard(shard).is_some_and(|shard| shard.is_late)
    }

    /// Whether a client of this address waits before TLS, whatever its slice: it has waited in vain for a shard that is
    /// not well yet.
    pub fn keeps_out(&self, address: IpAddr, now: Duration) -> bool {
        let is_well = |shard| self.shard(shard).is_some_and(ShardView::is_well);
        let shard = self.remembered.shard_of(address, now);
        !self.holds_nobody() && shard.is_some_and(|shard| !is_well(shard))
    }

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
