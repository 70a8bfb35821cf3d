//! What one client may ask of a shard, and what it is told beyond that.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use super::network::{Client, Network, disconnected, publish, subscribe};
use crate::codec::{Connect, Packet, Protocol, Publish, QoS, ReasonCode, Subscription, Will};
use crate::link::{CloseReason, ListenerLimits};
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
    assert_eq!(network.workers[0].stats().limits.topic, 1);
}

/// What a filter over the topic limits is answered, and one over the number of subscriptions.
const REFUSALS: [(Protocol, ReasonCode, ReasonCode); 2] = [
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
];

#[test]
fn filters_beyond_the_limits_are_refused_one_by_one() {
    for (protocol, topic, quota) in REFUSALS {
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
        assert_eq!(suback.codes, [ok, topic, topic, ok, quota, ok]);
        let limits = network.workers[0].stats().limits;
        assert_eq!((limits.topic, limits.subscriptions), (2, 1));
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

fn few() -> ListenerLimits {
    ListenerLimits {
        max_queued_messages: NonZeroU32::new(2),
        max_queued_bytes: NonZeroU32::new(1_024),
        max_inflight: NonZeroU16::new(1),
        receive_maximum: NonZeroU16::new(2),
        max_topic_bytes: NonZeroU16::new(10),
        max_topic_levels: NonZeroU8::new(2),
        max_subscriptions: NonZeroU32::new(1),
    }
}

/// Clients `few` and `many` of two listeners, one with limits of its own.
fn two_listeners(protocol: Protocol) -> (Network, [Client; 2]) {
    let mut network = Network::with_workers(1);
    let many = network.client(protocol, "many");
    network.listener = few();
    let few = network.client(protocol, "few");
    (network, [few, many])
}

#[test]
fn a_listener_limits_topics_and_subscriptions_of_its_clients_alone() {
    for (protocol, topic, quota) in REFUSALS {
        let (mut network, clients) = two_listeners(protocol);
        let ok = ReasonCode::SUCCESS;
        for (client, codes) in clients
            .into_iter()
            .zip([[topic, topic, ok, quota], [ok; 4]])
        {
            let filters = ["a/b/#", "abcdefghijk", "b", "c"];
            let filters = filters.map(|filter| Subscription::new(filter, ZERO));
            network.send(client, &subscribe(filters.to_vec()));
            let Some(Packet::SubAck(suback)) = network.packets(client).pop() else {
                panic!("a SUBACK")
            };
            assert_eq!(suback.codes, codes, "{protocol:?}");
        }
        let [few, many] = clients;
        for (client, closed) in [(many, None), (few, Some(CloseReason::ProtocolError))] {
            network.send(client, &publish("a/b/c", "x", ZERO));
            assert_eq!(network.inbox(client).closed, closed);
        }
    }
}

#[test]
fn a_listener_limits_what_waits_and_what_is_under_way() {
    for protocol in [V311, V5] {
        let (mut network, [few, many]) = two_listeners(protocol);
        let publisher = network.client(V5, "publisher");
        for client in [few, many] {
            network.subscribe(client, "t", QoS::AtLeastOnce);
        }
        for payload in ["1", "2", "3", "4", "5"] {
            network.publish(publisher, "t", payload, QoS::AtLeastOnce);
        }
        // one under way, two wait, two have no room
        assert_eq!(network.packets(few).len(), 1);
        assert_eq!(network.packets(many).len(), 5);
        let stats = network.workers[0].stats();
        assert_eq!((stats.queued, stats.dropped.queue_full_qos1), (2, 2));
        assert_eq!(stats.over_inflight_total, 4);
    }
}

#[test]
fn a_listener_limits_the_bytes_that_wait() {
    let (mut network, [few, _]) = two_listeners(V5);
    let publisher = network.client(V5, "publisher");
    network.subscribe(few, "t", QoS::AtLeastOnce);
    for (payload, dropped) in [(1, 0), (900, 0), (200, 1), (10, 1)] {
        network.publish(publisher, "t", &"x".repeat(payload), QoS::AtLeastOnce);
        let stats = network.workers[0].stats();
        assert_eq!(stats.dropped.queue_full_qos1, dropped, "{payload}");
    }
}

#[test]
fn a_listener_limits_what_a_client_may_have_sent_unacknowledged() {
    let (mut network, _) = two_listeners(V5);
    let told = |network: &mut Network, client_id: &str| {
        let client = network.connect(Connect::new(V5, client_id));
        let Some(Packet::ConnAck(ack)) = network.inbox(client).connack.take() else {
            panic!("a CONNACK")
        };
        ack.properties.receive_maximum.map(u16::from)
    };
    assert_eq!(told(&mut network, "a"), Some(2));
    network.listener = ListenerLimits::default();
    assert_eq!(told(&mut network, "b"), Some(256));
    // an edge cannot allow more than the shard does
    network.listener.receive_maximum = Some(NonZeroU16::MAX);
    assert_eq!(told(&mut network, "c"), Some(256));
}

#[test]
fn a_session_has_the_limits_of_the_listener_that_its_client_came_to_last() {
    let mut network = Network::with_workers(1);
    let kept = || Connect {
        clean_start: false,
        ..Connect::new(V311, "c")
    };
    let first = network.connect(kept());
    for filter in ["a", "b"] {
        network.subscribe(first, filter, ZERO);
    }
    network.listener = few();
    let second = network.connect(kept());
    let mut codes = |client, filter: &str| {
        network.send(client, &subscribe(vec![Subscription::new(filter, ZERO)]));
        match network.packets(client).pop() {
            Some(Packet::SubAck(suback)) => suback.codes,
            other => panic!("a SUBACK, not {other:?}"),
        }
    };
    // what it has stays its own
    assert_eq!(codes(second, "a"), [ReasonCode::SUCCESS]);
    assert_eq!(codes(second, "c"), [ReasonCode::UNSPECIFIED_ERROR]);
}
