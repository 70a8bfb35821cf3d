//! Packets of attached clients.

use std::time::Duration;

use bytes::Bytes;

use super::links::Stream;
use super::sessions::SessionKey;
use super::{LinkId, Outbox, WorkerCore};
use crate::codec::{self, Disconnect, Protocol, ReasonCode, frame};
use crate::link::{CloseReason, StreamId};
use crate::session::{PendingAck, Received, Refusal};

impl WorkerCore {
    pub(super) fn data(
        &mut self,
        now: Duration,
        (link, stream): (LinkId, StreamId),
        packets: Bytes,
        waited: Duration,
        out: &mut Outbox,
    ) {
        match self.links.get(link, stream) {
            Some(Stream::Attached(key)) => self.packets(now, key, packets, waited, out),
            Some(Stream::Waiting(number)) => {
                if let Some(waiting) = self.queue.get_mut(number) {
                    waiting.data.push(packets);
                }
            }
            // closed from here while they were on their way
            None => {}
        }
    }

    fn packets(
        &mut self,
        now: Duration,
        key: SessionKey,
        packets: Bytes,
        waited: Duration,
        out: &mut Outbox,
    ) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        seat.session.received(packets.len());
        self.stats.bytes_in_total += packets.len() as u64;
        if seat.settling.is_none() {
            self.window.queue_wait.times.record(waited);
        }
        self.touch(key.index);
        for packet in frame::packets(packets) {
            let Some(seat) = self.sessions.get_mut(key) else {
                return;
            };
            let (received, packet) = match packet {
                Ok(packet) => (seat.session.receive(&packet, now), packet),
                Err(_) => (Err(Refusal(ReasonCode::MALFORMED_PACKET)), Bytes::new()),
            };
            self.stats.limits += seat.session.take_limits_met();
            match received {
                Ok(received) => {
                    self.received(now, key, received, now.saturating_sub(waited), out);
                }
                Err(Refusal(code)) => self.refused(now, key, code, &packet, out),
            }
        }
    }

    /// `since`: when the packet came to this process.
    fn received(
        &mut self,
        now: Duration,
        key: SessionKey,
        received: Received,
        since: Duration,
        out: &mut Outbox,
    ) {
        match received {
            Received::Nothing => {}
            Received::Publish { message, ack } if message.topic.is_servers() => {
                self.forbid(key, ack);
            }
            Received::Publish { message, ack } => {
                self.stats.messages_in_total += 1;
                self.publish(now, message, ack.map(|number| (key, number)), out);
            }
            Received::Subscribe { packet_id, wishes } => {
                self.subscribe(now, key, packet_id, wishes, since, out);
            }
            Received::Unsubscribe { packet_id, filters } => {
                self.unsubscribe(key, packet_id, filters, out);
            }
            Received::Disconnect { will, expiry } => {
                if let Some(seconds) = expiry {
                    self.change_expiry(key, seconds);
                }
                self.close_stream(key, CloseReason::Disconnected, out);
                self.leave(now, key, will, out);
            }
        }
    }

    /// The packet ends the connection. What the codec has against it is worth telling.
    fn refused(
        &mut self,
        now: Duration,
        key: SessionKey,
        code: ReasonCode,
        packet: &Bytes,
        out: &mut Outbox,
    ) {
        self.stats.protocol_errors_total += 1;
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        let error = codec::decode(seat.session.protocol(), packet).err();
        let disconnect = Disconnect {
            reason: error.map(|error| error.to_string().into()),
            ..Disconnect::new(code)
        };
        self.close_with(now, key, disconnect, CloseReason::ProtocolError, out);
    }

    /// Only the server publishes to `$SYS`. A client is told, where its protocol has a word for it, and stays.
    fn forbid(&mut self, key: SessionKey, ack: Option<PendingAck>) {
        self.stats.dropped.forbidden += 1;
        if let (Some(ack), Some(seat)) = (ack, self.sessions.get_mut(key)) {
            let code = match seat.session.protocol() {
                Protocol::V5 => ReasonCode::NOT_AUTHORIZED,
                Protocol::V311 => ReasonCode::SUCCESS,
            };
            seat.session.acknowledge(ack, code);
        }
    }

    /// The client's socket took bytes.
    pub(super) fn window(&mut self, link: LinkId, stream: StreamId, bytes: u32) {
        let Some(Stream::Attached(key)) = self.links.get(link, stream) else {
            return;
        };
        if let Some(seat) = self.sessions.get_mut(key) {
            seat.session.outbound.window(bytes);
            self.touch(key.index);
        }
    }
}
