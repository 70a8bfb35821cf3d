//! One packet to its bytes.

use bytes::{Bytes, BytesMut};
use ntex_bytes::BytePages;

use super::{EncodeError, Packet, UserProperties, frame, publish, v3, v5, will};
use crate::link::Protocol;

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
    if let Packet::Publish(publish) = packet {
        return publish::encode(protocol, publish, out);
    }
    // the codecs panic beyond it
    if upper_bound(packet) > frame::MAX_REMAINING {
        return Err(EncodeError::TooLarge);
    }
    let start = out.len();
    let mut pages = BytePages::new(ntex_bytes::BytePageSize::Size4);
    match protocol {
        Protocol::V311 => v3::encode(packet, &mut pages)?,
        Protocol::V5 => v5::encode(packet, &mut pages)?,
    }
    while let Some(page) = pages.take() {
        out.extend_from_slice(&page);
    }
    if let Packet::Connect(connect) = packet
        && connect.will_expires_at_once()
        && let Some(at) = will::expiry_at(&out[start..])
    {
        will::set_expiry(&mut out[start..], at, 0);
    }
    Ok(())
}

/// Not less than the remaining length: other strings than those of lists are at most 64 KiB.
fn upper_bound(packet: &Packet) -> usize {
    const FIELD: usize = 65_535 + 3;
    const FIXED_FIELDS: usize = 12 * FIELD;
    let user_of = |user: &UserProperties| 2 * user.len() * FIELD;
    let bytes = match packet {
        Packet::Connect(connect) => {
            let will = connect
                .will
                .as_ref()
                .and_then(|will| will.properties.as_ref());
            user_of(&connect.properties.user)
                + will.map_or(0, |properties| user_of(&properties.user))
        }
        Packet::ConnAck(ack) => user_of(&ack.properties.user),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            user_of(&ack.user)
        }
        Packet::Subscribe(subscribe) => {
            let filters = subscribe.filters.iter().map(|wish| wish.filter.len() + 3);
            filters.sum::<usize>() + user_of(&subscribe.user)
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters = unsubscribe.filters.iter().map(|filter| filter.len() + 2);
            filters.sum::<usize>() + user_of(&unsubscribe.user)
        }
        Packet::SubAck(ack) => ack.codes.len() + user_of(&ack.user),
        Packet::UnsubAck(ack) => ack.codes.len() + user_of(&ack.user),
        Packet::Disconnect(disconnect) => user_of(&disconnect.user),
        // a PUBLISH was written without this
        Packet::Publish(_) | Packet::PingReq | Packet::PingResp | Packet::Auth(_) => 0,
    };
    FIXED_FIELDS.saturating_add(bytes)
}
