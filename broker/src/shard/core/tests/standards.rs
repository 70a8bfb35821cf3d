//! What the standards say about single packets.

use std::num::{NonZeroU16, NonZeroU32};

use bytes::Bytes;

use super::network::{Network, disconnected, id, publish, subscribe};
use crate::codec::{
    Ack, Auth, ConnAck, Connect, ConnectProperties, Disconnect, MessageProperties, Packet,
    Protocol, Publish, QoS, ReasonCode, SubAck, Subscription, UnsubAck, Unsubscribe, Will,
};
use crate::link::{Attach, CloseReason};
use crate::session::SessionLimits;

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO, ExactlyOnce as TWO};

fn connack(network: &mut Network, connect: Connect) -> ConnAck {
    let client = network.connect(connect);
    match network.inbox(client).connack.take() {
        Some(Packet::ConnAck(ack)) => *ack,
        other => panic!("{other:?}, refused {:?}", network.inbox(client).refused),
    }
}

fn refused(connect: Connect) -> Bytes {
    let mut network = Network::with_workers(1);
    let client = network.connect(connect);
    network.inbox(client).refused.take().expect("a refusal")
}

#[test]
fn a_v5_connack_tells_what_is_not_served() {
    let mut network = Network::with_workers(1);
    let ack = connack(&mut network, Connect::new(V5, "c"));
    assert_eq!(
        (ack.session_present, ack.code),
        (false, ReasonCode::SUCCESS)
    );
    let properties = ack.properties;
    assert_eq!(properties.maximum_qos, TWO);
    assert_eq!(properties.maximum_packet_size, Some(1 << 20));
    assert_eq!(properties.topic_alias_maximum, 0);
    assert!(properties.retain_available && properties.wildcard_subscription_available);
    assert!(properties.subscription_identifiers_available);
    assert!(properties.shared_subscription_available);
    assert_eq!(
        (properties.session_expiry, properties.assigned_client_id),
        (None, None)
    );
}

#[test]
fn assigned_ids_and_keep_alives_are_told() {
    let mut network = Network::with_workers(1);
    let client = network.client(V5, "first");
    let attach = Attach {
        client_id: "auto-7".into(),
        client_id_assigned: true,
        principal: None,
        protocol: V5,
        connect: crate::codec::encode(V5, &Packet::Connect(Box::new(Connect::new(V5, ""))))
            .unwrap(),
        peer: ([127, 0, 0, 1], 1).into(),
        max_packet_bytes: 1_000,
        topic_alias_maximum: 7,
        limits: crate::link::ListenerLimits::default(),
        server_keep_alive: Some(30),
        authenticated: Some(crate::link::Authenticated {
            method: "SCRAM-SHA-256".into(),
            data: Some(Bytes::from_static(b"v=proof")),
        }),
    };
    let client = super::network::Client {
        stream: crate::link::StreamId(99),
        ..client
    };
    network.attach(client, attach);
    let Some(Packet::ConnAck(ack)) = network.inbox(client).connack.take() else {
        panic!("no CONNACK")
    };
    assert_eq!(ack.properties.assigned_client_id.as_deref(), Some("auto-7"));
    assert_eq!(
        (
            ack.properties.server_keep_alive,
            ack.properties.maximum_packet_size
        ),
        (Some(30), Some(1_000))
    );
    // [MQTT-4.12.0-5]
    assert_eq!(
        (
            ack.properties.authentication_method.as_deref(),
            ack.properties.authentication_data.as_deref()
        ),
        (Some("SCRAM-SHA-256"), Some(&b"v=proof"[..]))
    );
}

#[test]
fn a_v311_connack_is_four_bytes() {
    let mut network = Network::with_workers(1);
    let ack = connack(
        &mut network,
        Connect {
            clean_start: false,
            ..Connect::new(V311, "c")
        },
    );
    assert_eq!(ack, ConnAck::new(ReasonCode::SUCCESS));
}

fn will(qos: QoS, topic: &str) -> Will {
    Will {
        qos,
        retain: false,
        topic: topic.into(),
        payload: Bytes::new(),
        delay: 0,
        properties: None,
    }
}

