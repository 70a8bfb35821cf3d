//! What a client gets: the QoS 1 window, the byte window, its packet size.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::buffer::Buffer;
use super::flow::Outflow;
use super::queue::{Delivery, Dropped, Queue};
use super::{FrameCache, SessionLimits, Shape, explain};
use crate::codec::{self, Packet, PacketId, Protocol, QoS, ReasonCode};
use crate::routing::{Group, Message};

/// What became of messages for one client; counted by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: u64,
    pub queue_full_qos0: u64,
    pub queue_full_qos1: u64,
    pub too_large: u64,
    pub expired: u64,
}

#[derive(Debug)]
pub struct Outbound {
    protocol: Protocol,
    /// The client wants to be told why.
    wants_reasons: bool,
    limits: SessionLimits,
    /// Bytes of a whole packet; the client's wish.
    max_packet: usize,
    /// QoS 1 messages that may be under way.
    max_inflight: usize,
    /// Their ids, oldest first.
    inflight: VecDeque<PacketId>,
    last_id: u16,
    queue: Queue,
    flow: Outflow,
    buffer: Buffer,
}

impl Outbound {
    pub(super) fn new(
        protocol: Protocol,
        limits: SessionLimits,
        max_packet: usize,
        max_inflight: usize,
    ) -> Self {
        Self {
            protocol,
            wants_reasons: false,
            limits,
            max_packet,
            max_inflight: max_inflight.max(1),
            inflight: VecDeque::new(),
            last_id: 0,
            queue: Queue::default(),
            flow: Outflow::default(),
            buffer: Buffer::default(),
        }
    }

    /// Request Problem Information [MQTT-3.1.2-29].
    pub(super) fn explain(&mut self, wanted: bool) {
        self.wants_reasons = wanted && self.protocol == Protocol::V5;
    }

    /// A message that the client subscribed to, now or when its windows allow.
    pub fn deliver(
        &mut self,
        message: &Arc<Message>,
        shape: Shape,
        frames: &mut FrameCache,
        now: Duration,
    ) -> Delivered {
        if self.queue.len() == 0 && self.may_send(shape.qos) {
            return self.send(message, &shape, frames, now);
        }
        let delivery = Delivery {
            message: Arc::clone(message),
            shape,
            backlog: false,
        };
        self.queue.push(delivery, &self.limits).into()
    }

    /// The copy of a retained message that follows a SUBSCRIBE. Whoever calls waits while `backlog` is large.
    pub fn deliver_retained(
        &mut self,
        message: &Arc<Message>,
        shape: Shape,
        now: Duration,
    ) -> Delivered {
        if self.queue.len() == 0 && self.may_send(shape.qos) {
            return self.send(message, &shape, &mut FrameCache::default(), now);
        }
        let delivery = Delivery {
            message: Arc::clone(message),
            shape,
            backlog: true,
        };
        self.queue.push_backlog(delivery);
        Delivered::default()
    }

    /// Copies of retained messages that wait.
    pub fn backlog(&self) -> usize {
        self.queue.backlog()
    }

    fn may_send(&self, qos: QoS) -> bool {
        self.flow.is_open() && (qos == QoS::AtMostOnce || self.inflight.len() < self.max_inflight)
    }

    fn send(
        &mut self,
        message: &Message,
        shape: &Shape,
        frames: &mut FrameCache,
        now: Duration,
    ) -> Delivered {
        let nothing = Delivered::default();
        if message.is_expired(now) {
            return Delivered {
                expired: 1,
                ..nothing
            };
        }
        // too large for the protocol is too large for the client
        let frame = frames
            .get(message, self.protocol, shape, now)
            .ok()
            .filter(|it| it.len() <= self.max_packet);
        let Some(frame) = frame else {
            return Delivered {
                too_large: 1,
                ..nothing
            };
        };
        self.flow.sent(frame.len());
        if shape.qos == QoS::AtMostOnce {
            self.buffer.push(frame.shared());
        } else {
            let id = next_id(&mut self.last_id, &self.inflight);
            self.inflight.push_back(id);
            frame.write(Some(id), self.buffer.writer());
        }
        Delivered { sent: 1, ..nothing }
    }

    /// Sends what waits, as far as the windows allow.
    pub fn pump(&mut self, now: Duration) -> Delivered {
        let mut total = Delivered::default();
        while self
            .queue
            .front()
            .is_some_and(|front| self.may_send(front.shape.qos))
        {
            let Some(delivery) = self.queue.pop() else {
                break;
            };
            let mut frames = FrameCache::default();
            total += self.send(&delivery.message, &delivery.shape, &mut frames, now);
        }
        total
    }

