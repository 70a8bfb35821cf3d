//! Who is in the last class at this edge, and how many places these may have.

use std::time::Duration;

use super::EdgeAdmission;
use crate::last_class::{Came, share};
use crate::report::EdgeReport;

impl EdgeAdmission {
    /// How clients' ways in ended, in that order.
    pub fn came(&mut self, ended: impl IntoIterator<Item = Came>, now: Duration) {
        for came in ended {
            self.comers.note(came, now, &self.settings.tuning);
        }
    }

    /// A part of the places while anybody else waits, or may yet come; else all of them.
    pub(super) fn last_class_limit(&self) -> u32 {
        let limit = self.entering_limit();
        if limit == u32::MAX || !self.others_wait {
            limit
        } else {
            share(limit, &self.settings.tuning)
        }
    }

    /// Whether anybody waits for a place who is not of the last class; while slices are closed, somebody may.
    pub(super) fn notice_others<'a>(&mut self, mut edges: impl Iterator<Item = &'a EdgeReport>) {
        let is_open = self.ramp.level >= self.table.slices();
        self.others_wait = !is_open || edges.any(|edge| edge.door > 0);
    }
}
