//! QoS 2, packet by packet.

use bytes::Bytes;

use super::network::{Network, disconnected, id, show, subscribe};
use crate::codec::{Ack, Packet, Protocol, Publish, QoS, ReasonCode, Subscription, encode};
use crate::link::CloseReason;
use crate::shard::core::partition_of;

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO, ExactlyOnce as TWO};

fn ack(number: u16) -> Ack {
    Ack::new(id(number), ReasonCode::SUCCESS)
}

fn not_found(number: u16) -> Ack {
    Ack::new(id(number), ReasonCode::PACKET_IDENTIFIER_NOT_FOUND)
}

fn publish(number: u16, payload: &str, dup: bool) -> Packet {
    Packet::Publish(Publish {
        dup,
        qos: TWO,
        packet_id: Some(id(number)),
        ..Publish::new("t", payload.to_owned())
    })
}

#[test]
fn a_message_goes_both_ways_in_four_steps() {
    for workers in [1, 3] {
        for protocol in [V311, V5] {
            let mut network = Network::with_workers(workers);
            let (publisher, subscriber) =
                (network.client(protocol, "p"), network.client(protocol, "s"));
            network.subscribe(subscriber, "t", TWO);
            network.send(publisher, &publish(7, "x", false));
            assert_eq!(network.packets(publisher), [Packet::PubRec(ack(7))]);
            network.send(publisher, &Packet::PubRel(ack(7)));
            assert_eq!(network.packets(publisher), [Packet::PubComp(ack(7))]);

            let packets = network.packets(subscriber);
            let [Packet::Publish(message)] = &packets[..] else {
                panic!("{packets:?}")
            };
            assert_eq!((show(message).as_str(), message.dup), ("t=x q2", false));
            let number = message.packet_id.unwrap().get();
            network.send(subscriber, &Packet::PubRec(ack(number)));
            assert_eq!(network.packets(subscriber), [Packet::PubRel(ack(number))]);
            network.send(subscriber, &Packet::PubComp(ack(number)));
            assert!(network.is_done("p") && network.is_done("s"));
        }
    }
}

#[test]
fn the_lower_qos_of_the_two_counts() {
    let mut network = Network::with_workers(2);
    let publisher = network.client(V5, "p");
    let subscribers: Vec<_> = [("zero", ZERO), ("one", ONE), ("two", TWO)]
        .into_iter()
        .map(|(client_id, qos)| {
            let client = network.client(V311, client_id);
            network.subscribe(client, "t", qos);
            client
        })
        .collect();
    for qos in [ZERO, ONE, TWO] {
        network.publish(publisher, "t", "x", qos);
        let got = subscribers.iter().map(|client| network.messages(*client));
        let expected = [ZERO, ONE, TWO].map(|granted| match qos.min(granted) {
            ZERO => vec!["t=x".to_owned()],
            qos => vec![format!("t=x q{}", qos as u8)],
        });
        assert_eq!(got.collect::<Vec<_>>(), expected);
    }
}

/// Whether or not its PUBREC was lost, and whether or not the client says that it sends it again.
#[test]
fn a_message_that_comes_again_is_answered_and_not_routed() {
    let mut network = Network::with_workers(1);
    let (publisher, subscriber) = (network.client(V5, "p"), network.client(V5, "s"));
    network.subscribe(subscriber, "t", ZERO);
    for dup in [false, true, true] {
        network.send(publisher, &publish(7, "x", dup));
        assert_eq!(network.packets(publisher), [Packet::PubRec(ack(7))]);
    }
    assert_eq!(network.messages(subscriber), ["t=x"]);
    // released, the id is free for another
    network.send(publisher, &Packet::PubRel(ack(7)));
    network.send(publisher, &publish(7, "y", false));
    assert_eq!(network.messages(subscriber), ["t=y"]);
}

#[test]
fn an_unknown_pubrel_is_completed() {
    for (protocol, answer) in [(V311, ack(7)), (V5, not_found(7))] {
        let mut network = Network::with_workers(1);
        let client = network.client(protocol, "c");
        network.send(client, &Packet::PubRel(ack(7)));
        assert_eq!(network.packets(client), [Packet::PubComp(answer)]);
    }
}

