//! Fixed headers, packet ids and empty property lists (chapters 2).

use std::collections::BTreeSet;

use herdgate_tests::mqtt::{PUBACK, packet};
use herdgate_tests::wire::{
    BOTH, Connect, Properties, Publish, SUBSCRIBE, UNSUBSCRIBE, Version, ack, field, id, names,
    request, wishes,
};

use super::world::{fresh, refused_bytes, world};

const MALFORMED: [u8; 2] = [0x81, 0x82];

#[test]
fn wrong_flags_in_the_fixed_header_end_the_connection() {
    proves!("MQTT-2.1.3-1", "MQTT311-2.2.2-1", "MQTT311-2.2.2-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        for flags in [1, 2, 4, 8, 15] {
            for first in [0x40, 0x50, 0x70, 0xC0, 0xE0] {
                let body: &[u8] = if first < 0xC0 { &[0, 1] } else { &[] };
                let mut peer = world.client(version);
                peer.send(&packet(first | flags, body));
                peer.ended(&[0x81]);
            }
            let mut connect = Connect::new(version, fresh("f")).encode();
            connect[0] |= flags;
            let mut peer = world.open(version);
            peer.send(&connect);
            assert_eq!(peer.until_closed(), []);
        }
        for first in [0x60, 0x61, 0x66, 0x6A, 0x6F] {
            let mut peer = world.client(version);
            peer.send(&packet(first, &[0, 1]));
            peer.ended(&[0x81]);
        }
        // reserved types: 0 in both, 15 in 3.1.1
        for first in if version.is_5() {
            &[0x00][..]
        } else {
            &[0x00, 0xF0]
        } {
            let mut peer = world.client(version);
            peer.send(&packet(*first, &[]));
            peer.ended(&MALFORMED);
        }
    }
}

#[test]
fn wrong_flags_in_pubrel_end_the_connection() {
    proves!("MQTT-3.6.1-1", "MQTT311-3.6.1-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        for flags in [0, 1, 3, 6, 10] {
            let mut peer = world.client(version);
            peer.send(&packet(0x60 | flags, &[0, 1]));
            peer.ended(&[0x81]);
        }
    }
}

#[test]
fn wrong_flags_in_subscribe_and_unsubscribe_end_the_connection() {
    proves!(
        "MQTT-3.8.1-1",
        "MQTT-3.10.1-1",
        "MQTT311-3.8.1-1",
        "MQTT311-3.10.1-1"
    );
    let Some(world) = world() else { return };
    let none = Properties::new();
    for version in BOTH {
        for flags in [0, 1, 3, 6, 10] {
            for packet in [
                request(version, SUBSCRIBE | flags, 1, &none, &wishes(&[("t", 0)])),
                request(version, UNSUBSCRIBE | flags, 1, &none, &names(&["t"])),
            ] {
                let mut peer = world.client(version);
                peer.send(&packet);
                peer.ended(&[0x81]);
            }
        }
    }
}

#[test]
fn a_packet_id_of_0_ends_the_connection() {
    proves!("MQTT311-2.3.1-1");
    let Some(world) = world() else { return };
    let none = Properties::new();
    for version in BOTH {
        for packet in [
            request(version, SUBSCRIBE | 2, 0, &none, &wishes(&[("t", 0)])),
            request(version, UNSUBSCRIBE | 2, 0, &none, &names(&["t"])),
            Publish::new("t", "x").qos(1, 0).encode(version),
            Publish::new("t", "x").qos(2, 0).encode(version),
        ] {
            let mut peer = world.client(version);
            peer.send(&packet);
            peer.ended(&MALFORMED);
        }
    }
}

#[test]
fn a_publish_of_qos_0_has_no_packet_id() {
    proves!("MQTT-2.2.1-2", "MQTT311-2.3.1-5");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("bare");
        let mut peer = world.subscriber(version, &topic, 1);
        peer.publish(&Publish::new(&topic, "payload"));
        let mut body = Vec::new();
        field(&mut body, &topic);
        if version.is_5() {
            body.push(0);
        }
        body.extend(b"payload");
        let came = peer.read();
        assert_eq!((came.first, came.body), (0x30, body));
    }
}

#[test]
fn messages_under_way_have_ids_of_their_own() {
    proves!("MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT311-2.3.1-4");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("ids");
        let mut subscriber = world.subscriber(version, &topic, 1);
        let mut publisher = world.client(version);
        let mut open = BTreeSet::new();
        for round in 0..3 {
            for _ in 0..5 {
                publisher.publish_acked(&Publish::new(&topic, "x"));
                let id = subscriber.receive().id;
                assert!(id != 0, "round {round}");
                assert!(open.insert(id), "{id} is under way already: {open:?}");
            }
            // frees every second id, not in order
            let free: Vec<u16> = open.iter().copied().rev().step_by(2).collect();
            for id in free {
                open.remove(&id);
                subscriber.send(&ack(PUBACK, id));
            }
        }
    }
}

