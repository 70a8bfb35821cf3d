//! The reopening that an edge goes along with: its number, how far it is, and how people steer it.

use std::time::Duration;

use super::Mode;
use crate::advance::{Advance, Door};
use crate::heard::Health;
use crate::report::{ReopeningNumber, Steering, Trigger};
use crate::slicing::SliceTable;
use crate::tuning::Tuning;

/// A tick that comes later than this counts no longer: the process stood still and held nobody up meanwhile.
const LONGEST_TICK: Duration = Duration::from_secs(1);

/// What decides about the level at one tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) health: &'a Health,
    /// Whether this edge is the one that moves the level.
    pub(super) moves: bool,
    /// Whether somebody waits anywhere.
    pub(super) knocks: bool,
    pub(super) door: Door,
    pub(super) table: &'a SliceTable,
    /// Nobody waits in slices under this.
    pub(super) lowest_held: u32,
}

impl Look<'_> {
    /// The census has nobody of it, and nobody waits there.
    fn is_empty(&self, slice: u32) -> bool {
        slice < self.lowest_held && self.table.is_empty(slice)
    }
}

#[derive(Debug)]
pub(super) struct Ramp {
    mode: Mode,
    tuning: Tuning,
    pub(super) number: ReopeningNumber,
    pub(super) trigger: Trigger,
    pub(super) level: u32,
    slices: u32,
    pub(super) steering: Steering,
    advance: Advance,
    /// When this edge first heard a shard at this reopening.
    heard_since: Option<Duration>,
    knocked: bool,
    /// How long the level has been free to move since the first knock.
    blocked: Duration,
    ticked_at: Duration,
    hard_since: Option<Duration>,
}

impl Ramp {
    pub(super) fn new(mode: Mode, slices: u32, tuning: &Tuning) -> Self {
        let mut ramp = Self {
            mode,
            tuning: *tuning,
            number: ReopeningNumber::default(),
            trigger: Trigger::None,
            level: 0,
            slices,
            steering: Steering::default(),
            advance: Advance::new(tuning),
            heard_since: None,
            knocked: false,
            blocked: Duration::ZERO,
            ticked_at: Duration::ZERO,
            hard_since: None,
        };
        ramp.level = ramp.first_level();
        ramp
    }

    /// An open gate is open for everybody.
    pub(super) fn first_level(&self) -> u32 {
        if self.mode == Mode::Open {
            self.slices
        } else {
            0
        }
    }

    pub(super) fn reopen(&mut self, number: ReopeningNumber, trigger: Trigger, slices: u32) {
        *self = Self {
            number,
            trigger,
            ticked_at: self.ticked_at,
            hard_since: self.hard_since,
            ..Self::new(self.mode, slices, &self.tuning)
        };
    }

    /// The same reopening has another number of slices: as much of it is open as was.
    pub(super) fn recut(&mut self, slices: u32) {
        let level = (u64::from(self.level) * u64::from(slices)).div_ceil(self.slices.max(1).into());
        self.slices = slices;
        self.level = u32::try_from(level).unwrap_or(slices);
    }

    /// A level never falls within a reopening. A closed gate has none.
    pub(super) fn adopt_level(&mut self, level: u32) {
        if self.mode != Mode::Closed {
            self.level = self.level.max(level.min(self.slices));
        }
    }

    /// `true`: it is steered in another way than before.
    pub(super) fn adopt_steering(&mut self, steering: Steering) -> bool {
        let is_new = self.steering.adopt(steering);
        self.adopt_level(self.steering.at_least);
        is_new
    }

    /// Notes how the shards are, and whether the edge itself is hard.
    pub(super) fn feel(&mut self, health: &Health, is_hard: bool, now: Duration) {
        if *health != Health::Silent {
            self.heard_since.get_or_insert(now);
        }
        if is_hard || matches!(health, Health::Hard(_)) {
            self.hard_since.get_or_insert(now);
        } else {
            self.hard_since = None;
        }
    }

    pub(super) fn is_stalled(&self, now: Duration) -> bool {
        self.hard_since
            .is_some_and(|since| now.saturating_sub(since) > self.tuning.stalled_after)
    }

    pub(super) fn tick(&mut self, look: Look<'_>, now: Duration) {
        let since_last = now.saturating_sub(self.ticked_at).min(LONGEST_TICK);
        self.ticked_at = now;
        self.knocked |= look.knocks;
        let may_move = !self.steering.paused && self.has_started(now);
        if may_move && !matches!(look.health, Health::Silent | Health::Hard(_)) {
            self.blocked += since_last;
        }
        if look.moves && may_move {
            self.advance(look);
        }
    }

    fn advance(&mut self, look: Look<'_>) {
        if self.mode == Mode::Staged && !matches!(look.health, Health::Silent | Health::Hard(_)) {
            self.adopt_level(self.slope());
        }
        if matches!(self.mode, Mode::Staged | Mode::DryRun) && *look.health == Health::Good {
            let empty = |slice| look.is_empty(slice);
            self.level = self.advance.next(self.level, self.slices, look.door, empty);
        }
    }

    fn has_started(&self, now: Duration) -> bool {
        let waited = self
            .heard_since
            .map(|since| now.saturating_sub(since) >= self.tuning.knock_within);
        self.level > 0 || self.knocked || waited == Some(true)
    }

    /// Where the level is at least: nobody is kept out for ever.
    fn slope(&self) -> u32 {
        let (blocked, most) = (
            self.blocked.as_millis(),
            self.tuning.max_blocked.as_millis(),
        );
        (u128::from(self.slices) * blocked)
            .checked_div(most)
            .map_or(0, |level| u32::try_from(level).unwrap_or(u32::MAX))
    }
}
