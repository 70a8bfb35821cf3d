//! Points of a reopening, as even as a bounded number of them allows.

use crate::progress::{MOST_POINTS, Point};

/// Holds any length: when it is full every second point goes, and from then on half as many come.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    points: Vec<Point>,
    /// Seconds between two points.
    every: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            every: 1,
        }
    }
}

impl Timeline {
    /// `last`: the end of the reopening, which is kept whatever its time.
    pub(super) fn note(&mut self, point: Point, last: bool) {
        let due = self
            .points
            .last()
            .is_none_or(|newest| point.seconds >= newest.seconds + self.every);
        if !due && !last {
            return;
        }
        if self.points.len() >= MOST_POINTS {
            self.thin();
        }
        self.points.push(point);
    }

    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    fn thin(&mut self) {
        let mut at = 0;
        self.points.retain(|_| {
            at += 1;
            at % 2 == 1
        });
        self.every *= 2;
    }
}
