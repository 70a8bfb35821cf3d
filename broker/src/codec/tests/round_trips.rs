//! Every packet of both protocols, there and back.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::codec::{
    Ack, Auth, ConnAck, ConnAckProperties, Connect, ConnectProperties, Disconnect, EncodeError,
    MessageProperties, Packet, PacketId, PayloadFormat, Protocol, Publish, PublishFrame, QoS,
    ReasonCode, RetainHandling, SubAck, Subscribe, Subscription, UnsubAck, Unsubscribe,
    UserProperties, Will, decode, encode,
};

pub(super) fn id(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}

fn user() -> UserProperties {
    vec![("a".into(), "1".into()), ("a".into(), "2".into())]
}

fn message_properties() -> Arc<MessageProperties> {
    Arc::new(MessageProperties {
        payload_format: Some(PayloadFormat::Utf8),
        expiry: Some(60),
        content_type: Some("text/plain".into()),
        response_topic: Some("reply/here".into()),
        correlation_data: Some(Bytes::from_static(b"\0\x01")),
        user: user(),
    })
}

/// What is there and says 0, which ntex-mqtt's types cannot hold.
fn zeros() -> Arc<MessageProperties> {
    Arc::new(MessageProperties {
        payload_format: Some(PayloadFormat::Bytes),
        expiry: Some(0),
        content_type: Some("".into()),
        user: user(),
        ..MessageProperties::default()
    })
}

/// Packets whose fields exist in both protocols.
pub(super) fn common(protocol: Protocol) -> Vec<Packet> {
    let ack = Ack::new(id(7), ReasonCode::SUCCESS);
    vec![
        Packet::Connect(Box::new(Connect {
            clean_start: false,
            keep_alive: 30,
            username: Some("gw".into()),
            password: Some(Bytes::from_static(b"s\0cret")),
            will: Some(Will {
                qos: QoS::AtLeastOnce,
                retain: true,
                topic: "gw/1/gone".into(),
                payload: Bytes::from_static(b"bye"),
                delay: 0,
                properties: None,
            }),
            ..Connect::new(protocol, "gw-1")
        })),
        Packet::Connect(Box::new(Connect::new(protocol, ""))),
        Packet::ConnAck(Box::new(ConnAck::new(ReasonCode::SUCCESS))),
        Packet::ConnAck(Box::new(ConnAck {
            session_present: true,
            ..ConnAck::new(ReasonCode::SUCCESS)
        })),
        Packet::Publish(Publish::new("gw/1/up", &b"hello"[..])),
        Packet::Publish(Publish {
            dup: true,
            retain: true,
            qos: QoS::AtLeastOnce,
            packet_id: Some(id(0x1234)),
            ..Publish::new("\u{e9}/x", vec![7; 300])
        }),
        Packet::Publish(Publish {
            qos: QoS::ExactlyOnce,
            packet_id: Some(id(9)),
            ..Publish::new("t", Bytes::new())
        }),
        Packet::PubAck(ack.clone()),
        Packet::PubRec(ack.clone()),
        Packet::PubRel(ack.clone()),
        Packet::PubComp(ack),
        Packet::Subscribe(Subscribe {
            packet_id: id(1),
            subscription_id: None,
            filters: vec![
                Subscription::new("a/+", QoS::AtLeastOnce),
                Subscription::new("#", QoS::ExactlyOnce),
            ],
            user: Vec::new(),
        }),
        Packet::SubAck(SubAck::new(
            id(1),
            vec![
                ReasonCode::SUCCESS,
                ReasonCode::GRANTED_QOS_1,
                ReasonCode::UNSPECIFIED_ERROR,
            ],
        )),
        Packet::Unsubscribe(Unsubscribe {
            packet_id: id(2),
            filters: vec!["a/+".into(), "#".into()],
            user: Vec::new(),
        }),
        Packet::PingReq,
        Packet::PingResp,
        Packet::Disconnect(Disconnect::default()),
    ]
}

