//! Packets that are nearly too large, and those that are.

use super::round_trips::id;
use crate::codec::{
    Ack, EncodeError, Packet, Protocol, QoS, ReasonCode, SubAck, Subscribe, Subscription, decode,
    encode,
};

#[test]
fn long_lists_have_bytes() {
    let codes = vec![ReasonCode::SUCCESS; 100_000];
    let filters = (0..10_000).map(|at| Subscription::new(format!("a/{at}"), QoS::AtMostOnce));
    for protocol in [Protocol::V311, Protocol::V5] {
        for packet in [
            Packet::SubAck(SubAck::new(id(1), codes.clone())),
            Packet::Subscribe(Subscribe {
                packet_id: id(1),
                subscription_id: None,
                filters: filters.clone().collect(),
                user: Vec::new(),
            }),
        ] {
            let bytes = encode(protocol, &packet).unwrap();
            assert_eq!(decode(protocol, &bytes), Ok(packet));
        }
    }
}

/// Judged by what the strings could be: the codecs panic at what does not fit a remaining length.
#[test]
fn what_may_not_fit_is_refused() {
    let ack = Ack {
        user: vec![("a".into(), "b".into()); 3_000],
        ..Ack::new(id(1), ReasonCode::SUCCESS)
    };
    assert_eq!(
        encode(Protocol::V5, &Packet::PubAck(ack)),
        Err(EncodeError::TooLarge)
    );
}
