//! How an edge is told by people what to do.

use std::time::Duration;

use super::EdgeAdmission;
use crate::progress::{Action, Steer, Steered};
use crate::report::{ReopeningNumber, Trigger};
use crate::slicing::SliceTable;
use crate::steering::{NotSteered, Standing};

impl EdgeAdmission {
    /// The view has changed when this succeeds and must reach the workers now, and the report the shards.
    pub fn steer(&mut self, steer: Steer, now: Duration) -> Result<Steered, NotSteered> {
        let standing = Standing {
            mode: self.settings.mode,
            has_reopening: self.ramp.number != ReopeningNumber::default(),
            level: self.ramp.level,
            slices: Some(self.table.slices()),
            next_end: next_end(
                &self.table,
                self.ramp.level,
                self.settings.tuning.skip_parts,
            ),
        };
        standing.check(steer)?;
        if steer.action == Action::Reopen {
            let next = ReopeningNumber(self.ramp.number.0.saturating_add(1));
            self.reopen(next, Trigger::Manual, None);
            self.feel(now);
        } else {
            let steering = self.ramp.steering.steered(steer, &standing)?;
            self.ramp.adopt_steering(steering);
        }
        Ok(self.steered())
    }

    fn steered(&self) -> Steered {
        let steering = self.ramp.steering;
        Steered {
            reopening: self.ramp.number.0,
            revision: steering.revision,
            paused: steering.paused,
            at_least: steering.at_least,
            stopped: steering.stopped,
        }
    }
}

/// The end of the named range that is being opened, or a part of all slices further.
fn next_end(table: &SliceTable, level: u32, parts: u32) -> u32 {
    let slices = table.slices();
    match table.range_name(level) {
        Some(name) => (level..slices)
            .find(|slice| table.range_name(*slice) != Some(name))
            .unwrap_or(slices),
        None => level
            .saturating_add((slices / parts.max(1)).max(1))
            .min(slices),
    }
}
