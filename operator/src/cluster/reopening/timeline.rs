//! Timelines where the one who kept it was lost on the way.

use herdgate_admission::progress::MOST_POINTS;
use herdgate_crds::TimelinePoint;

/// `lead`: seconds from the start of the reopening to the start of `told`. What was kept of the time before stays.
pub(super) fn join(
    kept: &[TimelinePoint],
    told: Vec<TimelinePoint>,
    lead: i64,
) -> Vec<TimelinePoint> {
    if lead <= 0 {
        return told;
    }
    let before = kept.iter().filter(|point| point.seconds < lead).cloned();
    let after = told.into_iter().map(|point| TimelinePoint {
        seconds: point.seconds + lead,
        ..point
    });
    thin(before.chain(after).collect())
}

fn thin(mut points: Vec<TimelinePoint>) -> Vec<TimelinePoint> {
    while points.len() > MOST_POINTS {
        let last = points.len() - 1;
        let mut at = 0;
        points.retain(|_| {
            at += 1;
            (at - 1) % 2 == 0 || at - 1 == last
        });
    }
    points
}
