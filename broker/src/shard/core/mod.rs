//! One shard worker as a state machine: it owns the sessions of its client partitions and the topics of its topic
//! partitions. The shell around it moves frames: from links and other workers in, to links and other workers out.

mod input;
mod settings;
mod stats;

use std::time::Duration;

pub use crate::routing::partition::{Partition, partition_of, worker_of};
pub use input::{Input, LinkId, Outbox, PeerMessage, WorkerIndex};
pub use settings::{CoreSettings, SessionLimits};
pub use stats::{Drops, WorkerStats};

/// See the module. `now` is the time since the process started, the same clock for every call.
#[derive(Debug)]
pub struct WorkerCore {
    index: WorkerIndex,
    settings: CoreSettings,
}

impl WorkerCore {
    /// Worker `index` of `settings.workers`.
    pub fn new(index: WorkerIndex, settings: CoreSettings) -> Self {
        Self { index, settings }
    }

    /// Takes one input; what follows from it is appended to `out`, except packets to clients and windows, which wait
    /// for `flush` so that several become one frame.
    pub fn handle(&mut self, _now: Duration, _input: Input, _out: &mut Outbox) {
        let _ = (self.index, &self.settings);
    }

    /// After a batch of inputs, and before `out` is sent.
    pub fn flush(&mut self, _now: Duration, _out: &mut Outbox) {
        let _ = self.index;
    }

    /// When `Input::Tick` is wanted next, if nothing else comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        None
    }

    /// What this worker saw of the shard's health since the last call; the shell adds its own lag and merges workers.
    pub fn take_window(&mut self, _now: Duration) -> herdgate_admission::health::Window {
        herdgate_admission::health::Window::default()
    }

    /// Counts since the start and levels of now; cheap enough for a metrics scrape and the 4 Hz report.
    pub fn stats(&self) -> WorkerStats {
        WorkerStats::default()
    }
}
