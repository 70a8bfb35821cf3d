//! Who gets what, in one worker and in several.

use super::network::{Network, id, publish, show, subscribe};
use crate::codec::{Ack, Packet, Protocol, Publish, QoS, ReasonCode, Subscription};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

/// The same for one worker and for several: nobody can tell.
fn everywhere(test: impl Fn(Network)) {
    for workers in [1, 2, 5] {
        test(Network::with_workers(workers));
    }
}

#[test]
fn qos_is_the_lower_of_published_and_granted() {
    everywhere(|mut network| {
        let publisher = network.client(V311, "p");
        let (zero, one) = (network.client(V311, "zero"), network.client(V5, "one"));
        network.subscribe(zero, "t/+", ZERO);
        network.subscribe(one, "t/1", ONE);
        network.publish(publisher, "t/1", "a", ZERO);
        network.publish(publisher, "t/1", "b", ONE);
        assert_eq!(network.messages(zero), ["t/1=a", "t/1=b"]);
        assert_eq!(network.messages(one), ["t/1=a", "t/1=b q1"]);
        assert_eq!(
            network.packets(publisher),
            [Packet::PubAck(Ack::new(id(77), ReasonCode::SUCCESS))]
        );
    });
}

#[test]
fn overlapping_filters_give_one_copy_at_the_highest_qos() {
    everywhere(|mut network| {
        let client = network.client(V311, "c");
        for (filter, qos) in [("t/#", ZERO), ("t/1", ONE), ("+/1", ZERO), ("other", ONE)] {
            network.subscribe(client, filter, qos);
        }
        network.publish(client, "t/1", "x", ONE);
        let packets = network.packets(client);
        let messages: Vec<_> = packets
            .iter()
            .filter(|packet| matches!(packet, Packet::Publish(_)))
            .collect();
        let [Packet::Publish(message)] = messages[..] else {
            panic!("{packets:?}")
        };
        assert_eq!(show(message), "t/1=x q1");
    });
}

#[test]
fn after_unsubscribe_and_after_the_end_nothing_comes() {
    everywhere(|mut network| {
        let (publisher, client, gone) = (
            network.client(V311, "p"),
            network.client(V5, "c"),
            network.client(V5, "g"),
        );
        for filter in ["t", "#"] {
            network.subscribe(client, filter, ZERO);
            network.subscribe(gone, filter, ONE);
        }
        network.detach(gone);
        network.unsubscribe(client, "t");
        network.publish(publisher, "t", "a", ZERO);
        network.unsubscribe(client, "#");
        network.publish(publisher, "t", "b", ZERO);
        assert_eq!(network.messages(client), ["t=a"]);
        assert!(network.packets(gone).is_empty());
        let stats: Vec<_> = network
            .workers
            .iter()
            .map(|worker| worker.stats().subscriptions)
            .collect();
        assert_eq!(stats.iter().sum::<u64>(), 0);
        // routes are forgotten at the owners, too
        assert!(
            network
                .workers
                .iter()
                .all(|worker| worker.routes.levels() == 0 && worker.local.levels() == 0)
        );
    });
}

#[test]
fn a_v5_puback_says_when_nobody_subscribed() {
    everywhere(|mut network| {
        let (old, new) = (network.client(V311, "old"), network.client(V5, "new"));
        network.publish(old, "t", "x", ONE);
        network.publish(new, "t", "x", ONE);
        assert_eq!(
            network.packets(old),
            [Packet::PubAck(Ack::new(id(77), ReasonCode::SUCCESS))]
        );
        assert_eq!(
            network.packets(new),
            [Packet::PubAck(Ack::new(
                id(77),
                ReasonCode::NO_MATCHING_SUBSCRIBERS
            ))]
        );
    });
}

#[test]
fn no_local_spares_the_publisher() {
    everywhere(|mut network| {
        let (own, other) = (network.client(V5, "own"), network.client(V5, "other"));
        for client in [own, other] {
            network.send(
                client,
                &subscribe(vec![Subscription {
                    no_local: true,
                    ..Subscription::new("t/#", ONE)
                }]),
            );
            network.packets(client);
        }
        network.publish(own, "t/1", "x", ZERO);
        assert!(network.messages(own).is_empty());
        assert_eq!(network.messages(other), ["t/1=x"]);
        // another filter without the option wants it all the same
        network.subscribe(own, "t/1", ZERO);
        network.publish(own, "t/1", "y", ZERO);
        assert_eq!(network.messages(own), ["t/1=y"]);
    });
}

