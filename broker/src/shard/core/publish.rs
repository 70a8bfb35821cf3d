//! A message's way: the publisher's worker, the topic's owner, every worker with subscribers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::peer::Body;
use super::sessions::SessionKey;
use super::{Outbox, WorkerCore, WorkerIndex};
use crate::codec::{Protocol, ReasonCode};
use crate::routing::partition::partition_of;
use crate::routing::retained::Kept;
use crate::routing::subscribers::{SessionIndex, SubscriptionOptions};
use crate::routing::{Message, TopicName};
use crate::session::{FrameCache, PendingAck, Shape};

/// Whose PUBACK or PUBREC waits for a message.
pub(super) type Publisher = (SessionKey, PendingAck);

/// The worker to tell that a message is queued, and its token for it.
pub(super) type Ack = (WorkerIndex, u64);

/// QoS 1 and 2 messages of this worker's clients that are on their way to other workers.
#[derive(Debug, Default)]
pub(super) struct Publishing {
    next: u64,
    pending: HashMap<u64, Pending>,
}

#[derive(Debug)]
struct Pending {
    publisher: Publisher,
    /// The owner has said how many workers get it.
    routed: bool,
    /// Workers that have queued it before the owner's word came count below zero.
    awaited: i32,
    outcome: Outcome,
}

/// What a message came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Somebody got it.
    pub(super) matched: bool,
    /// It was to be retained, and there was no room.
    pub(super) unkept: bool,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.matched |= other.matched;
        self.unkept |= other.unkept;
    }

    /// MQTT 5 sections 3.4.2.1 and 3.5.2.1. 3.1.1 has one answer for all.
    ///
    /// PUBREC does not tell that a message is not kept: it was delivered, and an error would free its id, so that the
    /// client's next try would be delivered again.
    fn code(self, protocol: Protocol, ack: PendingAck) -> ReasonCode {
        match (protocol, self, ack) {
            (Protocol::V5, Self { unkept: true, .. }, PendingAck::PubAck(_)) => {
                ReasonCode::QUOTA_EXCEEDED
            }
            (Protocol::V5, Self { matched: false, .. }, _) => ReasonCode::NO_MATCHING_SUBSCRIBERS,
            _ => ReasonCode::SUCCESS,
        }
    }
}

impl Publishing {
    fn begin(&mut self, publisher: Publisher) -> u64 {
        let token = self.next;
        self.next += 1;
        self.pending.insert(
            token,
            Pending {
                publisher,
                routed: false,
                awaited: 0,
                outcome: Outcome::default(),
            },
        );
        token
    }

    /// The publisher and what came of the message, once all have answered.
    fn answer(
        &mut self,
        token: u64,
        change: impl FnOnce(&mut Pending),
    ) -> Option<(Publisher, Outcome)> {
        let pending = self.pending.get_mut(&token)?;
        change(pending);
        if !pending.routed || pending.awaited != 0 {
            return None;
        }
        self.pending
            .remove(&token)
            .map(|pending| (pending.publisher, pending.outcome))
    }
}

impl WorkerCore {
    /// A client of this worker published, or its will did.
    pub(super) fn publish(
        &mut self,
        now: Duration,
        message: Message,
        publisher: Option<Publisher>,
        out: &mut Outbox,
    ) {
        let message = Arc::new(message);
        let owner = self.owner_of(message.topic.key(self.settings.topic_key_level));
        if owner != self.index {
            let token = publisher.map(|publisher| self.publishing.begin(publisher));
            out.to_peers
                .push((owner, Body::Publish { message, token }.into()));
            return;
        }
        let targets = self.targets(&message.topic);
        // a group may have its members elsewhere
        let stays = targets.is_empty() && self.group_routes.is_empty();
        let token = publisher
            .filter(|_| !stays)
            .map(|publisher| self.publishing.begin(publisher));
        let (targets, outcome) = self.spread(
            now,
            &message,
            &targets,
            token.map(|token| (self.index, token)),
            out,
        );
        match (token, publisher) {
            (Some(token), _) => self.routed(token, targets, outcome),
            (None, Some(publisher)) => self.acknowledge(publisher, outcome),
            (None, None) => {}
        }
    }

    /// A client of another worker published to a topic of this one.
    pub(super) fn publish_for(
        &mut self,
        now: Duration,
        from: WorkerIndex,
        message: &Arc<Message>,
        token: Option<u64>,
        out: &mut Outbox,
    ) {
        let targets = self.targets(&message.topic);
        let (targets, outcome) = self.spread(
            now,
            message,
            &targets,
            token.map(|token| (from, token)),
            out,
        );
        if let Some(token) = token {
            out.to_peers.push((
                from,
                Body::Routed {
                    token,
                    targets,
                    outcome,
                }
                .into(),
            ));
        }
    }

