//! One whole frame to one packet.

use bytes::{Bytes, BytesMut};

use super::frame::{self, Header};
use super::{DecodeError, Packet, Violation, check, publish, v3, v5, will};
use crate::link::Protocol;

/// Decodes a whole packet of either direction. Never panics, whatever the bytes.
pub fn decode(protocol: Protocol, frame: &Bytes) -> Result<Packet, DecodeError> {
    let packet = check::name(frame);
    let header = check::header(frame).map_err(|violation| violation.of(packet))?;
    if header.first >> 4 == frame::PUBLISH >> 4 {
        return publish::decode(protocol, header, frame)
            .map(Packet::Publish)
            .map_err(|violation| violation.of(packet));
    }
    check::check(protocol, header, frame).map_err(|violation| violation.of(packet))?;
    match by_codec(protocol, header, frame) {
        Ok(Some(packet)) => Ok(packet),
        Ok(None) => Err(Violation::Incomplete.of(packet)),
        Err(source) => Err(DecodeError::Codec { packet, source }),
    }
}

fn by_codec(
    protocol: Protocol,
    header: Header,
    frame: &Bytes,
) -> Result<Option<Packet>, ntex_mqtt::error::DecodeError> {
    if protocol == Protocol::V311 {
        return v3::decode(frame);
    }
    let zero_at = (header.first == frame::CONNECT)
        .then(|| will::expiry_at(frame))
        .flatten()
        .filter(|at| will::expiry(frame, *at) == Some(0));
    let Some(at) = zero_at else {
        return v5::decode(frame);
    };
    let mut mended = BytesMut::from(&frame[..]);
    will::set_expiry(&mut mended, at, 1);
    let mut packet = v5::decode(&mended)?;
    if let Some(Packet::Connect(connect)) = &mut packet {
        connect.expire_will_at_once();
    }
    Ok(packet)
}
