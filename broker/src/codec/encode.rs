//! One packet to its bytes.

use bytes::{Bytes, BytesMut};
use ntex_bytes::BytePages;

use super::{EncodeError, Packet, v3, v5};
use crate::link::Protocol;

/// What a remaining length can say (section 2.1.4), less room for a header: the codecs panic beyond it.
pub(super) const MAX_REMAINING: usize = 268_435_455;

pub fn encode(protocol: Protocol, packet: &Packet) -> Result<Bytes, EncodeError> {
    let mut out = BytesMut::new();
    encode_into(protocol, packet, &mut out)?;
    Ok(out.freeze())
}

/// Appends the packet to `out`; nothing is appended on an error.
pub fn encode_into(
    protocol: Protocol,
    packet: &Packet,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    if upper_bound(packet) > MAX_REMAINING {
        return Err(EncodeError::TooLarge);
    }
    let mut pages = BytePages::new(ntex_bytes::BytePageSize::Size4);
    match protocol {
        Protocol::V311 => v3::encode(packet, &mut pages)?,
        Protocol::V5 => v5::encode(packet, &mut pages)?,
    }
    while let Some(page) = pages.take() {
        out.extend_from_slice(&page);
    }
    // The codec writes the head of a PUBLISH alone, so that its payload is copied once.
    if let Packet::Publish(publish) = packet {
        out.extend_from_slice(&publish.payload);
    }
    Ok(())
}

/// Not less than the remaining length. Strings are at most 64 KiB, so lists and payloads decide.
fn upper_bound(packet: &Packet) -> usize {
    const FIELD: usize = 65_535 + 3;
    const FIXED_FIELDS: usize = 12 * FIELD;
    let (payload, fields, user) = match packet {
        Packet::Connect(connect) => {
            let will = connect
                .will
                .as_ref()
                .and_then(|will| will.properties.as_ref());
            (
                0,
                0,
                connect.properties.user.len() + will.map_or(0, |properties| properties.user.len()),
            )
        }
        Packet::ConnAck(ack) => (0, 0, ack.properties.user.len()),
        Packet::Publish(publish) => (
            publish.payload.len(),
            0,
            publish
                .properties
                .as_ref()
                .map_or(0, |properties| properties.user.len()),
        ),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            (0, 0, ack.user.len())
        }
        Packet::Subscribe(subscribe) => (0, subscribe.filters.len(), subscribe.user.len()),
        Packet::Unsubscribe(unsubscribe) => (0, unsubscribe.filters.len(), unsubscribe.user.len()),
        Packet::SubAck(ack) => (ack.codes.len(), 0, ack.user.len()),
        Packet::UnsubAck(ack) => (ack.codes.len(), 0, ack.user.len()),
        Packet::Disconnect(disconnect) => (0, 0, disconnect.user.len()),
        Packet::PingReq | Packet::PingResp | Packet::Auth(_) => (0, 0, 0),
    };
    FIXED_FIELDS
        .saturating_add(payload)
        .saturating_add((fields + 2 * user).saturating_mul(FIELD))
}