#[test]
fn wills_that_cannot_be_are_refused() {
    for (qos, topic, code) in [(TWO, "t/+", 0x90), (ZERO, "t/#", 0x90), (ZERO, "", 0x90)] {
        assert_eq!(
            refused(Connect {
                will: Some(will(qos, topic)),
                ..Connect::new(V5, "c")
            })[3],
            code
        );
        // 3.1.1 has no code for these
        assert_eq!(
            refused(Connect {
                will: Some(will(qos, topic)),
                ..Connect::new(V311, "c")
            }),
            ""
        );
    }
}

#[test]
fn authentication_methods_end_at_the_edge() {
    let properties = ConnectProperties {
        authentication_method: Some("SCRAM".into()),
        ..ConnectProperties::default()
    };
    assert_eq!(
        refused(Connect {
            properties,
            ..Connect::new(V5, "c")
        })[3],
        0x8C
    );
}

/// The packet ends the connection; `code` goes to v5 clients.
fn ends(protocol: Protocol, packet: &Packet, code: ReasonCode) {
    let mut network = Network::with_workers(1);
    let client = network.client(protocol, "c");
    network.send(client, packet);
    assert_eq!(
        network.inbox(client).closed,
        Some(CloseReason::ProtocolError),
        "{protocol:?} {packet:?}"
    );
    let expected = if protocol == V5 {
        vec![disconnected(code)]
    } else {
        Vec::new()
    };
    assert_eq!(network.packets(client), expected, "{protocol:?} {packet:?}");
    assert_eq!(network.workers[0].stats().connected, 0);
}

#[test]
fn packets_that_end_the_connection() {
    for protocol in [V311, V5] {
        for (packet, code) in [
            (publish("t/#", "x", ZERO), ReasonCode::TOPIC_NAME_INVALID),
            (publish("", "x", ZERO), ReasonCode::PROTOCOL_ERROR),
            (
                Packet::Connect(Box::new(Connect::new(protocol, "c"))),
                ReasonCode::PROTOCOL_ERROR,
            ),
            (
                Packet::ConnAck(Box::new(ConnAck::new(ReasonCode::SUCCESS))),
                ReasonCode::PROTOCOL_ERROR,
            ),
            (
                Packet::SubAck(SubAck::new(id(1), vec![ReasonCode::SUCCESS])),
                ReasonCode::PROTOCOL_ERROR,
            ),
            (Packet::PingResp, ReasonCode::PROTOCOL_ERROR),
        ] {
            ends(protocol, &packet, code);
        }
    }
    ends(
        V311,
        &subscribe(vec![Subscription::new("a#", ZERO)]),
        ReasonCode::TOPIC_FILTER_INVALID,
    );
    let alias = Publish {
        topic_alias: NonZeroU16::new(1),
        ..Publish::new("t", "x")
    };
    ends(V5, &Packet::Publish(alias), ReasonCode::TOPIC_ALIAS_INVALID);
    let response = MessageProperties {
        response_topic: Some("r/#".into()),
        ..MessageProperties::default()
    };
    let publish = Publish {
        properties: Some(response.into()),
        ..Publish::new("t", "x")
    };
    ends(
        V5,
        &Packet::Publish(publish),
        ReasonCode::TOPIC_NAME_INVALID,
    );
    let identified = Publish {
        subscription_ids: vec![NonZeroU32::MIN],
        ..Publish::new("t", "x")
    };
    ends(V5, &Packet::Publish(identified), ReasonCode::PROTOCOL_ERROR);
    let no_local = Subscription {
        no_local: true,
        ..Subscription::new("$share/g/t", ZERO)
    };
    ends(V5, &subscribe(vec![no_local]), ReasonCode::PROTOCOL_ERROR);
    ends(
        V5,
        &Packet::Auth(Auth::default()),
        ReasonCode::PROTOCOL_ERROR,
    );
    let longer = Disconnect {
        session_expiry: Some(60),
        ..Disconnect::default()
    };
    ends(V5, &Packet::Disconnect(longer), ReasonCode::PROTOCOL_ERROR);
}

#[test]
fn bytes_that_are_no_packet_end_the_connection() {
    let mut network = Network::with_workers(1);
    let (old, new) = (network.client(V311, "old"), network.client(V5, "new"));
    for client in [old, new] {
        network.raw(client, &[0x38, 0x03, 0x00, 0x01, b'a']);
        assert_eq!(
            network.inbox(client).closed,
            Some(CloseReason::ProtocolError)
        );
    }
    assert_eq!(
        network.packets(new),
        [disconnected(ReasonCode::MALFORMED_PACKET)]
    );
    assert_eq!(network.workers[0].stats().protocol_errors_total, 2);
}

