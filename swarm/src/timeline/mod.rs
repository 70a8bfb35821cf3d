//! How a run went, moment by moment.

mod svg;

use std::time::Duration;

use serde::Serialize;

use crate::status::Status;

pub(crate) use svg::draw;

/// Between two points at first.
const FIRST_STEP: Duration = Duration::from_millis(500);
/// A picture shows no more; a long run has them at longer steps.
const MOST_POINTS: usize = 1_000;

/// Points at equal steps since the restart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Timeline {
    #[serde(skip)]
    step: Duration,
    points: Vec<Point>,
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point {
    /// Since the restart.
    pub(crate) seconds: f64,
    pub(crate) settled: u32,
    /// Dials so far.
    pub(crate) attempts: u64,
    pub(crate) handshakes: u64,
    pub(crate) drops: u64,
    /// What the server said last, where it is asked.
    pub(crate) server: Option<Status>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            step: FIRST_STEP,
            points: Vec::new(),
        }
    }
}

impl Timeline {
    /// Whether a step has passed since the last point.
    pub(crate) fn wants(&self, seconds: f64) -> bool {
        let last = self.points.last();
        last.is_none_or(|last| seconds - last.seconds >= self.step.as_secs_f64())
    }

    /// Adds a point; when there are too many, every other one goes.
    pub(crate) fn add(&mut self, point: Point) {
        self.points.push(point);
        if self.points.len() >= MOST_POINTS {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.step *= 2;
        }
    }

    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn point(seconds: f64, settled: u32, server: Option<Status>) -> Point {
        Point {
            seconds,
            settled,
            attempts: u64::from(settled) * 2,
            handshakes: 0,
            drops: 0,
            server,
        }
    }

    #[test]
    fn a_long_run_has_its_points_at_longer_steps() {
        let mut timeline = Timeline::default();
        let mut seconds = 0.0;
        while seconds < 3_600.0 {
            if timeline.wants(seconds) {
                timeline.add(point(seconds, 0, None));
            }
            seconds += 0.1;
        }
        let points = timeline.points();
        assert!(points.len() < MOST_POINTS && points.len() > MOST_POINTS / 3);
        assert!(points[0].seconds < 0.2 && points[points.len() - 1].seconds > 3_590.0);
        assert!(timeline.step > FIRST_STEP);
    }
}
