//! How an edge moves the level, and how it sees that a herd comes and starts a reopening for it.

use std::time::Duration;

use super::ramp::Look;
use super::{EdgeAdmission, EdgeCounts, Mode};
use crate::health::DRAINING;
use crate::heard::{self, Health};
use crate::overload::Pulse;
use crate::report::{EdgeReport, ReopeningNumber, Trigger};

impl EdgeAdmission {
    /// Of the edges heard, the one with the lowest id moves the level; the others adopt it.
    pub(super) fn advance_level(&mut self, counts: EdgeCounts, now: Duration) {
        let others = self
            .heard
            .others(&self.settings.edge, self.ramp.number, now);
        let own = self.report(counts);
        let all = || others.values().chain([&own]);
        self.feel_backends(all());
        let look = Look {
            health: &self.health_of_all(),
            moves: others.keys().all(|other| self.settings.edge < *other),
            knocks: all().any(|edge| self.knocks(edge)),
            door: heard::sum(all()),
            table: &self.table,
            lowest_held: all().map(|edge| edge.lowest_held).min().unwrap_or(0),
        };
        self.ramp.tick(look, now);
        let moves = look.moves;
        self.notice_others(others.values().chain([&own]));
        let arrivals = all().map(|edge| u64::from(edge.arrivals)).sum();
        self.look_for_a_storm(arrivals, moves, now);
    }

    /// Whether somebody waits there; where nobody is held, whether somebody enters.
    fn knocks(&self, edge: &EdgeReport) -> bool {
        let enters = edge.free_places < edge.entering_limit;
        edge.door > 0 || edge.held > 0 || (self.settings.mode == Mode::DryRun && enters)
    }

    /// `arrivals`: clients that came to all edges in the last whole second. `moves`: whether this edge is the one that
    /// decides.
    fn look_for_a_storm(&mut self, arrivals: u64, moves: bool, now: Duration) {
        let pulse = Pulse {
            arrivals,
            is_open: self.ramp.level >= self.table.slices(),
            is_overloaded: self.is_overloaded(),
        };
        let is_one = self.overload.look(pulse, now);
        if is_one && moves && self.settings.mode == Mode::Staged {
            let next = self.ramp.number.0.saturating_add(1);
            self.reopen(ReopeningNumber(next), Trigger::Overload, None);
            self.feel(now);
        }
    }

    /// Whether shards are; what ails a backend keeps clients out by itself. A shard that is told to end sends its clients away, and they come back: that is no herd.
    fn is_overloaded(&self) -> bool {
        match &self.health {
            Health::Bad(signal) | Health::Hard(signal) => signal != DRAINING,
            Health::Silent | Health::Good => false,
        }
    }
}
