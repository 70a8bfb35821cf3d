//! What a client gets: what is under way, the byte window, its packet size.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::acks::{AckKind, Due};
use super::buffer::Buffer;
use super::flow::Outflow;
use super::inflight::{Acked, InFlight};
use super::queue::{Delivery, Dropped, Queue};
use super::{FrameCache, Refusal, Shape, explain};
use crate::codec::{self, Ack, Packet, PacketId, Protocol, QoS, ReasonCode};
use crate::routing::{Group, Message};

mod delivered;

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

/// Bytes under way to a client whose session may be kept. One message may overdraw. Without it, whoever reads and does
/// not acknowledge would keep its whole Receive Maximum of the largest messages in memory.
const MOST_INFLIGHT_BYTES: usize = 1 << 20;

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

    /// A message that the client subscribed to, now or when its windows allow.
    pub fn deliver(
        &mut self,
        message: &Arc<Message>,
        shape: Shape,
        limits: &QueueLimits,
        frames: &mut FrameCache,
        now: Duration,
    ) -> Delivered {
        if self.queue.is_none() && self.may_send(shape.qos) {
            return self.send(message, &shape, frames, now);
        }
        if let Some(nothing) = self.nobody_takes(shape.qos) {
            return nothing;
        }
        let over_inflight = self.is_attached && shape.qos > QoS::AtMostOnce && !self.has_quota();
        let delivery = Delivery {
            message: Arc::clone(message),
            shape,
            backlog: false,
        };
        let dropped = self.queue.get_or_insert_default().push(delivery, limits);
        self.with_queue(|_| ());
        Delivered {
            over_inflight: over_inflight.into(),
            ..dropped.into()
        }
    }

    /// The copy of a retained message that follows a SUBSCRIBE. Whoever calls waits while `backlog` is large.
    pub fn deliver_retained(
        &mut self,
        message: &Arc<Message>,
        shape: Shape,
        now: Duration,
    ) -> Delivered {
        if self.queue.is_none() && self.may_send(shape.qos) {
            return self.send(message, &shape, &mut FrameCache::default(), now);
        }
        if let Some(nothing) = self.nobody_takes(shape.qos) {
            return nothing;
        }
        let delivery = Delivery {
            message: Arc::clone(message),
            shape,
            backlog: true,
        };
        self.queue.get_or_insert_default().push_backlog(delivery);
        Delivered::default()
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

    /// QoS 0 does not wait for a client that is away: it promises nothing, and would take the room of what does.
    fn nobody_takes(&self, qos: QoS) -> Option<Delivered> {
        (!self.is_attached && qos == QoS::AtMostOnce).then(|| Delivered {
            offline: 1,
            ..Delivered::default()
        })
    }

    /// What is sent again comes first, QoS 0 not excepted.
    fn may_send(&self, qos: QoS) -> bool {
        self.is_attached
            && self.flow.is_open()
            && self.inflight.unsent().is_none()
            && (qos == QoS::AtMostOnce
                || (self.has_quota() && self.inflight.bytes() < MOST_INFLIGHT_BYTES))
    }

    fn has_quota(&self) -> bool {
        self.inflight.len() < usize::from(self.terms.max_inflight)
    }

    fn send(
        &mut self,
        message: &Arc<Message>,
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
            .get(message, self.terms.protocol, shape, now)
            .ok()
            .filter(|it| it.len() <= self.terms.max_packet);
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
            // of a group, another member may have to have it
            let keeps = self.terms.keeps || shape.group.is_some();
            let kept = keeps.then(|| Arc::clone(message));
            let id = self.inflight.begin(shape.clone(), kept);
            self.buffer.write(|out| frame.write(Some(id), out));
        }
        Delivered { sent: 1, ..nothing }
    }

    /// Sends what waits, as far as the windows allow: first what an earlier connection left unacknowledged.
    pub fn pump(&mut self, now: Duration) -> Delivered {
        let mut total = Delivered::default();
        if !self.is_attached {
            return total;
        }
        while self.flow.is_open() && self.has_quota() && self.resend(now, &mut total) {}
        while self
            .queue
            .as_ref()
            .and_then(|queue| queue.front())
            .is_some_and(|front| self.may_send(front.shape.qos))
        {
            let Some(delivery) = self.with_queue(Queue::pop).flatten() else {
                break;
            };
            let mut frames = FrameCache::default();
            total += self.send(&delivery.message, &delivery.shape, &mut frames, now);
        }
        total
    }

    /// One PUBLISH, with its id and DUP [MQTT-3.3.1-1]. `false`: there is none.
    ///
    /// Its expiry may have passed: its delivery has begun, and the client may be in the middle of it.
    fn resend(&mut self, now: Duration, total: &mut Delivered) -> bool {
        let Some(unsent) = self.inflight.unsent() else {
            return false;
        };
        let id = unsent.id;
        let mut frames = FrameCache::default();
        let frame = unsent.message.as_ref().and_then(|message| {
            let frame = frames.get(message, self.terms.protocol, &unsent.shape, now);
            frame
                .ok()
                .filter(|frame| frame.len() <= self.terms.max_packet)
        });
        if let Some(frame) = frame {
            self.flow.sent(frame.len());
            self.buffer.write(|out| frame.write_again(id, out));
            self.inflight.resent();
        } else {
            total.too_large += 1;
            if let Some(id) = self.inflight.skip_unsent() {
                self.pubrel(id, ReasonCode::SUCCESS);
            }
        }
        true
    }

    /// An unknown id is ignored: neither standard has a word for it, and devices that resend a PUBACK are common.
    pub(super) fn puback(&mut self, packet_id: PacketId) -> Result<(), Refusal> {
        done(self.inflight.puback(packet_id)).map(drop)
    }

    pub(super) fn pubrec(&mut self, ack: &Ack) -> Result<(), Refusal> {
        if ack.code.is_error() {
            return done(self.inflight.refused(ack.packet_id)).map(drop);
        }
        let code = if done(self.inflight.pubrec(ack.packet_id))? {
            ReasonCode::SUCCESS
        } else {
            // so that the client can forget it
            ReasonCode::PACKET_IDENTIFIER_NOT_FOUND
        };
        self.pubrel(ack.packet_id, code);
        Ok(())
    }

    pub(super) fn pubcomp(&mut self, packet_id: PacketId) -> Result<(), Refusal> {
        done(self.inflight.pubcomp(packet_id)).map(drop)
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
        let explained = explain::explained(packet).filter(|_| self.terms.wants_reasons);
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
        let protocol = self.terms.protocol;
        let encoded = (self.buffer).write(|out| codec::encode_into(protocol, packet, out));
        debug_assert_eq!(encoded, Ok(()), "a reply of ours has no bytes: {packet:?}");
        let size = self.buffer.len() - before;
        if size > self.terms.max_packet {
            self.buffer.write(|out| out.truncate(before));
            return false;
        }
        self.flow.sent(size);
        true
    }

    pub(super) fn ack(&mut self, due: Due) {
        let (first, packet): (u8, fn(Ack) -> Packet) = match due.kind {
            AckKind::PubAck => (0x40, Packet::PubAck),
            AckKind::PubRec => (0x50, Packet::PubRec),
        };
        self.answer(first, packet, due.packet_id, due.code);
    }

    fn pubrel(&mut self, packet_id: PacketId, code: ReasonCode) {
        self.answer(0x62, Packet::PubRel, packet_id, code);
    }

    pub(super) fn send_pubcomp(&mut self, packet_id: PacketId, code: ReasonCode) {
        self.answer(0x70, Packet::PubComp, packet_id, code);
    }

    /// The short form, but where a code must be told.
    fn answer(
        &mut self,
        first: u8,
        packet: fn(Ack) -> Packet,
        packet_id: PacketId,
        code: ReasonCode,
    ) {
        if self.terms.protocol == Protocol::V311 || code == ReasonCode::SUCCESS {
            let [high, low] = packet_id.get().to_be_bytes();
            let answer = [first, 0x02, high, low];
            self.buffer.write(|out| out.extend_from_slice(&answer));
            self.flow.sent(4);
        } else {
            self.reply(&packet(Ack::new(packet_id, code)));
        }
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

/// Whether the id was known.
fn done(acked: Acked) -> Result<bool, Refusal> {
    match acked {
        Acked::Done => Ok(true),
        Acked::Unknown => Ok(false),
        Acked::Mismatch => Err(Refusal(ReasonCode::PROTOCOL_ERROR)),
    }
}

#[cfg(test)]
mod tests;
