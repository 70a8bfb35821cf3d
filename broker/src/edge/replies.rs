//! The few packets that the edge itself says.

use std::sync::Arc;

use bytes::Bytes;

use super::reasons;
use crate::codec::{Auth, ConnAck, Connect, Disconnect, Packet, ReasonCode, encode};
use crate::link::Protocol;

/// No CONNACK or DISCONNECT of ours with its reason is larger: so much of a client's Maximum Packet Size need be known.
const MOST_WITH_REASON: u32 = 128;

/// Who is told: in which protocol, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hearer {
    pub(super) protocol: Protocol,
    /// It wants a Reason String, and takes packets that are large enough for any of ours [MQTT-3.2.2-19].
    pub(super) takes_reasons: bool,
    /// It takes no CONNACK at all [MQTT-3.1.2-24].
    takes_nothing: bool,
}

impl Hearer {
    pub(super) fn of(connect: &Connect) -> Self {
        let wishes = &connect.properties;
        let takes = |len: u32| {
            wishes
                .maximum_packet_size
                .is_none_or(|most| most.get() >= len)
        };
        Self {
            protocol: connect.protocol,
            takes_reasons: connect.protocol == Protocol::V5
                && wishes.request_problem_information
                && takes(MOST_WITH_REASON),
            takes_nothing: !takes(BARE_CONNACK),
        }
    }

    /// Its CONNECT could not be read.
    pub(super) fn unknown(protocol: Protocol) -> Self {
        Self {
            protocol,
            takes_reasons: false,
            takes_nothing: false,
        }
    }

    /// Its CONNACK was sent.
    pub(super) fn attached(protocol: Protocol, takes_reasons: bool) -> Self {
        Self {
            takes_reasons,
            ..Self::unknown(protocol)
        }
    }

    fn reason(self, why: &'static str) -> Option<Arc<str>> {
        self.takes_reasons.then(|| Arc::from(why))
    }
}

/// Of MQTT 5, without properties.
const BARE_CONNACK: u32 = 5;

/// A refusal. Empty when the packet has no bytes in the protocol, or is too large for the client.
pub(super) fn connack(hearer: Hearer, v3: ReasonCode, v5: ReasonCode, why: &'static str) -> Bytes {
    let code = match hearer.protocol {
        Protocol::V311 => v3,
        Protocol::V5 => v5,
    };
    if hearer.takes_nothing {
        return Bytes::new();
    }
    let mut ack = ConnAck::new(code);
    ack.properties.reason = hearer.reason(why);
    encode(hearer.protocol, &Packet::ConnAck(Box::new(ack))).unwrap_or_default()
}

pub(super) fn busy(hearer: Hearer) -> Bytes {
    connack(
        hearer,
        ReasonCode::V3_SERVER_UNAVAILABLE,
        ReasonCode::SERVER_BUSY,
        reasons::BUSY,
    )
}

pub(super) fn unavailable(hearer: Hearer) -> Bytes {
    connack(
        hearer,
        ReasonCode::V3_SERVER_UNAVAILABLE,
        ReasonCode::SERVER_UNAVAILABLE,
        reasons::UNAVAILABLE,
    )
}

pub(super) fn client_id_rejected(hearer: Hearer) -> Bytes {
    connack(
        hearer,
        ReasonCode::V3_IDENTIFIER_REJECTED,
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
        reasons::CLIENT_ID_TOO_LONG,
    )
}

/// Empty in 3.1.1, where a server has no DISCONNECT.
pub(super) fn disconnect(hearer: Hearer, code: ReasonCode) -> Bytes {
    let Protocol::V5 = hearer.protocol else {
        return Bytes::new();
    };
    let disconnect = Disconnect {
        reason: reasons::disconnected(code).and_then(|why| hearer.reason(why)),
        ..Disconnect::new(code)
    };
    encode(Protocol::V5, &Packet::Disconnect(disconnect)).unwrap_or_default()
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
    use std::num::NonZeroU32;

    use super::*;
    use crate::auth::Refusal;
    use crate::codec::{ConnectProperties, decode};

    fn wishes(wants: bool, most: u32) -> Hearer {
        let properties = ConnectProperties {
            request_problem_information: wants,
            maximum_packet_size: NonZeroU32::new(most),
            ..ConnectProperties::default()
        };
        Hearer::of(&Connect {
            properties,
            ..Connect::new(Protocol::V5, "c")
        })
    }

    fn reason(packet: &Bytes) -> Option<String> {
        let reason = match decode(Protocol::V5, packet).unwrap() {
            Packet::ConnAck(ack) => ack.properties.reason,
            Packet::Disconnect(disconnect) => disconnect.reason,
            other => panic!("{other:?}"),
        };
        reason.map(|reason| reason.to_string())
    }

    #[test]
    fn each_protocol_is_told_in_its_own_words() {
        let v3 = Hearer::unknown(Protocol::V311);
        let v5 = Hearer::unknown(Protocol::V5);
        assert_eq!(busy(v3), &[0x20, 2, 0, 3][..]);
        assert_eq!(busy(v5), &[0x20, 3, 0, 0x89, 0][..]);
        assert_eq!(
            disconnect(v5, ReasonCode::SERVER_SHUTTING_DOWN)[..2],
            [0xE0, 2][..]
        );
        assert!(disconnect(v3, ReasonCode::SERVER_SHUTTING_DOWN).is_empty());
    }

    #[test]
    fn who_wants_a_reason_and_takes_it_is_told_one() {
        let code = ReasonCode::PACKET_TOO_LARGE;
        for (hearer, told) in [
            (wishes(true, 0), true),
            (wishes(true, MOST_WITH_REASON), true),
            (wishes(true, MOST_WITH_REASON - 1), false),
            (wishes(false, 0), false),
            (Hearer::unknown(Protocol::V5), false),
        ] {
            for packet in [busy(hearer), disconnect(hearer, code)] {
                assert_eq!(reason(&packet).is_some(), told, "{hearer:?}");
            }
        }
    }

    #[test]
    fn a_client_that_takes_no_connack_gets_none() {
        assert_eq!(busy(wishes(true, 4)), Bytes::new());
        assert_eq!(busy(wishes(true, 5)).len(), 5);
    }

    #[test]
    fn no_reason_is_longer_than_reasons_may_be() {
        let hearer = wishes(true, 0);
        let code = ReasonCode::NOT_AUTHORIZED;
        let refusals = Refusal::ALL.map(|refusal| connack(hearer, code, code, refusal.text()));
        let ends = (0..=u8::MAX).map(|code| disconnect(hearer, ReasonCode(code)));
        let ours = [
            busy(hearer),
            unavailable(hearer),
            client_id_rejected(hearer),
        ];
        let exchange = reasons::EXCHANGE.map(|why| connack(hearer, code, code, why));
        let all = ours.into_iter().chain(refusals).chain(exchange).chain(ends);
        for packet in all {
            assert!(packet.len() <= MOST_WITH_REASON as usize, "{packet:?}");
        }
    }
}