/// Packets with what MQTT 5 added.
pub(super) fn v5_only() -> Vec<Packet> {
    let ack = Ack {
        reason: Some("why".into()),
        user: user(),
        ..Ack::new(id(7), ReasonCode::QUOTA_EXCEEDED)
    };
    let release = Ack {
        reason: Some("why".into()),
        user: user(),
        ..Ack::new(id(7), ReasonCode::PACKET_IDENTIFIER_NOT_FOUND)
    };
    vec![
        Packet::Connect(Box::new(Connect {
            will: Some(Will {
                qos: QoS::AtMostOnce,
                retain: false,
                topic: "w".into(),
                payload: Bytes::new(),
                delay: 5,
                properties: Some(zeros()),
            }),
            ..Connect::new(Protocol::V5, "gw-1")
        })),
        Packet::Publish(Publish {
            properties: Some(zeros()),
            ..Publish::new("t", &b"x"[..])
        }),
        Packet::Connect(Box::new(Connect {
            will: Some(Will {
                qos: QoS::AtMostOnce,
                retain: false,
                topic: "w".into(),
                payload: Bytes::new(),
                delay: 5,
                properties: Some(message_properties()),
            }),
            properties: ConnectProperties {
                session_expiry: 3600,
                receive_maximum: NonZeroU16::new(10),
                maximum_packet_size: NonZeroU32::new(4096),
                topic_alias_maximum: 3,
                request_problem_information: false,
                request_response_information: true,
                authentication_method: Some("SCRAM".into()),
                authentication_data: Some(Bytes::from_static(b"data")),
                user: user(),
            },
            ..Connect::new(Protocol::V5, "gw-1")
        })),
        Packet::ConnAck(Box::new(ConnAck {
            properties: ConnAckProperties {
                session_expiry: Some(0),
                receive_maximum: NonZeroU16::new(20),
                maximum_qos: QoS::AtLeastOnce,
                retain_available: false,
                maximum_packet_size: Some(65_536),
                assigned_client_id: Some("auto-1".into()),
                topic_alias_maximum: 5,
                wildcard_subscription_available: false,
                subscription_identifiers_available: false,
                shared_subscription_available: false,
                server_keep_alive: Some(60),
                authentication_method: Some("SCRAM-SHA-256".into()),
                authentication_data: Some(Bytes::from_static(b"v=proof")),
                reason: Some("why".into()),
                user: user(),
            },
            ..ConnAck::new(ReasonCode::SUCCESS)
        })),
        Packet::ConnAck(Box::new(ConnAck::new(ReasonCode::SERVER_BUSY))),
        Packet::Publish(Publish {
            properties: Some(message_properties()),
            topic_alias: NonZeroU16::new(3),
            subscription_ids: vec![NonZeroU32::new(1).unwrap(), NonZeroU32::new(300).unwrap()],
            ..Publish::new("t", &b"x"[..])
        }),
        Packet::PubAck(ack.clone()),
        Packet::PubRec(ack),
        Packet::PubRel(release.clone()),
        Packet::PubComp(release),
        Packet::Subscribe(Subscribe {
            packet_id: id(1),
            subscription_id: NonZeroU32::new(77),
            filters: vec![Subscription {
                no_local: true,
                retain_as_published: true,
                retain_handling: RetainHandling::Never,
                ..Subscription::new("a", QoS::AtLeastOnce)
            }],
            user: user(),
        }),
        Packet::SubAck(SubAck {
            reason: Some("why".into()),
            user: user(),
            ..SubAck::new(id(1), vec![ReasonCode::QUOTA_EXCEEDED])
        }),
        Packet::UnsubAck(UnsubAck {
            reason: Some("why".into()),
            user: user(),
            ..UnsubAck::new(
                id(1),
                vec![ReasonCode::SUCCESS, ReasonCode::NO_SUBSCRIPTION_EXISTED],
            )
        }),
        Packet::Disconnect(Disconnect {
            session_expiry: Some(9),
            reason: Some("why".into()),
            user: user(),
            ..Disconnect::new(ReasonCode::SERVER_SHUTTING_DOWN)
        }),
        Packet::Auth(Auth {
            code: ReasonCode(0x18),
            method: Some("SCRAM".into()),
            data: Some(Bytes::from_static(b"x")),
        }),
    ]
}

pub(super) fn all(protocol: Protocol) -> Vec<Packet> {
    let mut packets = common(protocol);
    match protocol {
        Protocol::V5 => packets.extend(v5_only()),
        Protocol::V311 => packets.push(Packet::UnsubAck(UnsubAck::new(id(2), Vec::new()))),
    }
    packets
}

#[test]
fn every_packet_survives_both_ways() {
    for protocol in [Protocol::V311, Protocol::V5] {
        for packet in all(protocol) {
            let bytes =
                encode(protocol, &packet).unwrap_or_else(|error| panic!("{packet:?}: {error}"));
            let decoded = decode(protocol, &bytes);
            assert_eq!(decoded.as_ref(), Ok(&packet), "{protocol:?} {bytes:x?}");
        }
    }
}