#[test]
fn answers_carry_the_id_of_what_they_answer() {
    proves!(
        "MQTT-2.2.1-6",
        "MQTT-3.8.4-1",
        "MQTT-3.8.4-2",
        "MQTT-3.10.4-4",
        "MQTT311-2.3.1-7",
        "MQTT311-3.8.4-1",
        "MQTT311-3.8.4-2",
        "MQTT311-3.10.4-4"
    );
    let Some(world) = world() else { return };
    let none = Properties::new();
    for version in BOTH {
        let mut peer = world.client(version);
        for packet_id in [1, 0x1234, 0xFFFF, 7] {
            let filter = fresh("id");
            let list = wishes(&[(&filter, 0)]);
            peer.send(&request(version, SUBSCRIBE | 2, packet_id, &none, &list));
            peer.answer(0x90, packet_id);
            let list = names(&[&filter]);
            peer.send(&request(version, UNSUBSCRIBE | 2, packet_id, &none, &list));
            peer.answer(0xB0, packet_id);
        }
    }
}

#[test]
fn no_properties_are_a_length_of_0() {
    proves!("MQTT-2.2.2-1");
    let Some(world) = world() else { return };
    let topic = fresh("none");
    let mut peer = world.client(Version::V5);
    let packet_id = peer.next_id();
    let none = Properties::new();
    let list = wishes(&[(&topic, 0)]);
    let subscribe = request(Version::V5, SUBSCRIBE | 2, packet_id, &none, &list);
    peer.send(&subscribe);
    let suback = peer.read();
    assert_eq!((suback.first, suback.body), (0x90, vec![0, 1, 0, 0]));
    peer.publish(&Publish::new(&topic, ""));
    assert_eq!(peer.read().body.last(), Some(&0));
    // a client that leaves the length out has a packet of another form
    let without = [&subscribe[2..4], &list].concat();
    peer.send(&packet(SUBSCRIBE | 2, &without));
    peer.ended(&MALFORMED);
    let mut connect = Connect::new(Version::V5, "").encode();
    connect.truncate(12);
    let connect = packet(0x10, &connect[2..]);
    refused_bytes(world, Version::V5, &connect, None, &MALFORMED);
}

#[test]
fn properties_stand_where_they_belong() {
    proves!("MQTT-4.13.1-1");
    let Some(world) = world() else { return };
    let filter = fresh("wrong");
    let subscribe = |properties: Properties| {
        request(
            Version::V5,
            SUBSCRIBE | 2,
            1,
            &properties,
            &wishes(&[(&filter, 0)]),
        )
    };
    let publish = |properties| Publish::new("t", "x").with(properties).encode(Version::V5);
    let with = Properties::new;
    for packet in [
        // unknown, of another packet, twice
        publish(with().raw(0x7E, &[0])),
        publish(with().four(id::SESSION_EXPIRY, 1)),
        publish(
            with()
                .byte(id::PAYLOAD_FORMAT, 0)
                .byte(id::PAYLOAD_FORMAT, 0),
        ),
        publish(
            with()
                .text(id::CONTENT_TYPE, "a")
                .text(id::CONTENT_TYPE, "b"),
        ),
        publish(with().byte(id::PAYLOAD_FORMAT, 2)),
        subscribe(with().four(id::MESSAGE_EXPIRY, 1)),
        subscribe(with().number(id::SUBSCRIPTION_ID, 0)),
    ] {
        let mut peer = world.client(Version::V5);
        peer.send(&packet);
        peer.ended(&MALFORMED);
    }
    for properties in [
        with().two(id::RECEIVE_MAXIMUM, 0),
        with().four(id::MAXIMUM_PACKET_SIZE, 0),
        with().byte(id::REQUEST_PROBLEM_INFORMATION, 2),
        with().byte(id::REQUEST_RESPONSE_INFORMATION, 2),
        with().two(id::TOPIC_ALIAS, 1),
        with().text(id::AUTH_DATA, "no method"),
        with()
            .two(id::RECEIVE_MAXIMUM, 1)
            .two(id::RECEIVE_MAXIMUM, 1),
    ] {
        let connect = Connect::new(Version::V5, fresh("p")).with(properties);
        refused_bytes(world, Version::V5, &connect.encode(), None, &MALFORMED);
    }
}
