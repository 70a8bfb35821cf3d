//! Shared subscriptions: the topic's owner chooses a worker for each group, and that worker a member.

use std::sync::Arc;
use std::time::Duration;

use super::group_members::{Asked, Member};
use super::group_routes::{GroupCount, Members};
use super::peer::Body;
use super::publish::{Ack, shape};
use super::sessions::SessionKey;
use super::{Outbox, WorkerCore, WorkerIndex};
use crate::routing::subscribers::{SessionIndex, SubscriptionOptions};
use crate::routing::{Group, Message};
use crate::session::{FrameCache, Shape};

/// A message that one member of a group is to get.
#[derive(Clone, Debug)]
pub(super) struct ForGroup {
    pub(super) group: Arc<Group>,
    pub(super) message: Arc<Message>,
    /// Workers that could not take it. Nobody is asked twice, so that it comes to rest.
    pub(super) declined: Vec<WorkerIndex>,
    pub(super) ack: Option<Ack>,
}

/// What came of it at one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Taken,
    Declined,
}

impl WorkerCore {
    /// As the topic's owner: to one member of each group. Returns how many other workers were asked, and whether a
    /// session of this one got it.
    pub(super) fn spread_to_groups(
        &mut self,
        now: Duration,
        message: &Arc<Message>,
        ack: Option<Ack>,
        out: &mut Outbox,
    ) -> (usize, bool) {
        let (mut asked, mut matched) = (0, false);
        if self.group_routes.is_empty() {
            return (asked, matched);
        }
        let mut groups = Vec::new();
        self.group_routes.matching(&message.topic, &mut groups);
        for group in groups {
            let copy = ForGroup {
                group,
                message: Arc::clone(message),
                declined: Vec::new(),
                ack,
            };
            match self.route_to_group(now, copy, out) {
                Some(taken) => matched |= taken,
                None => asked += 1,
            }
        }
        (asked, matched)
    }

    /// As the topic's owner. `None`: another worker was asked, and answers; otherwise whether somebody here has it.
    fn route_to_group(
        &mut self,
        now: Duration,
        mut copy: ForGroup,
        out: &mut Outbox,
    ) -> Option<bool> {
        loop {
            let next = self.group_routes.choose(&copy.group, &copy.declined);
            let asked = if next.is_some() {
                Asked::Willing
            } else {
                Asked::Anybody
            };
            let Some(worker) = next.or_else(|| self.group_routes.choose(&copy.group, &[])) else {
                return Some(false);
            };
            if worker != self.index {
                out.to_peers
                    .push((worker, Body::ForGroup { copy, asked }.into()));
                return None;
            }
            match (self.offer(now, &copy, asked), asked) {
                (Offer::Taken, _) => return Some(true),
                (Offer::Declined, Asked::Anybody) => return Some(false),
                (Offer::Declined, Asked::Willing) => copy.declined.push(worker),
            }
        }
    }

    /// From the topic's owner.
    pub(super) fn for_group(
        &mut self,
        now: Duration,
        owner: WorkerIndex,
        mut copy: ForGroup,
        asked: Asked,
        out: &mut Outbox,
    ) {
        match (self.offer(now, &copy, asked), asked) {
            (Offer::Taken, _) => self.answer(copy.ack, true, out),
            (Offer::Declined, Asked::Anybody) => self.answer(copy.ack, false, out),
            (Offer::Declined, Asked::Willing) => {
                copy.declined.push(self.index);
                out.to_peers.push((owner, Body::Declined { copy }.into()));
            }
        }
    }

    /// To the topic's owner: a worker that was asked could not, or a member has gone with what it had not got.
    pub(super) fn declined(&mut self, now: Duration, copy: ForGroup, out: &mut Outbox) {
        let ack = copy.ack;
        if let Some(matched) = self.route_to_group(now, copy, out) {
            self.answer(ack, matched, out);
        }
    }

    /// To a member of this worker.
    fn offer(&mut self, now: Duration, copy: &ForGroup, asked: Asked) -> Offer {
        let sessions = &self.sessions;
        let room = self.room();
        let can_take = |(index, options): Member| {
            let qos = copy.message.qos.min(options.qos);
            sessions.at(index).is_some_and(|seat| {
                let outbound = &seat.session.outbound;
                let limits = seat.session.limits().queue(outbound.waiting(), room);
                outbound.has_room(&copy.message, qos, &limits)
            })
        };
        let member = self.group_members.choose(&copy.group, asked, can_take);
        let Some((index, options)) = member else {
            return Offer::Declined;
        };
        let shape = Shape {
            group: Some(Arc::clone(&copy.group)),
            ..shape(&copy.message, std::iter::once(options))
        };
        let mut frames = FrameCache::default();
        self.deliver_to(now, &copy.message, index, shape, &mut frames);
        Offer::Taken
    }

    /// The client joins, or changes its options. Returns what owners of the group's topics must know.
    pub(super) fn join(
        &mut self,
        key: SessionKey,
        group: &Arc<Group>,
        options: SubscriptionOptions,
    ) -> GroupCount {
        // in memory once for all members
        let group = &self.group_members.known(group);
        if let Some(seat) = self.sessions.get_mut(key) {
            let is_new = seat.session.join(Arc::clone(group));
            self.stats.subscriptions += u64::from(is_new);
            self.stats.shared_subscriptions += u64::from(is_new);
        }
        let members = self.group_members.insert(group, (key.index, options));
        GroupCount {
            group: Arc::clone(group),
            members,
        }
    }

    /// A session is no longer a member of these.
    pub(super) fn part(&mut self, session: SessionIndex, groups: &[Arc<Group>], out: &mut Outbox) {
        self.stats.subscriptions -= groups.len() as u64;
        self.stats.shared_subscriptions -= groups.len() as u64;
        for group in groups {
            let members = self.group_members.remove(group, session);
            self.tell_owners(group, members, out);
        }
    }

    /// The session has lost its client and is kept, or has one again.
    pub(super) fn members_attached(&mut self, key: SessionKey, attached: bool, out: &mut Outbox) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        for group in seat.session.memberships().to_vec() {
            let members = self.group_members.set_attached(&group, key.index, attached);
            self.tell_owners(&group, members, out);
        }
    }

    fn tell_owners(&mut self, group: &Arc<Group>, members: Members, out: &mut Outbox) {
        let count = GroupCount {
            group: Arc::clone(group),
            members,
        };
        for owner in self.owners(group.filter()) {
            if owner == self.index {
                self.group_routes.set(self.index, &count);
            } else {
                let count = count.clone();
                out.to_peers.push((owner, Body::Members(count).into()));
            }
        }
    }

    /// What a session that has ended was to get for its groups, and cannot have got: others get it.
    pub(super) fn pass_on(
        &mut self,
        now: Duration,
        copies: Vec<(Arc<Group>, Arc<Message>)>,
        out: &mut Outbox,
    ) {
        for (group, message) in copies {
            if message.is_expired(now) {
                continue;
            }
            let owner = self.owner_of(message.topic.key(self.settings.topic_key_level));
            let copy = ForGroup {
                group,
                message,
                declined: Vec::new(),
                // its publisher was told when it was queued
                ack: None,
            };
            if owner == self.index {
                self.declined(now, copy, out);
            } else {
                out.to_peers.push((owner, Body::Declined { copy }.into()));
            }
        }
    }
}