    /// As the topic's owner. Returns how many workers answer for themselves, and what it came to at this one.
    fn spread(
        &mut self,
        now: Duration,
        message: &Arc<Message>,
        targets: &[WorkerIndex],
        ack: Option<Ack>,
        out: &mut Outbox,
    ) -> (usize, Outcome) {
        let unkept = message.retain && self.retained.set(message, now) == Kept::Full;
        self.stats.dropped.retained_full += u64::from(unkept);
        for target in targets {
            out.to_peers.push((
                *target,
                Body::Deliver {
                    message: Arc::clone(message),
                    ack,
                }
                .into(),
            ));
        }
        let (asked, shared) = self.spread_to_groups(now, message, ack, out);
        let matched = self.deliver(now, message) || shared;
        (targets.len() + asked, Outcome { matched, unkept })
    }

    /// Tells the publisher's worker what came of the message here.
    pub(super) fn answer(&mut self, ack: Option<Ack>, matched: bool, out: &mut Outbox) {
        match ack {
            Some((worker, token)) if worker == self.index => self.queued(token, matched),
            Some((worker, token)) => out
                .to_peers
                .push((worker, Body::Queued { token, matched }.into())),
            None => {}
        }
    }

    /// Other workers with subscribers.
    fn targets(&self, topic: &TopicName) -> Vec<WorkerIndex> {
        let mut targets = Vec::new();
        if self.settings.workers > 1 {
            self.routes
                .matching(topic, |workers| targets.extend_from_slice(workers));
            targets.sort_unstable();
            targets.dedup();
        }
        targets
    }

    pub(super) fn owner_of(&self, key: &str) -> WorkerIndex {
        WorkerIndex(self.settings.layout().worker_of(partition_of(key)))
    }

    /// To the sessions of this worker: one copy each, at the highest QoS that its matching filters were granted
    /// [MQTT-3.3.5-1].
    pub(super) fn deliver(&mut self, now: Duration, message: &Arc<Message>) -> bool {
        let mut matches = std::mem::take(&mut self.matches);
        self.find(message, &mut matches);
        let mut frames = FrameCache::default();
        for of_one in matches.chunk_by(|a, b| a.0 == b.0) {
            let shape = shape(message, of_one.iter().map(|(_, options)| *options));
            self.deliver_to(now, message, of_one[0].0, shape, &mut frames);
        }
        let anybody = !matches.is_empty();
        matches.clear();
        self.matches = matches;
        anybody
    }

    /// What a session has several times stands together.
    fn find(&self, message: &Message, matches: &mut Vec<(SessionIndex, SubscriptionOptions)>) {
        let mut no_local = false;
        let filters = self.local.matching(&message.topic, |session, options| {
            no_local |= options.no_local;
            matches.push((session, options));
        });
        if no_local {
            matches.retain(|(index, options)| {
                !options.no_local || !self.is_client(*index, &message.publisher)
            });
        }
        if filters > 1 {
            matches.sort_unstable_by_key(|(index, _)| *index);
        }
    }

    fn is_client(&self, index: SessionIndex, client_id: &str) -> bool {
        self.sessions
            .at(index)
            .is_some_and(|seat| &**seat.session.client_id() == client_id)
    }

    pub(super) fn deliver_to(
        &mut self,
        now: Duration,
        message: &Arc<Message>,
        index: SessionIndex,
        shape: Shape,
        frames: &mut FrameCache,
    ) {
        let room = self.room();
        let Some(seat) = self.sessions.at_mut(index) else {
            return;
        };
        let before = seat.session.outbound.waiting();
        let limits = seat.session.limits().queue(before, room);
        let outbound = &mut seat.session.outbound;
        let delivered = outbound.deliver(message, shape, &limits, frames, now);
        // one more, or fewer if others made room
        self.stats.waits(before, outbound.waiting());
        self.count(delivered);
        self.touch(index);
    }

    pub(super) fn routed(&mut self, token: u64, targets: usize, outcome: Outcome) {
        let answer = self.publishing.answer(token, |pending| {
            pending.routed = true;
            pending.outcome.add(outcome);
            pending.awaited += i32::try_from(targets).unwrap_or(i32::MAX);
        });
        if let Some((publisher, outcome)) = answer {
            self.acknowledge(publisher, outcome);
        }
    }

    pub(super) fn queued(&mut self, token: u64, matched: bool) {
        let answer = self.publishing.answer(token, |pending| {
            pending.outcome.matched |= matched;
            pending.awaited -= 1;
        });
        if let Some((publisher, outcome)) = answer {
            self.acknowledge(publisher, outcome);
        }
    }

    fn acknowledge(&mut self, (key, ack): Publisher, outcome: Outcome) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        let code = outcome.code(seat.session.protocol(), ack);
        seat.session.acknowledge(ack, code);
        self.touch(key.index);
    }
}

/// Of the one copy for a session whose subscriptions these are: the highest QoS that one was granted, the retain flag if
/// one wants it, and the identifiers of all [MQTT-3.3.4-3].
pub(super) fn shape(
    message: &Message,
    matching: impl Iterator<Item = SubscriptionOptions> + Clone,
) -> Shape {
    let granted = matching.clone().map(|options| options.qos).max();
    Shape {
        qos: message.qos.min(granted.unwrap_or_default()),
        retain: message.retain && matching.clone().any(|options| options.retain_as_published),
        ids: matching.filter_map(|options| options.id).collect(),
        group: None,
    }
}
