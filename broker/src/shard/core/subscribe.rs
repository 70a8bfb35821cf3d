//! SUBSCRIBE and UNSUBSCRIBE: filters of this worker's sessions, and their routes at the owners of their topics.

use std::collections::BTreeMap;
use std::time::Duration;

use super::peer::{Body, RouteRequest};
use super::replay::Wanted;
use super::sessions::SessionKey;
use super::{Outbox, WorkerCore, WorkerIndex};
use crate::codec::{Packet, PacketId, Protocol, ReasonCode, RetainHandling, SubAck, UnsubAck};
use crate::routing::retained::Cursor;
use crate::routing::subscribers::{SessionIndex, SubscriptionOptions};
use crate::routing::{ClientFilter, FilterId, Group, TopicFilter};
use crate::session::Wish;

/// A SUBSCRIBE whose SUBACK waits for other workers.
#[derive(Debug)]
pub(super) struct Subscribing {
    key: SessionKey,
    /// The SUBSCRIBE's; another of the session gets no SUBACK for it.
    connection: Option<u32>,
    packet_id: PacketId,
    codes: Vec<ReasonCode>,
    /// Owners that have not answered.
    awaited: usize,
    /// What the client is told behind its SUBACK.
    kept: Vec<Wanted>,
    pub(super) since: Duration,
}

impl WorkerCore {
    /// Filters count from here on; the SUBACK goes out when all owners of matching topics know the route.
    pub(super) fn subscribe(
        &mut self,
        now: Duration,
        key: SessionKey,
        packet_id: PacketId,
        wishes: Vec<Result<Wish, ReasonCode>>,
        since: Duration,
        out: &mut Outbox,
    ) {
        self.note_subscribe(now, key);
        let mut codes = Vec::with_capacity(wishes.len());
        let mut kept = Vec::new();
        let mut remote: BTreeMap<WorkerIndex, Vec<RouteRequest>> = BTreeMap::new();
        for wish in wishes {
            let wish = match wish {
                Ok(wish) => wish,
                Err(code) => {
                    codes.push(code);
                    continue;
                }
            };
            if let Err(code) = self.make_room(key, &wish.filter) {
                codes.push(code);
                continue;
            }
            codes.push(ReasonCode(wish.options.qos as u8));
            match wish.filter {
                ClientFilter::Own(filter) => {
                    let retained =
                        self.add_filter(key, &filter, wish.options, wish.retain_handling);
                    for owner in self.owners(&filter) {
                        if owner != self.index {
                            let filter = filter.clone();
                            let request = RouteRequest::Filter { filter, retained };
                            remote.entry(owner).or_default().push(request);
                        } else if retained && self.retained.may_match(&filter) {
                            kept.push(Wanted {
                                filter: filter.clone(),
                                owner,
                                cursor: self.retained.cursor(),
                            });
                        }
                    }
                }
                // what is retained is not for groups (section 4.8.2)
                ClientFilter::Shared(group) => {
                    let count = self.join(key, &group, wish.options);
                    for owner in self.owners(group.filter()) {
                        if owner == self.index {
                            self.group_routes.set(owner, &count);
                        } else {
                            let request = RouteRequest::Group(count.clone());
                            remote.entry(owner).or_default().push(request);
                        }
                    }
                }
            }
        }
        let pending = Subscribing {
            key,
            connection: self.sessions.at(key.index).map(|seat| seat.connection),
            packet_id,
            codes,
            awaited: remote.len(),
            kept,
            since,
        };
        self.begin_subscribe(now, pending, remote, out);
    }

    fn begin_subscribe(
        &mut self,
        now: Duration,
        pending: Subscribing,
        remote: BTreeMap<WorkerIndex, Vec<RouteRequest>>,
        out: &mut Outbox,
    ) {
        if remote.is_empty() {
            self.suback(now, pending, out);
            return;
        }
        let token = self.next_subscribe;
        self.next_subscribe += 1;
        self.subscribing.insert(token, pending);
        for (owner, requests) in remote {
            out.to_peers
                .push((owner, Body::Subscribe { token, requests }.into()));
        }
    }

