//! One whole frame to one packet.

use bytes::Bytes;

use super::check::{self, Checked};
use super::{DecodeError, Packet, Publish, Violation, v3, v5};
use crate::link::Protocol;

/// Decodes a whole packet of either direction. Never panics, whatever the bytes.
pub fn decode(protocol: Protocol, frame: &Bytes) -> Result<Packet, DecodeError> {
    let checked = check::check(protocol, frame)?;
    // The codec gets no payload: it hands out a PUBLISH as soon as its header is there.
    let head = &frame[..checked.payload_at];
    let packet = match protocol {
        Protocol::V311 => v3::decode(head),
        Protocol::V5 => v5::decode(head),
    };
    match packet {
        Ok(Some(Packet::Publish(publish))) => {
            Ok(Packet::Publish(with_payload(publish, frame, &checked)))
        }
        Ok(Some(packet)) => Ok(packet),
        Ok(None) => Err(DecodeError::Malformed {
            packet: checked.name,
            violation: Violation::Incomplete,
        }),
        Err(source) => Err(DecodeError::Codec {
            packet: checked.name,
            source,
        }),
    }
}

fn with_payload(publish: Publish, frame: &Bytes, checked: &Checked) -> Publish {
    Publish {
        payload: frame.slice(checked.payload_at..),
        ..publish
    }
}
