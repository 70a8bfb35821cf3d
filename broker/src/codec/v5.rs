//! Our packets to and from ntex-mqtt's MQTT 5 codec.

mod from;
mod to;

use ntex_bytes::{BytePages, BytesMut};
use ntex_codec::{Decoder, Encoder};
use ntex_mqtt::v5::codec as ntex;

use super::{EncodeError, Packet, QoS};

/// A whole frame that is no PUBLISH.
pub(super) fn decode(frame: &[u8]) -> Result<Option<Packet>, ntex_mqtt::error::DecodeError> {
    let decoded = ntex::Codec::new().decode(&mut BytesMut::from(frame))?;
    Ok(match decoded {
        Some(ntex::Decoded::Packet(packet, _)) => Some(from::packet(packet)),
        Some(ntex::Decoded::Publish(..) | ntex::Decoded::PayloadChunk(..)) | None => None,
    })
}

/// All packets but PUBLISH.
pub(super) fn encode(packet: &Packet, pages: &mut BytePages) -> Result<(), EncodeError> {
    let item = ntex::Encoded::Packet(to::packet(packet)?);
    Ok(ntex::Codec::new().encodev(item, pages)?)
}

pub(super) const fn qos_from(qos: ntex::QoS) -> QoS {
    match qos {
        ntex::QoS::AtMostOnce => QoS::AtMostOnce,
        ntex::QoS::AtLeastOnce => QoS::AtLeastOnce,
        ntex::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

pub(super) const fn qos_to(qos: QoS) -> ntex::QoS {
    match qos {
        QoS::AtMostOnce => ntex::QoS::AtMostOnce,
        QoS::AtLeastOnce => ntex::QoS::AtLeastOnce,
        QoS::ExactlyOnce => ntex::QoS::ExactlyOnce,
    }
}

pub(super) fn bytes_from(bytes: &ntex_bytes::Bytes) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(bytes)
}

pub(super) fn bytes_to(bytes: &bytes::Bytes) -> ntex_bytes::Bytes {
    ntex_bytes::Bytes::copy_from_slice(bytes)
}
