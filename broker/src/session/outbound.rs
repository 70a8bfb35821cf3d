//! What a client gets: what is under way, the byte window, its packet size.

use std::sync::Arc;

use bytes::Bytes;

use super::buffer::Buffer;
use super::flow::Outflow;
use super::inflight::InFlight;
use super::queue::Queue;
use crate::codec::{Protocol, QoS, ReasonCode};
use crate::routing::{Group, Message};

mod answers;
mod delivered;
mod sending;

pub use delivered::Delivered;

/// What may wait for one client now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    pub messages: usize,
    pub bytes: usize,
}

/// What waits for one client and counts for the bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub messages: u64,
    /// With what is under way, while nobody is there to take it.
    pub bytes: u64,
}

/// What a connection may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) protocol: Protocol,
    /// Bytes of a whole packet; the client's wish.
    pub(super) max_packet: usize,
    /// QoS 1 and 2 messages that may be under way; at least 1.
    pub(super) max_inflight: u16,
    /// The session may outlive the connection: what is under way is kept to be sent again.
    pub(super) keeps: bool,
    /// The client wants to be told why [MQTT-3.1.2-29].
    pub(super) wants_reasons: bool,
}

#[derive(Debug)]
pub struct Outbound {
    terms: Terms,
    is_attached: bool,
    inflight: InFlight,
    /// `None` while it is empty.
    queue: Option<Box<Queue>>,
    flow: Outflow,
    buffer: Buffer,
}

impl Outbound {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            is_attached: true,
            inflight: InFlight::default(),
            queue: None,
            flow: Outflow::default(),
            buffer: Buffer::default(),
        }
    }

    /// The connection is gone. What it was sent and has not acknowledged stays; QoS 0 does not.
    pub(super) fn detach(&mut self) -> Delivered {
        self.is_attached = false;
        self.inflight.detach();
        self.flow = Outflow::default();
        self.buffer = Buffer::default();
        Delivered {
            offline: self.with_queue(Queue::drop_qos0).unwrap_or(0) as u64,
            ..Delivered::default()
        }
    }

    /// Another connection: each PUBREL goes out again at once, each PUBLISH with the next `pump` [MQTT-4.4.0-1].
    pub(super) fn resume(&mut self, terms: Terms) {
        self.terms = terms;
        self.is_attached = true;
        let releasing: Vec<_> = self.inflight.releasing().collect();
        for packet_id in releasing {
            self.pubrel(packet_id, ReasonCode::SUCCESS);
        }
    }

    /// Copies of retained messages that wait.
    pub fn backlog(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.backlog())
    }

    /// Does something with a queue that is there, and lets go of it when it is empty then.
    fn with_queue<R>(&mut self, change: impl FnOnce(&mut Queue) -> R) -> Option<R> {
        let queue = self.queue.as_deref_mut()?;
        let result = change(queue);
        if queue.len() == 0 {
            self.queue = None;
        }
        Some(result)
    }

    pub fn window(&mut self, bytes: u32) {
        self.flow.given_back(bytes);
    }

    /// Too many answers wait unread: the client must read before it may send more.
    pub(super) fn is_congested(&self) -> bool {
        self.flow.is_overdrawn()
    }

    /// What goes to the client with this batch.
    pub fn take(&mut self) -> Option<Bytes> {
        self.buffer.take().filter(|bytes| !bytes.is_empty())
    }

    /// Whether a live message would find a place. With who is away it would only wait.
    pub fn has_room(&self, message: &Message, qos: QoS, limits: &QueueLimits) -> bool {
        let goes_at_once = self.queue.is_none() && self.may_send(qos);
        let waits = self.is_attached || qos > QoS::AtMostOnce;
        goes_at_once || (waits && Queue::has_room(self.queue.as_deref(), message.size(), limits))
    }

    /// What the client was to get as a member of a group; for other members, when its session ends.
    pub fn take_shared(&mut self) -> Vec<(Arc<Group>, Arc<Message>)> {
        let mut shared = self.inflight.take_shared();
        shared.extend(self.with_queue(Queue::take_shared).into_iter().flatten());
        shared
    }

    pub fn waiting(&self) -> Waiting {
        let under_way = if self.is_attached {
            0
        } else {
            self.inflight.bytes()
        };
        Waiting {
            messages: self.queue.as_ref().map_or(0, |queue| queue.len()) as u64,
            bytes: (self.queue.as_ref().map_or(0, |queue| queue.bytes()) + under_way) as u64,
        }
    }

    /// Nothing waits and nothing is unacknowledged.
    pub fn is_idle(&self) -> bool {
        self.queue.is_none() && self.inflight.is_empty()
    }

    /// Whether it keeps a message with this payload, for tests that look where a message is.
    #[cfg(test)]
    pub fn holds(&self, payload: &[u8]) -> bool {
        let queued = self.queue.iter().flat_map(|queue| queue.messages());
        let mut all = queued.chain(self.inflight.messages());
        all.any(|message| message.payload == payload)
    }
}

#[cfg(test)]
mod tests;
