//! Answers both ways: what the client acknowledges, and what it is answered.

use super::Outbound;
use crate::codec::{self, Ack, Packet, PacketId, Protocol, ReasonCode};
use crate::session::acks::{AckKind, Due};
use crate::session::inflight::Acked;
use crate::session::{Refusal, explain};

impl Outbound {
    /// An unknown id is ignored: neither standard has a word for it, and devices that resend a PUBACK are common.
    pub(in crate::session) fn puback(&mut self, packet_id: PacketId) -> Result<(), Refusal> {
        done(self.inflight.puback(packet_id)).map(drop)
    }

    pub(in crate::session) fn pubrec(&mut self, ack: &Ack) -> Result<(), Refusal> {
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

    pub(in crate::session) fn pubcomp(&mut self, packet_id: PacketId) -> Result<(), Refusal> {
        done(self.inflight.pubcomp(packet_id)).map(drop)
    }

    /// With a reason if the client wants one and takes a packet of that size; what is too large even without is as good
    /// as sent [MQTT-3.1.2-24], [MQTT-3.1.2-25].
    pub(in crate::session) fn reply(&mut self, packet: &Packet) {
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

    pub(in crate::session) fn ack(&mut self, due: Due) {
        let (first, packet): (u8, fn(Ack) -> Packet) = match due.kind {
            AckKind::PubAck => (0x40, Packet::PubAck),
            AckKind::PubRec => (0x50, Packet::PubRec),
        };
        self.answer(first, packet, due.packet_id, due.code);
    }

    pub(super) fn pubrel(&mut self, packet_id: PacketId, code: ReasonCode) {
        self.answer(0x62, Packet::PubRel, packet_id, code);
    }

    pub(in crate::session) fn send_pubcomp(&mut self, packet_id: PacketId, code: ReasonCode) {
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
}

/// Whether the id was known.
fn done(acked: Acked) -> Result<bool, Refusal> {
    match acked {
        Acked::Done => Ok(true),
        Acked::Unknown => Ok(false),
        Acked::Mismatch => Err(Refusal(ReasonCode::PROTOCOL_ERROR)),
    }
}