#[test]
fn subscribe_answers_each_filter() {
    let wishes = || {
        vec![
            Subscription::new("a", ZERO),
            Subscription::new("b", ONE),
            Subscription::new("c", TWO),
            Subscription::new("$share/g/t", ONE),
            Subscription::new("$share/g", ONE),
        ]
    };
    let mut network = Network::with_workers(1);
    let (old, new) = (network.client(V311, "old"), network.client(V5, "new"));
    network.send(old, &subscribe(wishes()));
    network.send(
        new,
        &subscribe(
            [
                wishes(),
                vec![Subscription::new("#/a", ZERO), Subscription::new("", ZERO)],
            ]
            .concat(),
        ),
    );
    let codes = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|code| ReasonCode(*code))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        network.packets(old),
        [Packet::SubAck(SubAck::new(
            id(1),
            codes(&[0, 1, 2, 1, 0x80])
        ))]
    );
    assert_eq!(
        network.packets(new),
        [Packet::SubAck(SubAck::new(
            id(1),
            codes(&[0, 1, 2, 1, 0x8F, 0x8F, 0x8F])
        ))]
    );
}

#[test]
fn subscriptions_are_bounded() {
    let mut settings = crate::shard::core::CoreSettings::default();
    settings.session.max_subscriptions = 2;
    let mut network = Network::new(&settings);
    let client = network.client(V5, "c");
    let wishes = ["a", "b", "c"].map(|filter| Subscription::new(filter, ZERO));
    network.send(client, &subscribe(wishes.to_vec()));
    let codes = [0, 0, 0x97].map(ReasonCode).to_vec();
    assert_eq!(
        network.packets(client),
        [Packet::SubAck(SubAck::new(id(1), codes))]
    );
    // replacing one needs no room
    network.subscribe(client, "b", ONE);
}

#[test]
fn unsubscribe_answers_each_filter() {
    let codes = |bytes: &[u8]| bytes.iter().map(|code| ReasonCode(*code)).collect();
    let mut network = Network::with_workers(1);
    let (old, new) = (network.client(V311, "old"), network.client(V5, "new"));
    for (client, filters, codes) in [
        (old, &["a", "b", "$share/g/a"][..], codes(&[])),
        (
            new,
            &["a", "b", "$share/g/a", "a#"],
            codes(&[0x00, 0x11, 0x11, 0x8F]),
        ),
    ] {
        network.subscribe(client, "a", ZERO);
        let unsubscribe = Unsubscribe {
            packet_id: id(9),
            filters: filters.iter().map(|filter| (*filter).into()).collect(),
            user: Vec::new(),
        };
        network.send(client, &Packet::Unsubscribe(unsubscribe));
        assert_eq!(
            network.packets(client),
            [Packet::UnsubAck(UnsubAck::new(id(9), codes))]
        );
    }
}

#[test]
fn an_unknown_puback_is_ignored_and_a_ping_is_answered() {
    let mut network = Network::with_workers(1);
    for protocol in [V311, V5] {
        let client = network.client(protocol, "c");
        network.send(
            client,
            &Packet::PubAck(Ack::new(id(500), ReasonCode::SUCCESS)),
        );
        network.send(client, &Packet::PingReq);
        assert_eq!(network.packets(client), [Packet::PingResp]);
    }
}

#[test]
fn too_many_unacknowledged_publishes_end_a_v5_connection() {
    let mut network = Network::with_workers(2);
    // an owner that is the other worker, so that no PUBACK comes while the channels stand still
    let client = (0..1_000)
        .map(|n| format!("c{n}"))
        .map(|id| network.client(V5, &id))
        .find(|c| c.worker == 0)
        .unwrap();
    let owned = |topic: &String| crate::shard::core::partition_of(topic).index() % 2 == 1;
    let topic = (0..1_000).map(|n| format!("t{n}")).find(owned).unwrap();
    for packet_id in 1..=SessionLimits::default().receive_maximum + 1 {
        assert_eq!(network.inbox(client).closed, None);
        let publish = Publish {
            qos: ONE,
            packet_id: Some(id(packet_id)),
            ..Publish::new(topic.as_str(), "x")
        };
        network.send_only(client, &Packet::Publish(publish));
    }
    assert_eq!(
        network.packets(client),
        [disconnected(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED)]
    );
    network.run();
}
