//! Which protocol a client speaks, from its first packet.

use bytes::Bytes;

use super::cursor::Cursor;
use super::frame;
use crate::link::Protocol;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SniffError {
    #[error("failed to read CONNECT: it is none, or cut off")]
    NotConnect,
    /// Answer `reply()`, then close.
    #[error("failed to read CONNECT: protocol level {level} is not served")]
    UnsupportedLevel { level: u8 },
}

impl SniffError {
    /// What the client is told before its connection is closed.
    ///
    /// A CONNACK in the shape of 3.1.1 with return code 0x01: a client of a level we do not know can only be expected
    /// to read what all older levels read [MQTT-3.1.2-2].
    pub const fn reply(&self) -> Option<Bytes> {
        match self {
            Self::NotConnect => None,
            Self::UnsupportedLevel { .. } => Some(Bytes::from_static(&[0x20, 0x02, 0x00, 0x01])),
        }
    }
}

/// The protocol of a whole CONNECT packet. `MQIsdp` (3.1) and unknown levels of `MQTT` are unsupported.
pub fn sniff(packet: &[u8]) -> Result<Protocol, SniffError> {
    let header = frame::header(packet)
        .ok()
        .flatten()
        .ok_or(SniffError::NotConnect)?;
    if header.first != frame::CONNECT {
        return Err(SniffError::NotConnect);
    }
    let mut body = Cursor::new(packet, header.len);
    let name = body.binary().map_err(|_| SniffError::NotConnect)?;
    let level = body.u8().map_err(|_| SniffError::NotConnect)?;
    match (name, level) {
        (b"MQTT", 4) => Ok(Protocol::V311),
        (b"MQTT", 5) => Ok(Protocol::V5),
        (b"MQTT" | b"MQIsdp", level) => Err(SniffError::UnsupportedLevel { level }),
        _ => Err(SniffError::NotConnect),
    }
}
