//! Somebody who looks on: what must never happen, counted apart from the law that must not do it.

use std::collections::VecDeque;
use std::time::Duration;

use super::edge::Edge;
use super::moment::{Moment, duration};
use super::scenario::Law;
use super::shard::Shard;
use crate::edge::EdgeView;
use crate::report::{ReopeningNumber, Verdict};
use crate::tuning::Tuning;

/// A tenth of a second.
const TENTH: Moment = 100_000_000;
/// A part of fewer is chance.
const ENOUGH_WAITING: u32 = 100;

/// What was seen of things that must not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Clients that were let in while more than the limit were entering.
    pub entered_above_limit: u32,
    /// Clients that were let in with less patience left than the usual time to CONNACK, or than half of it where that is
    /// longer.
    pub entered_too_late: u32,
    /// Clients that were attached while more than the limit were settling.
    pub attached_above_limit: u32,
    /// Clients that were let in while half or more of the shards were hard.
    pub entered_while_hard: u32,
    /// Times that an edge opened slices while half or more of the shards were bad.
    pub advanced_while_bad: u32,
    /// The same while they were hard.
    pub advanced_while_hard: u32,
    /// Times that an edge's level fell within a reopening.
    pub level_fell: u32,
    /// The longest that an edge had not heard of slices that another had opened.
    pub longest_behind: Duration,
    /// Of a hundred clients that were not back, the most that knocked within a tenth of a second, once a fleet had had
    /// time to get out of step.
    pub largest_knock_percent: u32,
}

#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) seen: Seen,
    /// The tenth of a second that it is, and how many have knocked in it.
    knocks: (Moment, u32),
    /// When the highest level of all edges rose to what, as long as some edge has not followed.
    risen: VecDeque<(Moment, (ReopeningNumber, u32))>,
}

impl Watch {
    /// A client knocks while so many are not back; `settled_down`: the fleet has had time to get out of step.
    pub(super) fn knocks(&mut self, waiting: u32, settled_down: bool, now: Moment) {
        let tenth = now / TENTH;
        let before = if self.knocks.0 == tenth {
            self.knocks.1
        } else {
            0
        };
        self.knocks = (tenth, before + 1);
        if settled_down && waiting >= ENOUGH_WAITING {
            let percent = (before + 1) * 100 / waiting;
            self.seen.largest_knock_percent = self.seen.largest_knock_percent.max(percent);
        }
    }

    /// A client is let in that waits for so long yet, of so long in all.
    pub(super) fn waits_yet(&mut self, usual: Duration, left: Duration, patience: Duration) {
        self.seen.entered_too_late += u32::from(left < usual.min(patience / 2));
    }

    /// After a client has taken its place.
    pub(super) fn enters(&mut self, edge: &Edge, law: Law, shards: &[Shard]) {
        if law != Law::Staged {
            return;
        }
        self.seen.entered_above_limit += u32::from(edge.places.used() > edge.limit());
        self.seen.entered_while_hard +=
            u32::from(most_are(Verdict::Hard, edge.view.reopening, shards));
    }

    /// After a client has begun to settle.
    pub(super) fn attaches(&mut self, settling: u32, limit: u32) {
        self.seen.attached_above_limit += u32::from(settling > limit);
    }

    /// What the slope of `maxBlockedSeconds` opens, it opens while shards are bad too.
    pub(super) fn advances(
        &mut self,
        before: &EdgeView,
        after: &EdgeView,
        shards: &[Shard],
        now: Moment,
    ) {
        let is_more = before.reopening == after.reopening && after.level > before.level;
        let is_steeper = u128::from(after.level) * Tuning::default().max_blocked.as_micros()
            > u128::from(after.slices()) * duration(now).as_micros();
        self.seen.advanced_while_bad +=
            u32::from(is_more && is_steeper && most_are(Verdict::Bad, after.reopening, shards));
        self.seen.advanced_while_hard +=
            u32::from(is_more && most_are(Verdict::Hard, after.reopening, shards));
    }

    pub(super) fn publishes(&mut self, before: &EdgeView, after: &EdgeView) {
        let fell = before.reopening == after.reopening && after.level < before.level;
        self.seen.level_fell += u32::from(fell);
    }

    pub(super) fn behind(&mut self, edges: &[Edge], now: Moment) {
        let levels = || {
            let alive = edges.iter().filter(|edge| edge.alive);
            alive.map(|edge| (edge.view.reopening, edge.view.level))
        };
        let (Some(lowest), Some(highest)) = (levels().min(), levels().max()) else {
            return;
        };
        // what an edge opened that died before anybody heard of it was never open
        while self.risen.back().is_some_and(|(_, level)| *level > highest) {
            self.risen.pop_back();
        }
        if self.risen.back().is_none_or(|(_, level)| *level < highest) {
            self.risen.push_back((now, highest));
        }
        while self
            .risen
            .front()
            .is_some_and(|(_, level)| *level <= lowest)
        {
            self.risen.pop_front();
        }
        let since = self.risen.front().map_or(now, |(since, _)| *since);
        self.seen.longest_behind = self.seen.longest_behind.max(duration(now - since));
    }
}

/// Of the shards that are at this reopening, as the edges heard it last.
fn most_are(verdict: Verdict, reopening: ReopeningNumber, shards: &[Shard]) -> bool {
    let (mut heard, mut over) = (0, 0);
    for shard in shards
        .iter()
        .filter(|shard| shard.alive && shard.reported.0 == reopening)
    {
        heard += 1;
        over += u32::from(shard.reported.1 >= verdict);
    }
    heard > 0 && over * 2 >= heard
}
