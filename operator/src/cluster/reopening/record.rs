//! From what edges tell of a reopening to its record. Pure: time is given.

use herdgate_admission::progress::{Phase, Point, Progress, SlowSlice, Trigger};
use herdgate_crds::{
    ReopeningForecast, ReopeningOutcome, ReopeningPhase, ReopeningResult, ReopeningStatus,
    SlowestSlice, TimelinePoint, conditions,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use super::timeline;
use crate::events::News;

/// `known`: as it was written last.
pub(super) fn status(
    progress: &Progress,
    known: Option<&ReopeningStatus>,
    now: Timestamp,
) -> ReopeningStatus {
    // a record that is complete is of an earlier reopening by this number
    let known = known.filter(|known| known.result.is_none());
    let told = time(progress.started_at.as_deref());
    let progress = &at_its_end(progress);
    let kept = known.and_then(|known| known.started_at.clone());
    let started = kept.into_iter().chain(told.clone()).min();
    let lead = between(started.as_ref(), told.as_ref());
    let finished = time(progress.finished_at.as_deref());
    let result = finished
        .as_ref()
        .map(|finished| result(progress, between(started.as_ref(), Some(finished))));
    let kept = known.map_or(&[][..], |known| &known.timeline);
    let told = progress.timeline.iter().map(point).collect();
    let mut status = ReopeningStatus {
        phase: phase(progress.phase),
        trigger: trigger(progress.trigger).map(str::to_owned),
        started_at: started,
        finished_at: finished,
        forecast: progress.forecast.map(|forecast| ReopeningForecast {
            clients: whole(forecast.clients),
            seconds: whole(forecast.seconds),
        }),
        level: small(progress.level),
        slices: small(progress.slices),
        progress: format!("{}/{}", progress.level, progress.slices),
        settled: whole(progress.settled),
        expected: progress.expected.map(whole),
        back: back(progress),
        waiting: whole(progress.held.saturating_add(progress.door)),
        entering: whole(progress.entering),
        settling: whole(progress.settling),
        limiting_signal: progress.limiting_signal.clone(),
        limiting_shard: progress.limiting_shard.map(small),
        paused: progress.paused,
        eta_seconds: progress.eta_seconds.map(whole),
        eta: progress.eta_seconds.map(text_of_seconds),
        timeline: timeline::join(kept, told, lead),
        slowest_slices: progress.slowest.iter().map(slowest).collect(),
        result,
        conditions: Vec::new(),
    };
    status.conditions = complete(&status, known, now);
    status
}

/// Clients come and go after the end as before, and it may be looked at late: those who were back at a time count.
fn at_its_end(progress: &Progress) -> Progress {
    let mut progress = progress.clone();
    if progress.finished_at.is_some() {
        let most = progress.timeline.iter().map(|point| point.settled).max();
        progress.settled = progress.settled.max(most.unwrap_or(0));
    }
    progress
}

/// The record of one that another put an end to.
pub(super) fn superseded(known: &ReopeningStatus, now: Timestamp) -> ReopeningStatus {
    let now_or_known = Time(to_second(now));
    let seconds = between(known.started_at.as_ref(), Some(&now_or_known));
    let mut status = ReopeningStatus {
        phase: ReopeningPhase::Stopped,
        finished_at: Some(now_or_known),
        eta: None,
        eta_seconds: None,
        result: Some(ReopeningResult {
            outcome: ReopeningOutcome::Superseded,
            seconds,
            clients: known.settled,
            handshakes: None,
        }),
        ..known.clone()
    };
    status.conditions = complete(&status, Some(known), now);
    status
}

/// What is worth an event.
pub(super) fn news(known: Option<&ReopeningStatus>, new: &ReopeningStatus) -> Vec<News> {
    let before = known
        .filter(|known| known.result.is_none())
        .map(|known| known.phase);
    if before == Some(new.phase) {
        return Vec::new();
    }
    let signal = new.limiting_signal.as_deref().unwrap_or("nothing");
    let (reason, note) = match new.phase {
        ReopeningPhase::Proposed | ReopeningPhase::Approved => return Vec::new(),
        ReopeningPhase::Ramping => ("Ramping", format!("level {}", new.progress)),
        ReopeningPhase::Holding if new.paused => {
            ("Holding", format!("paused at level {}", new.progress))
        }
        ReopeningPhase::Holding => (
            "Holding",
            format!("level {} stands still, limited by {signal}", new.progress),
        ),
        ReopeningPhase::Open => ("Open", format!("{} clients are back", new.settled)),
        ReopeningPhase::Stopped => ("Stopped", "all slices were opened by hand".to_owned()),
    };
    vec![News {
        warning: new.phase == ReopeningPhase::Holding && !new.paused,
        reason: reason.to_owned(),
        note,
    }]
}

/// `Complete`: whether this is the whole record.
fn complete(
    status: &ReopeningStatus,
    known: Option<&ReopeningStatus>,
    now: Timestamp,
) -> Vec<Condition> {
    let (holds, reason, message) = match (&status.result, status.phase) {
        (Some(result), _) => (
            "True",
            outcome(result.outcome),
            format!("over after {} s", result.seconds),
        ),
        (None, ReopeningPhase::Holding) if status.paused => {
            ("False", "Paused", "paused by hand".to_owned())
        }
        (None, ReopeningPhase::Holding) => ("False", "Holding", "no slice opens".to_owned()),
        (None, _) => ("False", "Ramping", "slices open".to_owned()),
    };
    let old = known.and_then(|known| {
        let mut conditions = known.conditions.iter();
        conditions.find(|old| old.type_ == conditions::COMPLETE && old.status == holds)
    });
    vec![Condition {
        type_: conditions::COMPLETE.to_owned(),
        status: holds.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: None,
        last_transition_time: old.map_or_else(
            || Time(to_second(now)),
            |old| old.last_transition_time.clone(),
        ),
    }]
}

fn outcome(outcome: ReopeningOutcome) -> &'static str {
    match outcome {
        ReopeningOutcome::Open => "Open",
        ReopeningOutcome::Stopped => "Stopped",
        ReopeningOutcome::Superseded => "Superseded",
    }
}