    /// The client has it. An unknown id is ignored: neither standard has a word for it, and devices that resend a
    /// PUBACK are common.
    pub(super) fn acked(&mut self, packet_id: PacketId) {
        // nearly always the first
        if let Some(at) = self.inflight.iter().position(|id| *id == packet_id) {
            self.inflight.remove(at);
            if self.inflight.is_empty() {
                self.inflight = VecDeque::new();
            }
        }
    }

    pub fn window(&mut self, bytes: u32) {
        self.flow.given_back(bytes);
    }

    /// Too many answers wait unread: the client must read before it may send more.
    pub(super) fn is_congested(&self) -> bool {
        self.flow.is_overdrawn()
    }

    /// With a reason if the client wants one and takes a packet of that size; what is too large even without is as good
    /// as sent [MQTT-3.1.2-24], [MQTT-3.1.2-25].
    pub(super) fn reply(&mut self, packet: &Packet) {
        let explained = explain::explained(packet).filter(|_| self.wants_reasons);
        if explained.is_some_and(|packet| self.write(&packet)) {
            return;
        }
        match explain::bare(packet) {
            Some(bare) => self.write(&bare),
            None => self.write(packet),
        };
    }

    /// `false`: the client takes no packet of that size.
    fn write(&mut self, packet: &Packet) -> bool {
        let before = self.buffer.len();
        let encoded = codec::encode_into(self.protocol, packet, self.buffer.writer());
        debug_assert_eq!(encoded, Ok(()), "a reply of ours has no bytes: {packet:?}");
        let size = self.buffer.len() - before;
        if size > self.max_packet {
            self.buffer.writer().truncate(before);
            return false;
        }
        self.flow.sent(size);
        true
    }

    pub(super) fn puback(&mut self, packet_id: PacketId, code: ReasonCode) {
        if self.protocol == Protocol::V311 || code == ReasonCode::SUCCESS {
            let [high, low] = packet_id.get().to_be_bytes();
            self.buffer
                .writer()
                .extend_from_slice(&[0x40, 0x02, high, low]);
            self.flow.sent(4);
        } else {
            self.reply(&Packet::PubAck(codec::Ack::new(packet_id, code)));
        }
    }

    /// What goes to the client with this batch.
    pub fn take(&mut self) -> Option<Bytes> {
        self.buffer.take().filter(|bytes| !bytes.is_empty())
    }

    /// Whether a live message would find a place.
    pub fn has_room(&self, message: &Message, qos: QoS, limits: &SessionLimits) -> bool {
        let goes_at_once = self.queue.len() == 0 && self.may_send(qos);
        goes_at_once || self.queue.has_room(message.size(), limits)
    }

    /// What waits for the client as a member of a group; for other members, when its session ends.
    pub fn take_shared(&mut self) -> Vec<(Arc<Group>, Arc<Message>)> {
        self.queue.take_shared()
    }

    /// Messages that wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Nothing waits and nothing is unacknowledged.
    pub fn is_idle(&self) -> bool {
        self.queue.len() == 0 && self.inflight.is_empty()
    }
}

/// The next id that is not in use; there is one, as fewer than 65,535 may be in flight.
fn next_id(last: &mut u16, inflight: &VecDeque<PacketId>) -> PacketId {
    loop {
        *last = last.wrapping_add(1);
        match PacketId::new(*last) {
            Some(id) if !inflight.contains(&id) => return id,
            _ => {}
        }
    }
}

impl From<Dropped> for Delivered {
    fn from(dropped: Dropped) -> Self {
        let nothing = Self::default();
        match dropped {
            Dropped::Nothing => nothing,
            Dropped::QoS0(count) => Self {
                queue_full_qos0: count as u64,
                ..nothing
            },
            Dropped::QoS1(shed) => Self {
                queue_full_qos0: shed as u64,
                queue_full_qos1: 1,
                ..nothing
            },
        }
    }
}

impl std::ops::AddAssign for Delivered {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.queue_full_qos0 += other.queue_full_qos0;
        self.queue_full_qos1 += other.queue_full_qos1;
        self.too_large += other.too_large;
        self.expired += other.expired;
    }
}

#[cfg(test)]
mod tests;
