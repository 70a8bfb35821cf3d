//! One attached client: what it may send, what it gets, and when. No IO, no routing: packets in, requests out.

mod acks;
mod buffer;
mod connect;
mod explain;
mod flow;
mod frames;
mod inbound;
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
pub use outbound::{Delivered, Outbound};
pub use shape::{Shape, SubscriptionIds};

use crate::codec::{Packet, Protocol, ReasonCode, Will};
use crate::routing::subscribers::SubscriptionOptions;
use crate::routing::{ClientFilter, Group, TopicFilter};
use acks::Acks;
use flow::Inflow;
use memberships::Memberships;

/// Bounds of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    pub max_queued_messages: usize,
    pub max_queued_bytes: usize,
    /// QoS 1 messages under way to a client that names no Receive Maximum; at least 1.
    pub max_inflight: u16,
    pub max_subscriptions: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            max_queued_messages: 1_000,
            max_queued_bytes: 1 << 20,
            max_inflight: 20,
            max_subscriptions: 10_000,
        }
    }
}

/// QoS 1 messages that a client may have sent without a PUBACK; told to v5 clients.
///
/// A PUBACK waits for all workers with subscribers, some microseconds each: this many keep a client going.
pub const RECEIVE_MAXIMUM: u16 = 256;

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
    max_subscriptions: usize,
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

    /// Bytes of the window to give back now; 0 for none.
    pub fn take_window(&mut self) -> u32 {
        if self.outbound.is_congested() || self.acks.len() > usize::from(RECEIVE_MAXIMUM) {
            return 0;
        }
        self.inflow.take()
    }

    /// Bytes of `Data` came in.
    pub fn received(&mut self, bytes: usize) {
        self.inflow.received(bytes);
    }
}
