//! One attached client: what it may send, what it gets, and when. No IO, no routing: packets in, requests out.

mod acks;
mod buffer;
mod connect;
mod explain;
mod flow;
mod frames;
mod inbound;
mod limits;
mod memberships;
mod outbound;
mod queue;
mod shape;

use std::collections::HashMap;
use std::sync::Arc;

pub use acks::AckNumber;
pub use connect::{Opened, open, refusal_not_yours, refusal_shutting_down, refusal_too_many};
pub use frames::FrameCache;
pub use inbound::{Received, Refusal, Wish};
pub use limits::{LimitsMet, SessionLimits, TopicLimits};
pub use outbound::{Delivered, Outbound};
pub use shape::{Shape, SubscriptionIds};

use crate::codec::{Packet, Protocol, ReasonCode, Will};
use crate::routing::subscribers::SubscriptionOptions;
use crate::routing::{ClientFilter, Group, TopicFilter};
use acks::Acks;
use flow::Inflow;
use memberships::Memberships;

/// An id is of whoever proved a name and came first; who proved none keeps nobody out.
pub fn gives_way(holder: Option<&str>, newcomer: Option<&str>) -> bool {
    holder.is_none() || holder == newcomer
}

#[derive(Debug)]
pub struct Session {
    client_id: Arc<str>,
    /// `None`: anonymous.
    principal: Option<Arc<str>>,
    protocol: Protocol,
    /// Boxed: most clients have none.
    will: Option<Box<Will>>,
    subscriptions: HashMap<TopicFilter, SubscriptionOptions>,
    memberships: Memberships,
    limits: TopicLimits,
    limits_met: LimitsMet,
    max_subscriptions: usize,
    receive_maximum: u16,
    /// The client asked for a session expiry of 0 and may not change it at the end [MQTT-3.14.2-2].
    expires_at_once: bool,
    pub outbound: Outbound,
    inflow: Inflow,
    acks: Acks,
}

impl Session {
    pub fn client_id(&self) -> &Arc<str> {
        &self.client_id
    }

    /// Whether a client with this principal and the same id may end this session and have its own.
    pub fn gives_way_to(&self, principal: Option<&str>) -> bool {
        gives_way(self.principal.as_deref(), principal)
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The will, once: after this the session has none.
    pub fn take_will(&mut self) -> Option<Will> {
        self.will.take().map(|will| *will)
    }

    pub fn subscription(&self, filter: &TopicFilter) -> Option<SubscriptionOptions> {
        self.subscriptions.get(filter).copied()
    }

    /// The session's own text of a filter that it subscribed to.
    pub fn known_filter(&self, filter: &TopicFilter) -> Option<&TopicFilter> {
        let known = self.subscriptions.get_key_value(filter)?;
        Some(known.0)
    }

    /// `true`: the filter is new.
    pub fn subscribe(&mut self, filter: TopicFilter, options: SubscriptionOptions) -> bool {
        self.subscriptions.insert(filter, options).is_none()
    }

    /// `true`: it was there.
    pub fn unsubscribe(&mut self, filter: &TopicFilter) -> bool {
        self.subscriptions.remove(filter).is_some()
    }

    fn has_subscription(&self, filter: &ClientFilter) -> bool {
        match filter {
            ClientFilter::Own(filter) => self.subscriptions.contains_key(filter),
            ClientFilter::Shared(group) => self.memberships.contains(group),
        }
    }

    /// `true`: it was no member.
    pub fn join(&mut self, group: Arc<Group>) -> bool {
        self.memberships.insert(group)
    }

    /// `true`: it was a member.
    pub fn part(&mut self, group: &Group) -> bool {
        self.memberships.remove(group)
    }

    pub fn memberships(&self) -> &[Arc<Group>] {
        self.memberships.as_slice()
    }

    pub fn take_subscriptions(&mut self) -> impl Iterator<Item = TopicFilter> {
        std::mem::take(&mut self.subscriptions).into_keys()
    }

    /// The message behind this number is where it must be; PUBACKs go out in the order of what they acknowledge.
    pub fn acknowledge(&mut self, number: AckNumber, code: ReasonCode) {
        self.acks.complete(number, code);
        while let Some((packet_id, code)) = self.acks.next() {
            self.outbound.puback(packet_id, code);
        }
    }

    /// Appends a packet that waits for nothing: acks, DISCONNECT.
    pub fn reply(&mut self, packet: &Packet) {
        self.outbound.reply(packet);
    }

    /// Limits that were met since the last call.
    pub fn take_limits_met(&mut self) -> LimitsMet {
        std::mem::take(&mut self.limits_met)
    }

    /// Bytes of the window to give back now; 0 for none.
    pub fn take_window(&mut self) -> u32 {
        if self.outbound.is_congested() || self.acks.len() > usize::from(self.receive_maximum) {
            return 0;
        }
        self.inflow.take()
    }

    /// Bytes of `Data` came in.
    pub fn received(&mut self, bytes: usize) {
        self.inflow.received(bytes);
    }
}
