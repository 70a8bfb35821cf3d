//! Subscription options and identifiers.

use std::num::NonZeroU32;

use super::network::{Client, Network, id};
use crate::codec::{
    Packet, Protocol, Publish, QoS, ReasonCode, RetainHandling, SubAck, Subscribe, Subscription,
};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn everywhere(test: impl Fn(Network)) {
    for workers in [1, 2, 5] {
        test(Network::with_workers(workers));
    }
}

/// Subscribes with an identifier (0: none) and returns what came with the SUBACK.
fn subscribe(network: &mut Network, client: Client, number: u32, wish: Subscription) -> Vec<Shown> {
    let packet = Subscribe {
        packet_id: id(1),
        subscription_id: NonZeroU32::new(number),
        filters: vec![wish],
        user: Vec::new(),
    };
    network.send(client, &Packet::Subscribe(packet));
    shown(network, client)
}

/// Payload, QoS, retain flag, identifiers.
type Shown = (String, u8, bool, Vec<u32>);

fn shown(network: &mut Network, client: Client) -> Vec<Shown> {
    let shown = network.packets(client).into_iter().filter_map(|packet| {
        let Packet::Publish(publish) = packet else {
            return None;
        };
        Some((
            String::from_utf8_lossy(&publish.payload).into_owned(),
            publish.qos as u8,
            publish.retain,
            publish.subscription_ids.iter().map(|id| id.get()).collect(),
        ))
    });
    shown.collect()
}

fn message(payload: &str, qos: u8, retain: bool, ids: &[u32]) -> Shown {
    (payload.to_owned(), qos, retain, ids.to_vec())
}

#[test]
fn a_copy_names_every_subscription_that_it_is_for() {
    everywhere(|mut network| {
        let (publisher, client, other) = (
            network.client(V311, "p"),
            network.client(V5, "c"),
            network.client(V5, "o"),
        );
        subscribe(&mut network, client, 300, Subscription::new("t/#", ZERO));
        subscribe(&mut network, client, 7, Subscription::new("t/+", ONE));
        subscribe(&mut network, client, 7, Subscription::new("+/1", ZERO));
        subscribe(&mut network, client, 0, Subscription::new("t/1", ZERO));
        subscribe(&mut network, other, 9, Subscription::new("t/1", ZERO));
        network.publish(publisher, "t/1", "x", ONE);
        network.publish(publisher, "t/1/2", "y", ONE);
        assert_eq!(
            shown(&mut network, client),
            [
                message("x", 1, false, &[7, 7, 300]),
                message("y", 0, false, &[300])
            ]
        );
        assert_eq!(shown(&mut network, other), [message("x", 0, false, &[9])]);
    });
}

#[test]
fn a_subscription_is_replaced_with_its_identifier_and_options() {
    everywhere(|mut network| {
        let client = network.client(V5, "c");
        for (number, qos, expected) in [
            (5, ONE, message("x", 1, false, &[5])),
            (6, ZERO, message("x", 0, false, &[6])),
            (0, ONE, message("x", 1, false, &[])),
        ] {
            subscribe(&mut network, client, number, Subscription::new("t", qos));
            network.publish(client, "t", "x", ONE);
            assert_eq!(shown(&mut network, client), [expected]);
        }
        let subscriptions: u64 = network
            .workers
            .iter()
            .map(|worker| worker.stats().subscriptions)
            .sum();
        assert_eq!(subscriptions, 1);
    });
}

#[test]
fn retained_copies_name_the_subscription_that_asked() {
    everywhere(|mut network| {
        let client = network.client(V5, "c");
        network.retain(client, "t/1", "kept");
        subscribe(&mut network, client, 1, Subscription::new("t/#", ZERO));
        let came = subscribe(&mut network, client, 2, Subscription::new("t/+", ZERO));
        assert_eq!(came, [message("kept", 0, true, &[2])]);
    });
}

/// A queue keeps the shape of what waits in it.
#[test]
fn identifiers_survive_the_queue() {
    let mut network = Network::with_workers(1);
    let (publisher, client) = (network.client(V311, "p"), network.client(V5, "c"));
    subscribe(&mut network, client, 4, Subscription::new("t", ZERO));
    network.reads = false;
    let large = "x".repeat(40_000);
    for _ in 0..4 {
        network.publish(publisher, "t", &large, ZERO);
    }
    let before = shown(&mut network, client).len();
    assert!(before < 4, "nothing waits");
    network.reads = true;
    let bytes = u32::try_from(network.inbox(client).bytes).unwrap();
    let stream = client.stream;
    network.frame(client, crate::link::ToShard::Window { stream, bytes });
    let rest = shown(&mut network, client);
    assert_eq!(rest, vec![message(&large, 0, false, &[4]); 4 - before]);
}

