//! Receive Maximum and Maximum Packet Size (sections 3.1.2.11, 3.3.4 and 4.9).

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{
    Connect, Peer, Properties, Publish, SUBSCRIBE, Version, ack, id, request, wishes,
};

use super::world::{World, fresh, world};

fn with_window(world: &World, window: u16) -> Peer {
    let limit = Properties::new().two(id::RECEIVE_MAXIMUM, window);
    world.enter(&Connect::new(Version::V5, fresh("f")).with(limit))
}

#[test]
fn no_more_are_under_way_than_the_client_takes() {
    proves!("MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2");
    let Some(world) = world() else { return };
    for window in [1, 3] {
        let topic = fresh("window");
        let mut slow = with_window(world, window);
        slow.subscribe(&topic, 1);
        let mut publisher = world.client(Version::V5);
        for number in 0..10 {
            publisher.publish_acked(&Publish::new(&topic, number.to_string()));
        }
        let mut open = Vec::new();
        for number in 0..10 {
            if number >= window {
                // all ten have been there for long: the window is what holds the next back
                slow.nothing_comes();
                slow.send(&ack(PUBACK, open.remove(0)));
            }
            let came = slow.receive();
            assert_eq!(came.text(), number.to_string());
            open.push(came.id);
        }
    }
}

#[test]
fn a_full_window_delays_nothing_else() {
    proves!("MQTT-3.3.4-10", "MQTT-4.9.0-3");
    let Some(world) = world() else { return };
    let topic = fresh("full");
    let mut slow = with_window(world, 1);
    slow.subscribe(&topic, 1);
    let mut publisher = world.client(Version::V5);
    for text in ["under way", "waits"] {
        publisher.publish_acked(&Publish::new(&topic, text));
    }
    let first = slow.receive();
    // PINGRESP, SUBACK, PUBACK and UNSUBACK come all the same
    slow.ping();
    let other = fresh("other");
    slow.subscribe(&other, 0);
    slow.publish_acked(&Publish::new(fresh("nobody"), "x"));
    slow.unsubscribe(&[&other]);
    slow.send(&ack(PUBACK, first.id));
    assert_eq!(slow.receive_acked().text(), "waits");
}

#[test]
fn nothing_larger_than_the_client_takes_is_sent() {
    proves!("MQTT-3.1.2-24", "MQTT-3.1.2-25");
    let Some(world) = world() else { return };
    let topic = fresh("size");
    let size = 64;
    let limit = Properties::new()
        .four(id::MAXIMUM_PACKET_SIZE, size)
        .two(id::RECEIVE_MAXIMUM, 1);
    let mut small = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    small.subscribe(&topic, 1);
    let mut publisher = world.client(Version::V5);
    // header, topic, id, property length
    let room = size as usize - 2 - 2 - topic.len() - 2 - 1;
    for length in [room + 1, room, 1_000, 2] {
        let answer = publisher.publish_acked(&Publish::new(&topic, "x".repeat(length)));
        assert!(answer.codes[0] < 0x80, "{answer:?}");
    }
    // what is too large takes no place in the window
    for expected in [room, 2] {
        assert_eq!(small.receive_acked().payload.len(), expected);
    }
}

#[test]
fn a_client_that_sends_too_much_at_once_is_told() {
    proves!("MQTT-3.2.2-15", "MQTT-4.13.1-1");
    let Some(world) = world() else { return };
    let (mut peer, connack) =
        Peer::enter_told(world.mqtt(), &Connect::new(Version::V5, fresh("m")));
    let largest = connack.properties.value(id::MAXIMUM_PACKET_SIZE).unwrap();
    // the length alone is enough to know
    let mut bytes = vec![0x30];
    bytes.extend(herdgate_tests::wire::length(largest as usize));
    bytes.extend(b"\0\x01t\0");
    peer.send(&bytes);
    peer.ended(&[0x95]);
}

#[test]
fn no_alias_for_a_client_that_takes_none() {
    proves!("MQTT-3.1.2-27");
    let Some(world) = world() else { return };
    for maximum in [None, Some(0)] {
        let topic = fresh("alias");
        let properties = maximum.map_or_else(Properties::new, |value| {
            Properties::new().two(id::TOPIC_ALIAS_MAXIMUM, value)
        });
        let mut peer = world.enter(&Connect::new(Version::V5, fresh("a")).with(properties));
        let packet_id = peer.next_id();
        let list = wishes(&[(&topic, 0)]);
        let none = Properties::new();
        peer.send(&request(
            Version::V5,
            SUBSCRIBE | 2,
            packet_id,
            &none,
            &list,
        ));
        peer.answer(0x90, packet_id);
        for _ in 0..3 {
            peer.publish(&Publish::new(&topic, "x"));
            let came = peer.receive();
            assert_eq!(came.topic(), topic);
            assert!(!came.properties.has(id::TOPIC_ALIAS));
        }
    }
}

#[test]
fn alias_0_ends_the_connection() {
    proves!("MQTT-3.3.2-8");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V5);
    let zero = Properties::new().two(id::TOPIC_ALIAS, 0);
    peer.publish(&Publish::new("t", "x").with(zero));
    peer.ended(&[0x81, 0x82, 0x94]);
}

#[test]
fn an_alias_above_the_brokers_maximum_ends_the_connection() {
    proves!("MQTT-3.2.2-17", "MQTT-3.2.2-18", "MQTT-3.3.2-9");
    let Some(world) = world() else { return };
    let connect = Connect::new(Version::V5, fresh("a"));
    let (mut peer, connack) = Peer::enter_told(world.mqtt(), &connect);
    // left out is 0: none is taken
    let maximum = connack
        .properties
        .value(id::TOPIC_ALIAS_MAXIMUM)
        .unwrap_or(0);
    let above = u16::try_from(maximum + 1).unwrap();
    let properties = Properties::new().two(id::TOPIC_ALIAS, above);
    peer.publish(&Publish::new("t", "x").with(properties));
    peer.ended(&[0x94]);
}