#[test]
fn an_unknown_pubrec_is_released() {
    for (protocol, answer) in [(V311, ack(7)), (V5, not_found(7))] {
        let mut network = Network::with_workers(1);
        let client = network.client(protocol, "c");
        network.send(client, &Packet::PubRec(ack(7)));
        assert_eq!(network.packets(client), [Packet::PubRel(answer)]);
        network.send(client, &Packet::PubComp(ack(7)));
        assert_eq!(network.inbox(client).closed, None);
    }
}

#[test]
fn a_refused_message_is_done_with() {
    let mut network = Network::with_workers(1);
    let (publisher, subscriber) = (network.client(V5, "p"), network.client(V5, "s"));
    network.subscribe(subscriber, "t", TWO);
    network.publish(publisher, "t", "x", TWO);
    network.packets(subscriber);
    let refusal = Ack::new(id(1), ReasonCode::QUOTA_EXCEEDED);
    network.send(subscriber, &Packet::PubRec(refusal));
    assert!(network.packets(subscriber).is_empty());
    assert!(network.is_done("s"));
}

#[test]
fn acknowledgements_of_the_wrong_kind_end_the_connection() {
    for (qos, wrong) in [
        (ONE, Packet::PubRec(ack(1))),
        (ONE, Packet::PubComp(ack(1))),
        (TWO, Packet::PubAck(ack(1))),
        (TWO, Packet::PubComp(ack(1))),
    ] {
        let mut network = Network::with_workers(1);
        let (publisher, subscriber) = (network.client(V5, "p"), network.client(V5, "s"));
        network.subscribe(subscriber, "t", qos);
        network.publish(publisher, "t", "x", qos);
        network.packets(subscriber);
        network.send(subscriber, &wrong);
        let told = [disconnected(ReasonCode::PROTOCOL_ERROR)];
        assert_eq!(network.packets(subscriber), told, "{qos:?} {wrong:?}");
    }
}

#[test]
fn an_id_in_use_is_for_no_other_message() {
    let mut network = Network::with_workers(1);
    let client = network.client(V5, "c");
    network.send(client, &publish(7, "x", false));
    network.packets(client);
    let other = Publish {
        qos: ONE,
        packet_id: Some(id(7)),
        ..Publish::new("t", "y")
    };
    network.send(client, &Packet::Publish(other));
    let told = [disconnected(ReasonCode::PROTOCOL_ERROR)];
    assert_eq!(network.packets(client), told);
}

/// A publisher at worker 0 and a topic that worker 1 owns, so that answers wait for the channels between them.
fn apart() -> (Network, super::network::Client, String) {
    let mut network = Network::with_workers(2);
    let publisher = (0..1_000)
        .map(|number| format!("p{number}"))
        .find(|client_id| partition_of(client_id).index().is_multiple_of(2));
    let publisher = network.client(V5, &publisher.unwrap());
    assert_eq!(publisher.worker, 0);
    let owned = |topic: &String| partition_of(topic).index() % 2 == 1;
    let topic = (0..1_000).map(|n| format!("t{n}")).find(owned).unwrap();
    (network, publisher, topic)
}

fn publish_to(topic: &str, qos: QoS, number: u16) -> Packet {
    Packet::Publish(Publish {
        qos,
        packet_id: Some(id(number)),
        ..Publish::new(topic, "x")
    })
}

#[test]
fn pubacks_and_pubrecs_keep_the_order_of_their_messages() {
    let (mut network, publisher, far) = apart();
    let near = (0..1_000)
        .map(|n| format!("t{n}"))
        .find(|topic| partition_of(topic).index().is_multiple_of(2));
    let near = near.unwrap();
    for (topic, qos, number) in [
        (&far, TWO, 1),
        (&near, ONE, 2),
        (&near, TWO, 3),
        (&far, ONE, 4),
    ] {
        network.send_only(publisher, &publish_to(topic, qos, number));
    }
    assert!(network.packets(publisher).is_empty());
    network.run();
    let answer = |number| Ack::new(id(number), ReasonCode::NO_MATCHING_SUBSCRIBERS);
    assert_eq!(
        network.packets(publisher),
        [
            Packet::PubRec(answer(1)),
            Packet::PubAck(answer(2)),
            Packet::PubRec(answer(3)),
            Packet::PubAck(answer(4)),
        ]
    );
}