    fn note_subscribe(&mut self, now: Duration, key: SessionKey) {
        if let Some(settling) = self
            .sessions
            .get_mut(key)
            .and_then(|seat| seat.settling.as_mut())
        {
            settling.subscribe(&mut self.settle.gaps, now);
        }
    }

    /// `Err`: the client has as many subscriptions as it may, and not this one among them.
    fn make_room(&mut self, key: SessionKey, filter: &ClientFilter) -> Result<(), ReasonCode> {
        let Some(seat) = self.sessions.get_mut(key) else {
            return Ok(());
        };
        let is_there = || match filter {
            ClientFilter::Own(filter) => self.local.get(filter, key.index).is_some(),
            ClientFilter::Shared(group) => seat.session.is_member(group),
        };
        if seat.session.has_room() || is_there() {
            return Ok(());
        }
        self.stats.limits.subscriptions += 1;
        Err(seat.session.failure(ReasonCode::QUOTA_EXCEEDED))
    }

    /// `true`: the client wants what is retained (MQTT 5 section 3.8.3.1).
    fn add_filter(
        &mut self,
        key: SessionKey,
        filter: &TopicFilter,
        options: SubscriptionOptions,
        retain_handling: RetainHandling,
    ) -> bool {
        let Some(seat) = self.sessions.get_mut(key) else {
            return false;
        };
        let (id, is_new) = self.local.insert(filter, key.index, options);
        if is_new {
            seat.session.add_filter(id);
            self.stats.subscriptions += 1;
        }
        match retain_handling {
            RetainHandling::AtSubscribe => true,
            RetainHandling::AtNewSubscribe => is_new,
            RetainHandling::Never => false,
        }
    }

    /// Workers that own topics which match.
    pub(super) fn owners(&self, filter: &TopicFilter) -> impl Iterator<Item = WorkerIndex> + use<> {
        let one = filter
            .key(self.settings.topic_key_level)
            .map(|key| self.owner_of(key).0);
        let all = 0..self.settings.workers.max(1);
        one.map_or(all, |owner| owner..owner + 1).map(WorkerIndex)
    }

    /// And what is kept, behind it.
    fn suback(&mut self, now: Duration, pending: Subscribing, out: &mut Outbox) {
        self.window
            .suback
            .times
            .record(now.saturating_sub(pending.since));
        if let Some(seat) = self.sessions.get_mut(pending.key)
            && seat.stream().is_some()
            && Some(seat.connection) == pending.connection
        {
            seat.session.reply(&Packet::SubAck(SubAck::new(
                pending.packet_id,
                pending.codes,
            )));
            self.touch(pending.key.index);
            self.replay(pending.key, pending.kept, out);
        }
    }

    /// Another worker has subscribers for topics of this one.
    pub(super) fn subscribe_for(
        &mut self,
        from: WorkerIndex,
        token: u64,
        requests: Vec<RouteRequest>,
        out: &mut Outbox,
    ) {
        let mut kept = Vec::new();
        for request in requests {
            let (filter, retained) = match request {
                RouteRequest::Filter { filter, retained } => (filter, retained),
                RouteRequest::Group(count) => {
                    self.group_routes.set(from, &count);
                    continue;
                }
            };
            self.routes
                .update(&filter, |workers| add(workers, from), Vec::is_empty);
            if retained && self.retained.may_match(&filter) {
                kept.push(filter);
            }
        }
        let cursor = self.retained.cursor();
        let subscribed = Body::Subscribed {
            token,
            kept,
            cursor,
        };
        out.to_peers.push((from, subscribed.into()));
    }

