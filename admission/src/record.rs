//! The record of a reopening while it happens: phase, timeline, pace, slowest slices. Pure; it decides nothing.

mod pace;
mod slices;
#[cfg(test)]
mod tests;
mod timeline;

use std::time::Duration;

use crate::progress::{Forecast, Phase, Point, SlowSlice, Trigger};
use crate::report::ReopeningNumber;
use pace::Pace;
use slices::SliceTimes;
use timeline::Timeline;

/// So long without a step and without anybody coming back, with clients waiting in closed slices, and it is called
/// holding: either happens every second or two when it goes on at all.
const HOLDING_AFTER: Duration = Duration::from_secs(5);
/// A fleet that comes and goes all the time is never wholly settled; it is over then so long after the last slice
/// opened: three times as long as a client may settle.
const OVER_AFTER: Duration = Duration::from_mins(1);

/// How the cluster stands at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample<'a> {
    pub reopening: ReopeningNumber,
    pub trigger: Trigger,
    pub level: u32,
    pub slices: u32,
    pub paused: bool,
    /// All slices were opened by hand.
    pub stopped: bool,
    /// Clients that the census expects.
    pub expected: Option<u64>,
    /// As it is at this moment; what is foreseen first is what the record keeps.
    pub forecast: Option<Forecast>,
    pub settled: u64,
    pub entering: u64,
    pub settling: u64,
    pub held: u64,
    pub door: u64,
    /// Empty when nothing limits.
    pub limiting_signal: &'a str,
    /// TLS handshakes begun since the process started.
    pub handshakes: u64,
    /// Clients let in during this reopening, by slice; empty when nobody counts.
    pub entered: &'a [u32],
}

/// Follows one reopening after the other.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    reopening: ReopeningNumber,
    trigger: Trigger,
    started: Duration,
    handshakes_before: u64,
    handshakes: u64,
    forecast: Option<Forecast>,
    phase: Phase,
    level: u32,
    settled: u64,
    /// When a slice opened or a client came back last.
    moved: Duration,
    /// When the last slice opened.
    all_open: Option<Duration>,
    finished: Option<Duration>,
    timeline: Timeline,
    pace: Pace,
    eta: Option<Duration>,
    slices: SliceTimes,
}

impl Recorder {
    /// As often as there is news; `now` never goes back. What comes after the end is not recorded.
    pub fn note(&mut self, sample: &Sample<'_>, now: Duration) {
        if sample.reopening != self.reopening {
            self.restart(sample, now);
        }
        if self.reopening == ReopeningNumber::default() || self.finished.is_some() {
            return;
        }
        if sample.level > self.level {
            self.slices.opened(sample.level, now);
            (self.level, self.moved) = (sample.level, now);
        }
        if sample.settled > self.settled {
            (self.settled, self.moved) = (sample.settled, now);
        }
        self.forecast = self.forecast.or(sample.forecast);
        if sample.trigger != Trigger::None {
            self.trigger = sample.trigger;
        }
        self.handshakes = sample.handshakes.saturating_sub(self.handshakes_before);
        self.slices.entered(sample.entered, now);
        self.pace.note(sample.settled, now);
        self.eta = self.pace.until(still_away(sample));
        self.phase = self.find_phase(sample, now);
        let last = self.finish(sample, now);
        self.timeline.note(self.point(sample, now), last);
    }

    pub fn reopening(&self) -> ReopeningNumber {
        self.reopening
    }

    pub fn trigger(&self) -> Trigger {
        self.trigger
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// `None` before the first reopening.
    pub fn started(&self) -> Option<Duration> {
        (self.reopening != ReopeningNumber::default()).then_some(self.started)
    }

    pub fn finished(&self) -> Option<Duration> {
        self.finished
    }

    /// What was foreseen when the reopening began; `None`: nothing was known of the fleet or of its pace.
    pub fn forecast(&self) -> Option<Forecast> {
        self.forecast
    }

    /// TLS handshakes begun since the reopening started.
    pub fn handshakes(&self) -> u64 {
        self.handshakes
    }

    /// Until those who are still away are back, at the pace of late.
    pub fn eta(&self) -> Option<Duration> {
        self.eta.filter(|_| self.finished.is_none())
    }

    /// Oldest first, at most [`crate::progress::MOST_POINTS`].
    pub fn timeline(&self) -> &[Point] {
        self.timeline.points()
    }

    /// Slowest first; `range` names the range of a slice.
    pub fn slowest(&self, range: impl Fn(u32) -> Option<String>) -> Vec<SlowSlice> {
        self.slices.slowest(range)
    }

    fn restart(&mut self, sample: &Sample<'_>, now: Duration) {
        *self = Self {
            reopening: sample.reopening,
            started: now,
            moved: now,
            handshakes_before: sample.handshakes,
            ..Self::default()
        };
    }

    fn find_phase(&self, sample: &Sample<'_>, now: Duration) -> Phase {
        let is_open = sample.level >= sample.slices;
        let stuck = sample.held > 0 && now.saturating_sub(self.moved) >= HOLDING_AFTER;
        match () {
            () if sample.stopped => Phase::Stopped,
            () if !is_open && (sample.paused || stuck) => Phase::Holding,
            () => Phase::Ramping,
        }
    }

    /// `true`: this was the end.
    fn finish(&mut self, sample: &Sample<'_>, now: Duration) -> bool {
        if sample.level < sample.slices {
            return false;
        }
        let all_open = *self.all_open.get_or_insert(now);
        let nobody = sample.held + sample.door + sample.entering + sample.settling == 0;
        let over = now.saturating_sub(all_open) >= OVER_AFTER;
        if !nobody && !over {
            return false;
        }
        self.finished = Some(now);
        if self.phase != Phase::Stopped {
            self.phase = Phase::Open;
        }
        true
    }

    fn point(&self, sample: &Sample<'_>, now: Duration) -> Point {
        let signal = sample.limiting_signal;
        Point {
            seconds: now.saturating_sub(self.started).as_secs(),
            level: sample.level,
            settled: sample.settled,
            held: sample.held,
            door: sample.door,
            entering: sample.entering,
            settling: sample.settling,
            limiting_signal: (!signal.is_empty()).then(|| signal.to_owned()),
        }
    }
}

/// Without a census those who can be seen are all that is known of.
fn still_away(sample: &Sample<'_>) -> u64 {
    let seen = sample.held + sample.door + sample.entering + sample.settling;
    let expected = sample.expected.unwrap_or(0).saturating_sub(sample.settled);
    seen.max(expected)
}