/// One copy for overlapping subscriptions: what one of them wants, it has.
#[test]
fn overlapping_options_are_merged() {
    everywhere(|mut network| {
        let (publisher, client) = (network.client(V5, "p"), network.client(V5, "c"));
        let as_published = Subscription {
            retain_as_published: true,
            no_local: true,
            ..Subscription::new("t/#", ZERO)
        };
        subscribe(&mut network, client, 1, as_published);
        subscribe(&mut network, client, 2, Subscription::new("t/1", ONE));
        let retained = Publish {
            retain: true,
            qos: ONE,
            packet_id: Some(id(3)),
            ..Publish::new("t/1", "x")
        };
        network.send(publisher, &Packet::Publish(retained.clone()));
        assert_eq!(
            shown(&mut network, client),
            [message("x", 1, true, &[1, 2])]
        );
        // its own message comes for the filter that has no *no local*, in that filter's shape
        network.send(client, &Packet::Publish(retained));
        assert_eq!(shown(&mut network, client), [message("x", 1, false, &[2])]);
    });
}

#[test]
fn retain_handling_counts_for_each_filter_of_a_packet() {
    everywhere(|mut network| {
        let client = network.client(V5, "c");
        for topic in ["a", "b", "c"] {
            network.retain(client, topic, topic);
        }
        let wish = |filter, retain_handling| Subscription {
            retain_handling,
            ..Subscription::new(filter, ZERO)
        };
        let packet = Subscribe {
            packet_id: id(1),
            subscription_id: None,
            filters: vec![
                wish("a", RetainHandling::Never),
                wish("b", RetainHandling::AtNewSubscribe),
                wish("c", RetainHandling::AtSubscribe),
            ],
            user: Vec::new(),
        };
        for expected in [&["b", "c"][..], &["c"]] {
            network.send(client, &Packet::Subscribe(packet.clone()));
            let mut came: Vec<_> = shown(&mut network, client)
                .into_iter()
                .map(|shown| shown.0)
                .collect();
            came.sort();
            assert_eq!(came, expected);
        }
    });
}

#[test]
fn reserved_bits_end_the_connection() {
    for (options, code) in [
        (0x40, ReasonCode::MALFORMED_PACKET),
        (0x80, ReasonCode::MALFORMED_PACKET),
        (0x03, ReasonCode::PROTOCOL_ERROR),
        (0x30, ReasonCode::PROTOCOL_ERROR),
    ] {
        let mut network = Network::with_workers(1);
        let client = network.client(V5, "c");
        network.raw(client, &[0x82, 7, 0, 1, 0, 0, 1, b't', options]);
        assert_eq!(
            network.packets(client),
            [super::network::disconnected(code)],
            "{options:#x}"
        );
    }
    // all that may be set
    let mut network = Network::with_workers(1);
    let client = network.client(V5, "c");
    network.raw(client, &[0x82, 7, 0, 1, 0, 0, 1, b't', 0x2D]);
    let suback = SubAck::new(id(1), vec![ReasonCode::GRANTED_QOS_1]);
    assert_eq!(network.packets(client), [Packet::SubAck(suback)]);
}

/// A filter that a fleet shares takes the memory of one.
#[test]
fn equal_filters_are_in_memory_once() {
    let mut network = Network::with_workers(1);
    for number in 0..40 {
        let client = network.client(V311, &format!("c{number}"));
        network.subscribe(client, "config/all", ZERO);
        network.subscribe(client, "$share/g/config/all", ZERO);
    }
    let core = &network.workers[0];
    let topic = crate::routing::TopicName::new("config/all".into()).unwrap();
    assert_eq!(core.local.levels(), 1);
    let mut groups = std::collections::BTreeSet::new();
    core.local.matching(&topic, |index, _| {
        let session = &core.sessions.at(index).unwrap().session;
        groups.extend(session.memberships().iter().map(std::sync::Arc::as_ptr));
    });
    assert_eq!(groups.len(), 1);
}
