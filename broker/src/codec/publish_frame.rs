//! A PUBLISH encoded once for many receivers.

use bytes::{Bytes, BytesMut};

use super::{EncodeError, Packet, PacketId, Publish, QoS, encode, frame};
use crate::link::Protocol;

/// Receivers of one protocol, QoS and retain flag differ in the packet id alone.
#[derive(Clone, Debug)]
pub struct PublishFrame {
    bytes: Bytes,
    /// Where the packet id stands; `None` at QoS 0.
    id_at: Option<usize>,
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
        Ok(Self {
            bytes,
            id_at: with_id.then_some(header + 2 + topic),
        })
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

    /// Appends a copy with the receiver's packet id.
    pub fn write(&self, packet_id: Option<PacketId>, out: &mut BytesMut) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        if let (Some(at), Some(id)) = (self.id_at, packet_id) {
            out[start + at..start + at + 2].copy_from_slice(&id.get().to_be_bytes());
        }
    }
}
