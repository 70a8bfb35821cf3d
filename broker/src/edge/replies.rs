//! The few packets that the edge itself says.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::{Auth, ConnAck, Disconnect, Packet, ReasonCode, encode};
use crate::link::Protocol;

/// A refusal. Empty when the packet has no bytes in the protocol.
pub(super) fn connack(protocol: Protocol, v3: ReasonCode, v5: ReasonCode) -> Bytes {
    let code = match protocol {
        Protocol::V311 => v3,
        Protocol::V5 => v5,
    };
    encode(protocol, &Packet::ConnAck(Box::new(ConnAck::new(code)))).unwrap_or_default()
}

pub(super) fn busy(protocol: Protocol) -> Bytes {
    connack(
        protocol,
        ReasonCode::V3_SERVER_UNAVAILABLE,
        ReasonCode::SERVER_BUSY,
    )
}

pub(super) fn unavailable(protocol: Protocol) -> Bytes {
    connack(
        protocol,
        ReasonCode::V3_SERVER_UNAVAILABLE,
        ReasonCode::SERVER_UNAVAILABLE,
    )
}

pub(super) fn client_id_rejected(protocol: Protocol) -> Bytes {
    connack(
        protocol,
        ReasonCode::V3_IDENTIFIER_REJECTED,
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
    )
}

/// Empty in 3.1.1, where a server has no DISCONNECT.
pub(super) fn disconnect(protocol: Protocol, code: ReasonCode) -> Bytes {
    match protocol {
        Protocol::V311 => Bytes::new(),
        Protocol::V5 => {
            encode(protocol, &Packet::Disconnect(Disconnect::new(code))).unwrap_or_default()
        }
    }
}

/// Of MQTT 5 alone.
pub(super) fn auth(code: ReasonCode, method: &Arc<str>, data: Bytes) -> Bytes {
    let packet = Packet::Auth(Auth {
        code,
        method: Some(Arc::clone(method)),
        data: Some(data),
    });
    encode(Protocol::V5, &packet).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_told_in_its_own_words() {
        assert_eq!(busy(Protocol::V311), &[0x20, 2, 0, 3][..]);
        assert_eq!(busy(Protocol::V5), &[0x20, 3, 0, 0x89, 0][..]);
        assert_eq!(
            disconnect(Protocol::V5, ReasonCode::SERVER_SHUTTING_DOWN)[..2],
            [0xE0, 2][..]
        );
        assert!(disconnect(Protocol::V311, ReasonCode::SERVER_SHUTTING_DOWN).is_empty());
    }
}