    pub(super) fn subscribed(
        &mut self,
        now: Duration,
        owner: WorkerIndex,
        token: u64,
        kept: Vec<TopicFilter>,
        cursor: &Cursor,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.subscribing.get_mut(&token) else {
            return;
        };
        pending.kept.extend(kept.into_iter().map(|filter| Wanted {
            filter,
            owner,
            cursor: cursor.clone(),
        }));
        pending.awaited = pending.awaited.saturating_sub(1);
        if pending.awaited == 0
            && let Some(pending) = self.subscribing.remove(&token)
        {
            self.suback(now, pending, out);
        }
    }

    pub(super) fn unsubscribe(
        &mut self,
        key: SessionKey,
        packet_id: PacketId,
        filters: Vec<Result<ClientFilter, ReasonCode>>,
        out: &mut Outbox,
    ) {
        let (mut unrouted, mut parted) = (Unrouted::new(), Vec::new());
        let mut codes = Vec::with_capacity(filters.len());
        for filter in filters {
            codes.push(match filter {
                Ok(ClientFilter::Own(filter)) if self.remove(key, &filter, &mut unrouted) => {
                    ReasonCode::SUCCESS
                }
                Ok(ClientFilter::Shared(group)) if self.leave_group(key, &group) => {
                    parted.push(group);
                    ReasonCode::SUCCESS
                }
                Ok(_) => ReasonCode::NO_SUBSCRIPTION_EXISTED,
                Err(code) => code,
            });
        }
        tell_unrouted(unrouted, out);
        self.part(key.index, &parted, out);
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        if seat.session.protocol() == Protocol::V311 {
            codes.clear();
        }
        seat.session
            .reply(&Packet::UnsubAck(UnsubAck::new(packet_id, codes)));
        self.touch(key.index);
    }

    fn leave_group(&mut self, key: SessionKey, group: &Group) -> bool {
        let seat = self.sessions.get_mut(key);
        seat.is_some_and(|seat| seat.session.part(group))
    }

    /// `true`: the session had the filter.
    fn remove(&mut self, key: SessionKey, filter: &TopicFilter, unrouted: &mut Unrouted) -> bool {
        let known = self.local.get(filter, key.index);
        let (Some(seat), Some((id, _))) = (self.sessions.get_mut(key), known) else {
            return false;
        };
        seat.session.remove_filter(id);
        self.forget_filter(key.index, id, unrouted);
        true
    }

    /// Of a session that has ended.
    pub(super) fn forget_filters(
        &mut self,
        session: SessionIndex,
        filters: Vec<FilterId>,
        out: &mut Outbox,
    ) {
        let mut unrouted = Unrouted::new();
        for filter in filters {
            self.forget_filter(session, filter, &mut unrouted);
        }
        tell_unrouted(unrouted, out);
    }

    fn forget_filter(&mut self, session: SessionIndex, id: FilterId, unrouted: &mut Unrouted) {
        self.stats.subscriptions -= 1;
        let is_last = self.local.subscribers(id) == 1;
        if is_last
            && self.settings.workers > 1
            && let Some(filter) = self.local.filter(id)
        {
            for owner in self.owners(&filter).filter(|owner| *owner != self.index) {
                unrouted.entry(owner).or_default().push(filter.clone());
            }
        }
        self.local.remove(id, session);
    }

    pub(super) fn unsubscribe_for(&mut self, from: WorkerIndex, filters: &[TopicFilter]) {
        for filter in filters {
            self.routes.update(
                filter,
                |workers| workers.retain(|worker| *worker != from),
                Vec::is_empty,
            );
        }
    }
}

/// By owner, filters that nobody here has any more.
type Unrouted = BTreeMap<WorkerIndex, Vec<TopicFilter>>;

fn tell_unrouted(unrouted: Unrouted, out: &mut Outbox) {
    for (owner, filters) in unrouted {
        out.to_peers
            .push((owner, Body::Unsubscribe { filters }.into()));
    }
}

fn add(workers: &mut Vec<WorkerIndex>, worker: WorkerIndex) {
    if !workers.contains(&worker) {
        workers.push(worker);
    }
}
