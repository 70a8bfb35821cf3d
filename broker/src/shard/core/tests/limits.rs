//! What one client may ask of a shard, and what it is told beyond that.

use super::network::{Network, disconnected, publish, subscribe};
use crate::codec::{Connect, Packet, Protocol, Publish, QoS, ReasonCode, Subscription, Will};
use crate::link::CloseReason;
use crate::session::{SessionLimits, TopicLimits};
use crate::shard::core::CoreSettings;

use Protocol::{V5, V311};
use QoS::AtMostOnce as ZERO;

fn network() -> Network {
    Network::new(&CoreSettings {
        session: SessionLimits {
            receive_maximum: 3,
            max_subscriptions: 2,
            topics: TopicLimits {
                bytes: 20,
                levels: 3,
            },
            ..SessionLimits::default()
        },
        ..CoreSettings::default()
    })
}

#[test]
fn a_topic_beyond_the_limits_ends_the_connection_and_is_counted() {
    for topic in ["a/b/c/d", "abcdefghijklmnopqrstu"] {
        for (protocol, told) in [
            (V5, vec![disconnected(ReasonCode::TOPIC_NAME_INVALID)]),
            (V311, vec![]),
        ] {
            let mut network = network();
            let client = network.client(protocol, "c");
            network.publish(client, "a/b/c", "x", ZERO);
            assert_eq!(network.inbox(client).closed, None);
            network.send(client, &publish(topic, "x", ZERO));
            assert_eq!(network.packets(client), told);
            assert_eq!(
                network.inbox(client).closed,
                Some(CloseReason::ProtocolError)
            );
            assert_eq!(network.workers[0].stats().limits.topic, 1);
        }
    }
}

#[test]
fn a_will_beyond_the_limits_is_refused() {
    let mut network = network();
    let will = Will {
        qos: ZERO,
        retain: false,
        topic: "a/b/c/d".into(),
        payload: bytes::Bytes::new(),
        delay: 0,
        properties: None,
    };
    let client = network.connect(Connect {
        will: Some(will),
        ..Connect::new(V5, "c")
    });
    let told = network.inbox(client).refused.take().unwrap();
    assert_eq!(told[3], ReasonCode::TOPIC_NAME_INVALID.0);
}

#[test]
fn filters_beyond_the_limits_are_refused_one_by_one() {
    for (protocol, topic, quota) in [
        (
            V5,
            ReasonCode::TOPIC_FILTER_INVALID,
            ReasonCode::QUOTA_EXCEEDED,
        ),
        (
            V311,
            ReasonCode::UNSPECIFIED_ERROR,
            ReasonCode::UNSPECIFIED_ERROR,
        ),
    ] {
        let mut network = network();
        let client = network.client(protocol, "c");
        let filters = ["a/b/#", "a/b/c/#", "abcdefghijklmnopqrstu", "b", "c", "b"];
        let filters = filters.map(|filter| Subscription::new(filter, ZERO));
        network.send(client, &subscribe(filters.to_vec()));
        let Some(Packet::SubAck(suback)) = network.packets(client).pop() else {
            panic!("a SUBACK")
        };
        let ok = ReasonCode::SUCCESS;
        // what the client has already takes no room
        assert_eq!(suback.codes[..5], [ok, topic, topic, ok, quota]);
        let limits = network.workers[0].stats().limits;
        assert_eq!((limits.topic, limits.subscriptions), (2, 2));
    }
}

#[test]
fn the_receive_maximum_is_told() {
    let mut network = network();
    let client = network.connect(Connect::new(V5, "c"));
    let Some(Packet::ConnAck(ack)) = network.inbox(client).connack.take() else {
        panic!("a CONNACK")
    };
    assert_eq!(ack.properties.receive_maximum.map(u16::from), Some(3));
    let publish = Publish::new("t", "x");
    network.send(client, &Packet::Publish(publish));
    assert_eq!(network.inbox(client).closed, None);
}
