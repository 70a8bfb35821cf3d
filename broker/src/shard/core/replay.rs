//! Retained messages on their way to who has just subscribed: in pages, when the client has taken the last one.
//!
//! A SUBSCRIBE is cheap to send and may match everything that is kept. So the owner looks at a bounded number of
//! messages a turn, a client has one replay at a time, and the next page waits until the client has taken most of what
//! waits for it. The pages and the live messages of an owner share one ordered way, so that no old copy overtakes a newer
//! message; and the first page is made as soon as it is wanted, as long as the turn allows, so that what is published behind
//! the SUBACK comes behind it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::peer::Body;
use super::sessions::SessionKey;
use super::{Outbox, WorkerCore, WorkerIndex};
use crate::routing::retained::{Cursor, PAGE};
use crate::routing::{Message, TopicFilter};
use crate::session::{Delivered, Shape};

/// Kept messages that a worker looks at in one turn; some tens of nanoseconds each. Others wait no longer than that.
const LOOKS_PER_TURN: usize = 2_000;
/// A client that has fewer copies than this waiting gets the next page: it is never idle for want of one.
const NEXT_PAGE_BELOW: usize = PAGE / 2;
/// A client with more replays before it is not read: its SUBSCRIBEs come faster than they can be answered.
const MOST_WAITING: usize = 1_024;

/// One replay of one owner: the subscriber's worker, and its number there.
pub(super) type ReplayId = (WorkerIndex, u64);

/// The owner's side.
#[derive(Debug, Default)]
pub(super) struct Serving {
    replays: HashMap<ReplayId, Replay>,
    /// Those whose next page is wanted.
    running: VecDeque<ReplayId>,
    /// Of this turn's looks.
    used: usize,
}

#[derive(Debug)]
struct Replay {
    filter: TopicFilter,
    cursor: Cursor,
}

impl Serving {
    pub(super) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn begin(&mut self, id: ReplayId, filter: TopicFilter, cursor: Cursor) {
        self.replays.insert(id, Replay { filter, cursor });
        self.running.push_back(id);
    }

    /// The next page is wanted.
    pub(super) fn go_on(&mut self, id: ReplayId) {
        self.running.push_back(id);
    }

    pub(super) fn end(&mut self, id: ReplayId) {
        self.replays.remove(&id);
    }

    pub(super) fn len(&self) -> usize {
        self.replays.len()
    }
}

/// The subscriber's side: whose replay has which number.
#[derive(Debug, Default)]
pub(super) struct Replaying {
    next: u64,
    sessions: HashMap<u64, SessionKey>,
}

#[cfg(test)]
impl Replaying {
    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }
}

/// One filter at one owner.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) filter: TopicFilter,
    pub(super) owner: WorkerIndex,
    pub(super) cursor: Cursor,
}

/// Of one session. There is none while nothing is replayed.
#[derive(Debug, Default)]
pub(super) struct SessionReplays {
    active: Option<Active>,
    waiting: VecDeque<Wanted>,
    /// What is in `waiting`: who subscribes again before the replay has begun gets one.
    known: HashSet<(TopicFilter, WorkerIndex)>,
}

#[derive(Debug)]
struct Active {
    number: u64,
    owner: WorkerIndex,
    filter: TopicFilter,
    /// The owner waits to be told to go on.
    paused: bool,
}

impl SessionReplays {
    fn push(&mut self, wanted: Wanted) {
        if self.known.insert((wanted.filter.clone(), wanted.owner)) {
            self.waiting.push_back(wanted);
        }
    }

    fn pop(&mut self) -> Option<Wanted> {
        let wanted = self.waiting.pop_front()?;
        self.known.remove(&(wanted.filter.clone(), wanted.owner));
        Some(wanted)
    }

    /// The client's next packets may wait.
    pub(super) fn are_many(&self) -> bool {
        self.waiting.len() > MOST_WAITING
    }
}

impl WorkerCore {
    /// The session wants what is kept for these.
    pub(super) fn replay(&mut self, key: SessionKey, wanted: Vec<Wanted>, out: &mut Outbox) {
        if wanted.is_empty() {
            return;
        }
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        let replays = seat.replays.get_or_insert_default();
        for wanted in wanted {
            replays.push(wanted);
        }
        self.go_on_replaying(key, out);
    }