#[test]
fn known_bytes() {
    let publish = Publish {
        qos: QoS::AtLeastOnce,
        packet_id: Some(id(10)),
        ..Publish::new("a/b", &b"hi"[..])
    };
    assert_eq!(
        encode(Protocol::V311, &Packet::Publish(publish)).unwrap(),
        [
            0x32, 0x09, 0x00, 0x03, b'a', b'/', b'b', 0x00, 0x0A, b'h', b'i'
        ]
        .as_ref()
    );
    assert_eq!(
        encode(Protocol::V311, &Packet::PingReq).unwrap(),
        [0xC0, 0x00].as_ref()
    );
    let connect = Connect {
        keep_alive: 60,
        ..Connect::new(Protocol::V311, "c")
    };
    assert_eq!(
        encode(Protocol::V311, &Packet::Connect(Box::new(connect))).unwrap(),
        [
            0x10, 0x0D, 0x00, 0x04, b'M', b'Q', b'T', b'T', 0x04, 0x02, 0x00, 0x3C, 0x00, 0x01,
            b'c'
        ]
        .as_ref()
    );
}

#[test]
fn what_a_protocol_lacks_is_an_error() {
    assert_eq!(
        encode(Protocol::V311, &Packet::Auth(Auth::default())),
        Err(EncodeError::NotInProtocol("AUTH"))
    );
    let code = ReasonCode::SERVER_BUSY;
    assert_eq!(
        encode(
            Protocol::V311,
            &Packet::ConnAck(Box::new(ConnAck::new(code)))
        ),
        Err(EncodeError::ReasonCode {
            packet: "CONNACK",
            code
        })
    );
    let long: Arc<str> = "x".repeat(70_000).into();
    let mut out = BytesMut::from(&b"before"[..]);
    for protocol in [Protocol::V311, Protocol::V5] {
        let packet = Packet::Publish(Publish::new(Arc::clone(&long), Bytes::new()));
        assert!(crate::codec::encode_into(protocol, &packet, &mut out).is_err());
        assert_eq!(&out[..], b"before");
    }
}

#[test]
fn credentials_are_taken_out() {
    for protocol in [Protocol::V311, Protocol::V5] {
        let Some(Packet::Connect(connect)) = common(protocol).into_iter().next() else {
            panic!("no CONNECT")
        };
        let bytes = encode(
            protocol,
            &Packet::Connect(Box::new(connect.without_credentials())),
        )
        .unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"s\0cret"));
        assert_eq!(
            decode(protocol, &bytes),
            Ok(Packet::Connect(Box::new(Connect {
                username: None,
                password: None,
                ..*connect
            })))
        );
    }
}

#[test]
fn a_publish_frame_takes_each_receivers_id() {
    for (protocol, topic) in [
        (Protocol::V311, "t"),
        (Protocol::V5, "a/longer/topic"),
        (Protocol::V311, ""),
    ] {
        for payload in [0, 50, 200] {
            let publish = Publish {
                qos: QoS::AtLeastOnce,
                packet_id: Some(id(0x4567)),
                ..Publish::new(topic, vec![1; payload])
            };
            let frame = PublishFrame::new(protocol, publish.clone()).unwrap();
            let mut out = BytesMut::from(&b"xyz"[..]);
            frame.write(publish.packet_id, &mut out);
            assert_eq!(out.len(), frame.len() + 3);
            assert_eq!(
                decode(protocol, &out.freeze().slice(3..)),
                Ok(Packet::Publish(publish))
            );
        }
    }
}

#[test]
fn subscription_identifiers_go_into_a_frame() {
    let ids =
        |ids: &[u32]| -> Vec<_> { ids.iter().map(|id| NonZeroU32::new(*id).unwrap()).collect() };
    let user = |count| vec![("key".into(), "value".into()); count];
    let many: Vec<u32> = (1..60).collect();
    for (payload, count) in [(0, 0), (120, 0), (0, 10), (16_000, 1_640), (200, 1)] {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
            for ids in [ids(&[1]), ids(&[127, 128, 268_435_455]), ids(&many)] {
                let properties = MessageProperties {
                    user: user(count),
                    ..MessageProperties::default()
                };
                let publish = Publish {
                    qos,
                    packet_id: (qos > QoS::AtMostOnce).then_some(id(0x4567)),
                    properties: (count > 0).then(|| properties.into()),
                    ..Publish::new("a/topic", vec![1; payload])
                };
                let plain = PublishFrame::new(Protocol::V5, publish.clone()).unwrap();
                let frame = plain.with_subscription_ids(&ids).unwrap();
                let mut out = BytesMut::new();
                frame.write(publish.packet_id, &mut out);
                let expected = Publish {
                    subscription_ids: ids,
                    ..publish
                };
                let found = decode(Protocol::V5, &out.freeze());
                assert_eq!(found, Ok(Packet::Publish(expected)));
            }
        }
    }
}