#[test]
fn properties_are_forwarded_and_3_1_1_gets_none() {
    use crate::codec::{MessageProperties, PayloadFormat};
    use std::sync::Arc;

    everywhere(|mut network| {
        let (publisher, new, old) = (
            network.client(V5, "p"),
            network.client(V5, "n"),
            network.client(V311, "o"),
        );
        network.subscribe(new, "t", ZERO);
        network.subscribe(old, "t", ZERO);
        let properties = Arc::new(MessageProperties {
            payload_format: Some(PayloadFormat::Utf8),
            expiry: Some(60),
            content_type: Some("text".into()),
            response_topic: Some("r".into()),
            correlation_data: Some(bytes::Bytes::from_static(b"c")),
            user: vec![
                ("b".into(), "1".into()),
                ("a".into(), "2".into()),
                ("b".into(), "3".into()),
            ],
        });
        let publish = Publish {
            properties: Some(properties),
            ..Publish::new("t", "x")
        };
        network.send(publisher, &Packet::Publish(publish.clone()));
        assert_eq!(network.packets(new), [Packet::Publish(publish.clone())]);
        assert_eq!(
            network.packets(old),
            [Packet::Publish(Publish {
                properties: None,
                ..publish
            })]
        );
    });
}

#[test]
fn pubacks_keep_the_order_of_their_publishes() {
    let mut network = Network::with_workers(4);
    let publisher = network.client(V311, "p");
    let subscriber = network.client(V311, "s");
    network.subscribe(subscriber, "#", ONE);
    for packet_id in 1..=20 {
        let topic = format!("topic/{packet_id}");
        let publish = Publish {
            qos: ONE,
            packet_id: Some(id(packet_id)),
            ..Publish::new(topic, "x")
        };
        network.send_only(publisher, &Packet::Publish(publish));
    }
    // the last channel first: answers come in another order
    while let Some(pair) = network.busy().last() {
        network.step(*pair);
    }
    let acked: Vec<_> = network
        .packets(publisher)
        .into_iter()
        .map(|packet| {
            if let Packet::PubAck(ack) = packet {
                ack.packet_id.get()
            } else {
                panic!("{packet:?}")
            }
        })
        .collect();
    assert_eq!(acked, (1..=20).collect::<Vec<_>>());
}

/// Acks do not lie: as long as one worker with subscribers has not queued the message, there is no PUBACK.
#[test]
fn a_puback_waits_for_every_worker() {
    let mut network = Network::with_workers(3);
    let mut subscribers = Vec::new();
    for number in 0..30 {
        let client = network.client(V311, &format!("s{number}"));
        network.subscribe(client, "t", ONE);
        subscribers.push(client);
    }
    let publisher = network.client(V311, "p");
    network.send_only(publisher, &publish("t", "x", ONE));
    while let Some(pair) = network.busy().last() {
        network.step(*pair);
        let acked = network
            .inbox(publisher)
            .packets
            .iter()
            .any(|packet| matches!(packet, Packet::PubAck(_)));
        let all_got = subscribers
            .iter()
            .all(|client| network.inbox(*client).packets.len() == 1);
        assert!(!acked || all_got, "acknowledged before everybody had it");
    }
    assert_eq!(network.inbox(publisher).packets.len(), 1);
}

#[test]
fn messages_of_one_batch_share_a_frame() {
    let mut network = Network::with_workers(1);
    let (publisher, subscriber) = (network.client(V311, "p"), network.client(V311, "s"));
    network.subscribe(subscriber, "t", ZERO);
    let frames = network.inbox(subscriber).frames;
    let packet = crate::codec::encode(V311, &publish("t", "x", ZERO)).unwrap();
    network.raw(publisher, &packet.repeat(10));
    assert_eq!(network.messages(subscriber).len(), 10);
    assert_eq!(network.inbox(subscriber).frames, frames + 1);
}
