//! What keeps those who wait from coming in faster.

use std::time::Duration;

use super::{EdgeAdmission, EdgeCounts, Mode};
use crate::backend::SIGNAL;
use crate::heard::Health;
use crate::report::Verdict;

impl EdgeAdmission {
    /// See [`super::EdgeView::limiting`].
    pub(super) fn find_limiting(&self, counts: EdgeCounts, now: Duration) -> &str {
        match &self.health {
            _ if self.settings.mode == Mode::Open => "",
            _ if self.settings.mode == Mode::Closed => "closed",
            Health::Silent => "no_shard_heard",
            Health::Hard(signal) => signal,
            _ if self.is_backend_at_fault() => SIGNAL,
            Health::Bad(signal) => signal,
            Health::Good if self.itself.0 > Verdict::Good => self.itself.1.unwrap_or("edge"),
            Health::Good if counts.door == 0 && counts.held == 0 => "",
            Health::Good if self.heard.settling_is_full(self.ramp.number, now) => "settle_limit",
            Health::Good if counts.entering < self.lawful_limit() && self.ramp.steering.paused => {
                "paused"
            }
            Health::Good if counts.entering < self.lawful_limit() && self.waits_for_a_shard() => {
                "unwell_shard"
            }
            Health::Good if counts.entering < self.lawful_limit() => "level",
            Health::Good if self.entering.is_capped() => "entering_limit",
            Health::Good => {
                let slows = self.heard.slowed(self.ramp.number, now);
                slows.or(self.itself.1).unwrap_or("time_to_connack")
            }
        }
    }

    /// Whether it seems that those who wait do so for a shard that is not well: no slice is closed any more.
    fn waits_for_a_shard(&self) -> bool {
        let views = self.shard_views();
        let is_well = |number| {
            let mut well = views.iter().filter(|shard| shard.is_well());
            well.any(|shard| shard.shard == number)
        };
        let is_sick = || {
            let known = views.iter().map(|shard| shard.shard);
            known
                .chain(self.remembered.shards())
                .any(|shard| !is_well(shard))
        };
        self.ramp.level >= self.table.slices() && is_sick()
    }
}