#[test]
fn a_message_that_is_on_its_way_cannot_be_released() {
    let (mut network, publisher, topic) = apart();
    network.send_only(publisher, &publish_to(&topic, TWO, 1));
    network.send_only(publisher, &Packet::PubRel(ack(1)));
    let told = [disconnected(ReasonCode::PROTOCOL_ERROR)];
    assert_eq!(network.packets(publisher), told);
    network.run();
}

#[test]
fn qos_2_counts_for_the_receive_maximum_until_it_is_released() {
    let mut network = Network::with_workers(1);
    let client = network.client(V5, "c");
    let most = crate::session::SessionLimits::default().receive_maximum;
    for number in 1..=most {
        network.send(client, &publish(number, "x", false));
    }
    network.send(client, &Packet::PubRel(ack(1)));
    network.send(client, &publish(1, "x", false));
    assert_eq!(network.inbox(client).closed, None);
    network.packets(client);
    network.send(client, &publish(most + 1, "x", false));
    let told = [disconnected(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED)];
    assert_eq!(network.packets(client), told);
}

/// 3.1.1 has no Receive Maximum; but what a client never releases has a bound all the same.
#[test]
fn unreleased_messages_are_bounded() {
    let mut network = Network::with_workers(1);
    let client = network.client(V311, "c");
    let mut bytes = Vec::new();
    for number in 1..=4_096 {
        bytes.extend_from_slice(&encode(V311, &publish(number, "", false)).unwrap());
    }
    network.raw(client, &bytes);
    assert_eq!(network.inbox(client).closed, None);
    network.raw(client, &encode(V311, &publish(4_097, "", false)).unwrap());
    let closed = network.inbox(client).closed;
    assert_eq!(closed, Some(CloseReason::ProtocolError));
}

/// A PUBREC with an error would free the id, and what is sent again would be delivered again.
#[test]
fn a_pubrec_does_not_tell_that_a_message_is_not_kept() {
    let mut network = Network::new(&crate::shard::core::CoreSettings {
        max_retained_messages: 0,
        ..crate::shard::core::CoreSettings::default()
    });
    let (client, watcher) = (network.client(V5, "c"), network.client(V5, "w"));
    network.subscribe(watcher, "t", ZERO);
    let retained = Publish {
        retain: true,
        qos: TWO,
        packet_id: Some(id(1)),
        ..Publish::new("t", "x")
    };
    for _ in 0..2 {
        network.send(client, &Packet::Publish(retained.clone()));
        assert_eq!(network.packets(client), [Packet::PubRec(ack(1))]);
    }
    assert_eq!(network.messages(watcher), ["t=x"]);
    assert_eq!(network.workers[0].stats().dropped.retained_full, 1);
}

#[test]
fn retained_messages_and_wills_have_qos_2() {
    let mut network = Network::with_workers(2);
    let will = crate::codec::Will {
        qos: TWO,
        retain: true,
        topic: "gone".into(),
        payload: Bytes::from_static(b"bye"),
        delay: 0,
        properties: None,
    };
    let (early, late) = (network.client(V311, "early"), network.client(V5, "late"));
    network.subscribe(early, "gone", TWO);
    let mortal = network.connect(crate::codec::Connect {
        will: Some(will),
        ..crate::codec::Connect::new(V311, "mortal")
    });
    network.detach(mortal);
    assert_eq!(network.messages(early), ["gone=bye q2"]);
    network.send(late, &subscribe(vec![Subscription::new("gone", TWO)]));
    let packets = network.packets(late);
    let message = packets.iter().find_map(|packet| match packet {
        Packet::Publish(publish) => Some(show(publish)),
        _ => None,
    });
    assert_eq!(message.as_deref(), Some("gone=bye! q2"));
}