fn phase(phase: Phase) -> ReopeningPhase {
    match phase {
        Phase::None | Phase::Ramping => ReopeningPhase::Ramping,
        Phase::Holding => ReopeningPhase::Holding,
        Phase::Open => ReopeningPhase::Open,
        Phase::Stopped => ReopeningPhase::Stopped,
    }
}

fn trigger(trigger: Trigger) -> Option<&'static str> {
    match trigger {
        Trigger::None => None,
        Trigger::Start => Some("Start"),
        Trigger::Restart => Some("Restart"),
        Trigger::Overload => Some("Overload"),
        Trigger::Manual => Some("Manual"),
    }
}

fn result(progress: &Progress, seconds: i64) -> ReopeningResult {
    ReopeningResult {
        outcome: if progress.phase == Phase::Stopped {
            ReopeningOutcome::Stopped
        } else {
            ReopeningOutcome::Open
        },
        seconds,
        clients: whole(progress.settled),
        handshakes: Some(whole(progress.handshakes)),
    }
}

fn back(progress: &Progress) -> String {
    match progress.expected {
        Some(expected) => format!("{}/{expected}", progress.settled),
        None => progress.settled.to_string(),
    }
}

fn point(point: &Point) -> TimelinePoint {
    TimelinePoint {
        seconds: whole(point.seconds),
        level: small(point.level),
        settled: whole(point.settled),
        held: whole(point.held),
        door: whole(point.door),
        entering: whole(point.entering),
        settling: whole(point.settling),
        limiting_signal: point.limiting_signal.clone(),
    }
}

fn slowest(slice: &SlowSlice) -> SlowestSlice {
    SlowestSlice {
        slice: small(slice.slice),
        range: slice.range.clone(),
        seconds: whole(slice.seconds),
        entered: i64::from(slice.entered),
    }
}

fn text_of_seconds(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

fn time(text: Option<&str>) -> Option<Time> {
    let time: Timestamp = text?.parse().ok()?;
    Some(Time(to_second(time)))
}

/// The API server keeps whole seconds; more would never compare equal to what comes back.
fn to_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Seconds, none when one of them is unknown.
fn between(from: Option<&Time>, to: Option<&Time>) -> i64 {
    match (from, to) {
        (Some(from), Some(to)) => to.0.as_second() - from.0.as_second(),
        _ => 0,
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
