//! One client's session: what it may send, what it gets, and when; what is left of it when its connection ends. No IO,
//! no routing: packets in, requests out.

mod acks;
mod buffer;
mod connect;
mod explain;
pub(crate) mod faults;
mod filters;
mod flow;
mod frames;
mod inbound;
mod inflight;
mod limits;
mod memberships;
mod outbound;
mod queue;
mod received;
mod shape;

use std::sync::Arc;

pub use connect::{Opening, open, refusal_not_yours, refusal_shutting_down, refusal_too_many};
pub use frames::FrameCache;
pub use inbound::{PendingAck, Received, Refusal, Wish};
pub use limits::{LimitsMet, SessionLimits, TopicLimits};
pub use outbound::{Delivered, Outbound, QueueLimits, Waiting};
pub use shape::{Shape, SubscriptionIds};

use crate::codec::{Packet, Protocol, ReasonCode, Will};
use crate::routing::{FilterId, Group};
use acks::Acks;
use filters::Filters;
use flow::Inflow;
use memberships::Memberships;
use received::ReceivedIds;

/// An id is of whoever proved a name and came first; who proved none keeps nobody out.
pub fn gives_way(holder: Option<&str>, newcomer: Option<&str>) -> bool {
    holder.is_none() || holder == newcomer
}

#[derive(Debug)]
pub struct Session {
    client_id: Arc<str>,
    /// `None`: anonymous.
    principal: Option<Arc<str>>,
    /// Of the connection; the next may speak another.
    protocol: Protocol,
    /// Boxed: most clients have none.
    will: Option<Box<Will>>,
    filters: Filters,
    memberships: Memberships,
    /// Of the connection's listener, shared with the other sessions that have the same.
    limits: Arc<SessionLimits>,
    /// Since they were last taken.
    limits_met: Option<Box<LimitsMet>>,
    /// Seconds that it is kept without a connection.
    expiry: u32,
    /// The client asked for a session expiry of 0 and may not change it at the end [MQTT-3.14.2-2].
    asked_no_expiry: bool,
    pub outbound: Outbound,
    inflow: Inflow,
    acks: Acks,
    received: ReceivedIds,
}

impl Session {
    pub fn client_id(&self) -> &Arc<str> {
        &self.client_id
    }

    /// Whether a client with this principal and the same id may end this session and have its own.
    pub fn gives_way_to(&self, principal: Option<&str>) -> bool {
        gives_way(self.principal.as_deref(), principal)
    }

    /// Whether a client with this principal may go on with this session. Whoever proved a name gets nothing that
    /// somebody without one has prepared for it.
    pub fn is_of(&self, principal: Option<&str>) -> bool {
        self.principal.as_deref() == principal
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What may wait for its client.
    pub fn limits(&self) -> &SessionLimits {
        &self.limits
    }

    /// Seconds that it is kept without a connection.
    pub fn expiry(&self) -> u32 {
        self.expiry
    }

    pub fn set_expiry(&mut self, seconds: u32) {
        self.expiry = seconds;
    }

    /// The will, once: after this the session has none.
    pub fn take_will(&mut self) -> Option<Will> {
        self.will.take().map(|will| *will)
    }

    /// Seconds between the end of the connection and the will; `None`: there is none.
    pub fn will_delay(&self) -> Option<u32> {
        self.will.as_ref().map(|will| will.delay)
    }

    /// Whether it may subscribe to something new.
    pub fn has_room(&self) -> bool {
        self.filters.len() + self.memberships.len() < self.limits.max_subscriptions
    }

    /// It subscribed to a filter that it did not have.
    pub fn add_filter(&mut self, filter: FilterId) {
        self.filters.push(filter);
    }

    pub fn remove_filter(&mut self, filter: FilterId) {
        self.filters.remove(filter);
    }

    pub fn is_member(&self, group: &Group) -> bool {
        self.memberships.contains(group)
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

    pub fn take_filters(&mut self) -> Vec<FilterId> {
        self.filters.take()
    }

    /// The message behind this answer is where it must be. Answers go out in the order of what they acknowledge; one
    /// whose connection is gone is only remembered.
    pub fn acknowledge(&mut self, ack: PendingAck, code: ReasonCode) {
        let number = match ack {
            PendingAck::PubAck(number) => Some(number),
            PendingAck::PubRec(packet_id) => self.received.routed(packet_id, code),
        };
        if let Some(number) = number {
            self.acks.complete(number, code);
            self.send_acks();
        }
    }

    fn send_acks(&mut self) {
        while let Some(due) = self.acks.next() {
            self.outbound.ack(due);
        }
    }

    /// The connection is gone, and the session is kept.
    pub fn detach(&mut self) -> Delivered {
        self.inflow = Inflow::default();
        self.acks.forget();
        self.received.detach();
        self.outbound.detach()
    }

    /// Nothing is under way, either way; for tests.
    #[cfg(test)]
    pub fn is_done(&self) -> bool {
        self.outbound.is_idle() && self.received.len() == 0 && self.acks.len() == 0
    }

    /// Appends a packet that waits for nothing: acks, DISCONNECT.
    pub fn reply(&mut self, packet: &Packet) {
        self.outbound.reply(packet);
    }

    fn limits_met(&mut self) -> &mut LimitsMet {
        self.limits_met.get_or_insert_default()
    }

    /// Limits that were met since the last call.
    pub fn take_limits_met(&mut self) -> LimitsMet {
        self.limits_met
            .take()
            .map_or_else(LimitsMet::default, |met| *met)
    }

    /// Bytes of the window to give back now; 0 for none.
    pub fn take_window(&mut self) -> u32 {
        if self.outbound.is_congested()
            || self.acks.len() > usize::from(self.limits.receive_maximum)
        {
            return 0;
        }
        self.inflow.take()
    }

    /// Bytes of `Data` came in.
    pub fn received(&mut self, bytes: usize) {
        self.inflow.received(bytes);
    }
}
