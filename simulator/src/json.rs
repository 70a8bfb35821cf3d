//! An outcome as JSON says it. Times are seconds.

use std::time::Duration;

use herdgate_admission::simulator::{Outcome, Point, Seen};
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report<'a> {
    scenario: &'a str,
    law: String,
    expected: u32,
    back: u32,
    /// Until the last one was back; absent when somebody is not.
    seconds: Option<f64>,
    lasted_seconds: f64,
    ideal_seconds: f64,
    alone_seconds: f64,
    percent_of_ideal: Option<u64>,
    arrivals: u64,
    handshakes: u64,
    handshakes_per_client: f64,
    gave_up: u64,
    resets: u64,
    by_client_id: u64,
    busy: u64,
    refused: u64,
    drops: u64,
    time_to_connack: Percentiles,
    patience_seconds: f64,
    reopening: u64,
    level: u32,
    slices: u32,
    seen: SeenReport,
    timeline: Vec<PointReport<'a>>,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50: f64,
    p95: f64,
}

/// What must not happen, and how often it did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenReport {
    entered_above_limit: u32,
    entered_too_late: u32,
    attached_above_limit: u32,
    entered_while_hard: u32,
    advanced_while_bad: u32,
    advanced_while_hard: u32,
    level_fell: u32,
    longest_behind_seconds: f64,
    largest_knock_percent: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PointReport<'a> {
    seconds: f64,
    level: u32,
    held: u32,
    door: u32,
    entering: u32,
    /// Absent when there is none.
    entering_limit: Option<u32>,
    settling: u32,
    back: u32,
    arrivals: u64,
    handshakes: u64,
    limiting: &'a str,
}

impl<'a> Report<'a> {
    pub(crate) fn new(scenario: &'a str, law: String, outcome: &'a Outcome) -> Self {
        let seconds = |time: &Duration| time.as_secs_f64();
        Self {
            scenario,
            law,
            expected: outcome.expected,
            back: outcome.back,
            seconds: outcome.took.as_ref().map(seconds),
            lasted_seconds: seconds(&outcome.lasted),
            ideal_seconds: seconds(&outcome.ideal),
            alone_seconds: seconds(&outcome.alone),
            percent_of_ideal: outcome.is_complete().then(|| outcome.percent_of_ideal()),
            arrivals: outcome.arrivals,
            handshakes: outcome.handshakes,
            handshakes_per_client: per_client(outcome),
            gave_up: outcome.gave_up,
            resets: outcome.resets,
            by_client_id: outcome.by_client_id,
            busy: outcome.busy,
            refused: outcome.refused,
            drops: outcome.drops,
            time_to_connack: Percentiles {
                p50: seconds(&outcome.time_to_connack.0),
                p95: seconds(&outcome.time_to_connack.1),
            },
            patience_seconds: seconds(&outcome.patience),
            reopening: outcome.reopening,
            level: outcome.level,
            slices: outcome.slices,
            seen: SeenReport::new(&outcome.seen),
            timeline: outcome.timeline.iter().map(PointReport::new).collect(),
        }
    }
}

impl SeenReport {
    fn new(seen: &Seen) -> Self {
        Self {
            entered_above_limit: seen.entered_above_limit,
            entered_too_late: seen.entered_too_late,
            attached_above_limit: seen.attached_above_limit,
            entered_while_hard: seen.entered_while_hard,
            advanced_while_bad: seen.advanced_while_bad,
            advanced_while_hard: seen.advanced_while_hard,
            level_fell: seen.level_fell,
            longest_behind_seconds: seen.longest_behind.as_secs_f64(),
            largest_knock_percent: seen.largest_knock_percent,
        }
    }
}

impl<'a> PointReport<'a> {
    fn new(point: &'a Point) -> Self {
        Self {
            seconds: point.at.as_secs_f64(),
            level: point.level,
            held: point.held,
            door: point.door,
            entering: point.entering,
            entering_limit: (point.entering_limit < u32::MAX).then_some(point.entering_limit),
            settling: point.settling,
            back: point.back,
            arrivals: point.arrivals,
            handshakes: point.handshakes,
            limiting: &point.limiting,
        }
    }
}

#[allow(clippy::cast_precision_loss)] // a ratio to two digits
pub(crate) fn per_client(outcome: &Outcome) -> f64 {
    outcome.handshakes as f64 / f64::from(outcome.expected.max(1))
}
