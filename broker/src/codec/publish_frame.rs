//! A PUBLISH encoded once for many receivers.

use std::num::NonZeroU32;

use bytes::{BufMut, Bytes, BytesMut};

use super::frame::{MAX_REMAINING, length_len};
use super::properties::SUBSCRIPTION_ID;
use super::{EncodeError, Packet, PacketId, Publish, QoS, encode, frame};
use crate::link::Protocol;

/// In the first byte: sent before (section 3.3.1.1).
const DUP: u8 = 0b1000;

/// Receivers of one protocol, QoS and retain flag differ in the packet id alone.
#[derive(Clone, Debug)]
pub struct PublishFrame {
    bytes: Bytes,
    /// Where the packet id stands; `None` at QoS 0.
    id_at: Option<usize>,
    /// Where what follows the topic and the packet id begins: in MQTT 5 the properties.
    rest_at: usize,
}

impl PublishFrame {
    /// `publish.packet_id` does not matter.
    pub fn new(protocol: Protocol, publish: Publish) -> Result<Self, EncodeError> {
        let topic = publish.topic.len();
        let with_id = publish.qos > QoS::AtMostOnce;
        let placeholder = with_id.then_some(PacketId::MIN);
        let bytes = encode(
            protocol,
            &Packet::Publish(Publish {
                packet_id: placeholder,
                ..publish
            }),
        )?;
        let header = frame::header(&bytes)
            .ok()
            .flatten()
            .map_or(0, |header| header.len);
        Ok(Self::of(bytes, header + 2 + topic, with_id))
    }

    fn of(bytes: Bytes, topic_end: usize, with_id: bool) -> Self {
        Self {
            bytes,
            id_at: with_id.then_some(topic_end),
            rest_at: topic_end + if with_id { 2 } else { 0 },
        }
    }

    /// The same message with subscription identifiers. Of an MQTT 5 frame without any.
    pub fn with_subscription_ids(&self, ids: &[NonZeroU32]) -> Result<Self, EncodeError> {
        let mut added = BytesMut::new();
        for id in ids {
            added.put_u8(SUBSCRIPTION_ID);
            put_length(id.get() as usize, &mut added)?;
        }
        let header = frame::header(&self.bytes).ok().flatten();
        let header = header.ok_or(EncodeError::TooLarge)?.len;
        let old = length_at(&self.bytes, self.rest_at);
        let properties_at = self.rest_at + length_len(old);
        let mut length = BytesMut::new();
        put_length(old + added.len(), &mut length)?;

        let body = &self.bytes[header..self.rest_at];
        let rest = &self.bytes[properties_at..];
        let remaining = body.len() + length.len() + added.len() + rest.len();
        let mut out = BytesMut::with_capacity(remaining + 5);
        out.put_u8(self.bytes[0]);
        put_length(remaining, &mut out)?;
        let shift = out.len() - header;
        for part in [body, &length, &added, rest] {
            out.put_slice(part);
        }
        let with_id = self.id_at.is_some();
        let topic_end = self.id_at.unwrap_or(self.rest_at) + shift;
        Ok(Self::of(out.freeze(), topic_end, with_id))
    }

    /// Bytes of the whole packet.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// For a QoS 0 receiver: shared, not copied.
    pub fn shared(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Appends a copy with the receiver's packet id and DUP [MQTT-3.3.1-1].
    pub fn write_again(&self, packet_id: PacketId, out: &mut BytesMut) {
        let start = out.len();
        self.write(Some(packet_id), out);
        out[start] |= DUP;
    }

    /// Appends a copy with the receiver's packet id.
    pub fn write(&self, packet_id: Option<PacketId>, out: &mut BytesMut) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        if let (Some(at), Some(id)) = (self.id_at, packet_id) {
            out[start + at..start + at + 2].copy_from_slice(&id.get().to_be_bytes());
        }
    }
}

/// A variable byte integer (section 1.5.5).
fn put_length(value: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
    if value > MAX_REMAINING {
        return Err(EncodeError::TooLarge);
    }
    frame::put_length(value, out);
    Ok(())
}

/// The variable byte integer at this place of a frame of ours.
fn length_at(bytes: &[u8], at: usize) -> usize {
    let mut value = 0;
    for (shift, byte) in [0, 7, 14, 21].into_iter().zip(&bytes[at..]) {
        value |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}