    /// Asks for the next page, or begins the next replay, if the client has taken enough.
    pub(super) fn go_on_replaying(&mut self, key: SessionKey, out: &mut Outbox) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        if seat.session.outbound.backlog() >= NEXT_PAGE_BELOW {
            return;
        }
        let Some(replays) = &mut seat.replays else {
            return;
        };
        if let Some(active) = &mut replays.active {
            if std::mem::take(&mut active.paused) {
                let (owner, number) = (active.owner, active.number);
                self.tell_owner(owner, Body::More { number }, out);
            }
            return;
        }
        while let Some(Wanted {
            filter,
            owner,
            cursor,
        }) = replays.pop()
        {
            // unsubscribed in the meantime
            if self.local.get(&filter, key.index).is_none() {
                continue;
            }
            let number = self.replaying.next;
            self.replaying.next += 1;
            self.replaying.sessions.insert(number, key);
            replays.active = Some(Active {
                number,
                owner,
                filter: filter.clone(),
                paused: false,
            });
            let begin = Body::Replay {
                number,
                filter,
                cursor,
            };
            self.tell_owner(owner, begin, out);
            return;
        }
        seat.replays = None;
    }

    fn tell_owner(&mut self, owner: WorkerIndex, body: Body, out: &mut Outbox) {
        if owner == self.index {
            self.serve(owner, body);
        } else {
            out.to_peers.push((owner, body.into()));
        }
    }

    /// What a subscriber's worker tells an owner.
    pub(super) fn serve(&mut self, from: WorkerIndex, body: Body) {
        match body {
            Body::Replay {
                number,
                filter,
                cursor,
            } => self.serving.begin((from, number), filter, cursor),
            Body::More { number } => self.serving.go_on((from, number)),
            Body::Enough { number } => self.serving.end((from, number)),
            _ => {}
        }
    }

    /// What is left of the turn's pages; the next turn begins.
    pub(super) fn end_turn_of_replays(&mut self, now: Duration, out: &mut Outbox) {
        self.serve_replays(now, out);
        self.serving.used = 0;
    }

    /// Pages that are wanted, as many as the turn may still take.
    pub(super) fn serve_replays(&mut self, now: Duration, out: &mut Outbox) {
        while self.serving.used < LOOKS_PER_TURN {
            let Some(id) = self.serving.running.pop_front() else {
                return;
            };
            let Some(Replay { filter, cursor }) = self.serving.replays.get_mut(&id) else {
                continue;
            };
            let mut looks = LOOKS_PER_TURN - self.serving.used;
            let page = self.retained.page(filter, cursor, &mut looks, now);
            self.serving.used = LOOKS_PER_TURN - looks;
            if page.done {
                self.serving.end(id);
            } else if page.messages.is_empty() {
                self.serving.go_on(id);
                continue;
            }
            let (subscriber, number) = id;
            if subscriber == self.index {
                self.replayed(now, number, &page.messages, page.done, out);
            } else {
                let page = Body::Retained {
                    number,
                    messages: page.messages,
                    done: page.done,
                };
                out.to_peers.push((subscriber, page.into()));
            }
        }
    }

    /// A page for a session of this worker.
    pub(super) fn replayed(
        &mut self,
        now: Duration,
        number: u64,
        messages: &[Arc<Message>],
        done: bool,
        out: &mut Outbox,
    ) {
        // ended in the meantime
        let Some(&key) = self.replaying.sessions.get(&number) else {
            return;
        };
        let wanted = self.deliver_page(now, key, messages);
        if done || !wanted {
            self.end_active(key, !done, out);
        } else if let Some(active) = self.active(key) {
            active.paused = true;
        }
        // The rest follows when the client has taken some of it: see `flush`.
        self.touch(key.index);
    }

    fn active(&mut self, key: SessionKey) -> Option<&mut Active> {
        let replays = self.sessions.get_mut(key)?.replays.as_mut()?;
        replays.active.as_mut()
    }

    fn end_active(&mut self, key: SessionKey, tell: bool, out: &mut Outbox) {
        let seat = self.sessions.get_mut(key);
        let replays = seat.and_then(|seat| seat.replays.as_mut());
        if let Some(active) = replays.and_then(|replays| replays.active.take()) {
            self.forget_replay(&active, tell, out);
        }
    }

    fn forget_replay(&mut self, active: &Active, tell: bool, out: &mut Outbox) {
        let number = active.number;
        self.replaying.sessions.remove(&number);
        if tell {
            self.tell_owner(active.owner, Body::Enough { number }, out);
        }
    }

    /// Of a session that has ended.
    pub(super) fn end_replays(&mut self, replays: Option<Box<SessionReplays>>, out: &mut Outbox) {
        if let Some(active) = replays.and_then(|replays| replays.active) {
            self.forget_replay(&active, true, out);
        }
    }

    /// `false`: the client has unsubscribed.
    fn deliver_page(&mut self, now: Duration, key: SessionKey, messages: &[Arc<Message>]) -> bool {
        let Some(seat) = self.sessions.get_mut(key) else {
            return false;
        };
        let active = seat.replays.as_ref().and_then(|it| it.active.as_ref());
        let known = active.and_then(|active| self.local.get(&active.filter, key.index));
        let Some((_, options)) = known else {
            return false;
        };
        let outbound = &mut seat.session.outbound;
        let before = outbound.waiting();
        let mut delivered = Delivered::default();
        for message in messages {
            let shape = Shape {
                qos: message.qos.min(options.qos),
                retain: true,
                ids: options.id.into(),
                group: None,
            };
            delivered += outbound.deliver_retained(message, shape, now);
        }
        self.stats.waits(before, outbound.waiting());
        self.count(delivered);
        true
    }
}
