//! Somebody who looks on: what must never happen, counted apart from the law that must not do it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::client::{Client, Try};
use super::edge::Edge;
use super::moment::{Moment, duration};
use super::scenario::Law;
use super::shard::Shard;
use crate::edge::EdgeView;
use crate::last_class::{Came, Comer};
use crate::report::{ReopeningNumber, Verdict};
use crate::tuning::Tuning;

/// A tenth of a second.
const TENTH: Moment = 100_000_000;
/// So often, and a client is in the last class, which has a tenth of the places.
const TO_NOTHING: u32 = 2;
const SHARE_PARTS: u32 = 10;
/// An edge goes by it half a second later.
const NEWS_WITHIN: Moment = 500_000_000;
/// Who came to nothing no more for so long is one of the others again.
const FORGOTTEN_AFTER: Moment = 300_000_000_000;
/// A part of fewer is chance.
const ENOUGH_WAITING: u32 = 100;

/// How often a comer came to nothing since it settled.
#[derive(Clone, Copy, Debug, Default)]
struct ToNothing {
    times: u32,
    /// When it was in the last class.
    since: Moment,
    latest: Moment,
}

impl ToNothing {
    fn forgotten(self, now: Moment) -> bool {
        now >= self.latest + FORGOTTEN_AFTER
    }

    fn is_last(self, asked: Moment) -> bool {
        self.times >= TO_NOTHING && self.since + NEWS_WITHIN <= asked && !self.forgotten(asked)
    }
}

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
    /// Times that the clients which had come to nothing twice had more than a tenth of the places, while slices were closed.
    pub last_class_above_share: u32,
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
    /// Of an edge and whoever comes there.
    to_nothing: HashMap<(u16, Comer), ToNothing>,
    /// Those that were let in after that.
    last: Vec<Try>,
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

    pub(super) fn came(&mut self, edge: u16, came: Came, now: Moment) {
        let comer = match came {
            Came::Settled(comer) => {
                self.to_nothing.remove(&(edge, comer));
                return;
            }
            Came::ToNothing(comer) => comer,
        };
        let known = self.to_nothing.entry((edge, comer)).or_default();
        if known.forgotten(now) {
            *known = ToNothing::default();
        }
        known.times += 1;
        known.latest = now;
        if known.times == TO_NOTHING {
            known.since = now;
        }
    }

    /// An edge has started anew and knows nobody.
    pub(super) fn forgets(&mut self, edge: u16) {
        self.to_nothing.retain(|(of, _), _| *of != edge);
    }

    /// A client is about to take its place.
    pub(super) fn shares(
        &mut self,
        edges: &[Edge],
        clients: &[Client],
        attempt: Try,
        comer: Comer,
    ) {
        let client = &clients[attempt.client as usize];
        let edge = &edges[usize::from(client.edge)];
        // the edge asked when it came, or when it had said CONNECT
        let asked = client.entered;
        let known = self.to_nothing.get(&(client.edge, comer));
        if !known.is_some_and(|known| known.is_last(asked)) {
            return;
        }
        self.last.retain(|other| {
            let other_client = &clients[other.client as usize];
            other_client.served == other.number && other_client.place.is_some()
        });
        self.last.push(attempt);
        let of_edge = |other: &&Try| clients[other.client as usize].edge == client.edge;
        let having = self.last.iter().filter(of_edge).count();
        let share = (edge.limit() / SHARE_PARTS).max(1);
        let is_above = having > usize::try_from(share).unwrap_or(usize::MAX);
        let is_ramp = edge.view.level < edge.view.slices();
        self.seen.last_class_above_share += u32::from(is_ramp && is_above);
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
