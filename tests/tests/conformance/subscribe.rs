//! SUBSCRIBE and SUBACK (sections 3.8 and 3.9).

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{
    BOTH, Connect, Properties, Publish, SUBSCRIBE, Version, ack, id, request, wishes,
};

use super::world::{fresh, world};

const MALFORMED: [u8; 2] = [0x81, 0x82];

#[test]
fn a_subscribe_without_a_filter_ends_the_connection() {
    proves!("MQTT-3.8.3-2", "MQTT311-3.8.3-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let mut peer = world.client(version);
        peer.send(&request(version, SUBSCRIBE | 2, 1, &Properties::new(), &[]));
        peer.ended(&MALFORMED);
    }
}

#[test]
fn wrong_option_bits_end_the_connection() {
    proves!("MQTT-3.8.3-5", "MQTT311-3.8.3-4");
    let Some(world) = world() else { return };
    for (version, options) in [
        (Version::V311, &[3, 0x04, 0x08, 0x10, 0x40, 0x80, 0xFC][..]),
        (Version::V5, &[3, 0x30, 0x40, 0x80, 0xC0]),
    ] {
        for option in options {
            let mut peer = world.client(version);
            let list = wishes(&[("t", *option)]);
            peer.send(&request(
                version,
                SUBSCRIBE | 2,
                1,
                &Properties::new(),
                &list,
            ));
            peer.ended(&MALFORMED);
        }
    }
}

#[test]
fn no_local_keeps_a_message_from_its_publisher() {
    proves!("MQTT-3.8.3-3");
    let Some(world) = world() else { return };
    let topic = fresh("local");
    let mut own = world.subscriber(Version::V5, &topic, 0x04);
    let mut other = world.subscriber(Version::V5, &topic, 0);
    own.publish_acked(&Publish::new(&topic, "mine"));
    assert_eq!(other.receive().text(), "mine");
    other.publish_acked(&Publish::new(&topic, "theirs"));
    assert_eq!(own.receive().text(), "theirs");
    // the option goes with the subscription
    own.subscribe(&topic, 0);
    own.publish_acked(&Publish::new(&topic, "mine again"));
    assert_eq!(own.receive().text(), "mine again");
}

#[test]
fn each_filter_has_its_code_in_its_place() {
    proves!(
        "MQTT-3.8.4-6",
        "MQTT-3.8.4-7",
        "MQTT-3.9.3-1",
        "MQTT-3.9.3-2",
        "MQTT-3.2.2-10"
    );
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V5);
    let filters = [(); 3].map(|()| fresh("code"));
    let answer = peer.subscribe_with(
        &[
            (&filters[0], 1),
            ("a/#/b", 1),
            (&filters[1], 0),
            ("", 1),
            (&filters[2], 1),
            ("a+", 0),
        ],
        &Properties::new(),
    );
    assert_eq!(answer.codes, [1, 0x8F, 0, 0x8F, 1, 0x8F]);
    let highest = peer.subscribe(&filters[0], 2);
    assert!(highest == 1 || highest == 2, "{highest:#04x}");
}

#[test]
fn each_filter_has_its_code_in_3_1_1() {
    proves!("MQTT311-3.8.4-5", "MQTT311-3.9.3-1", "MQTT311-3.9.3-2");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V311);
    let filters = [(); 3].map(|()| fresh("code"));
    let wishes = [(&*filters[0], 1), (&*filters[1], 0), (&*filters[2], 2)];
    let answer = peer.subscribe_with(&wishes, &Properties::new());
    assert_eq!(answer.codes[..2], [1, 0]);
    assert!(
        [1, 2].contains(&answer.codes[2]) && answer.codes.len() == 3,
        "{answer:?}"
    );
}

#[test]
fn delivery_is_at_the_lesser_qos() {
    proves!("MQTT-3.8.4-8", "MQTT311-3.8.4-6");
    let Some(world) = world() else { return };
    for version in BOTH {
        for granted in [0, 1] {
            let topic = fresh("lesser");
            let mut watcher = world.subscriber(version, &topic, granted);
            let mut peer = world.client(version);
            for sent in [0, 1] {
                peer.publish(&Publish::new(&topic, "x").qos(sent, u16::from(sent)));
                if sent > 0 {
                    peer.answer(PUBACK, 1);
                }
                assert_eq!(watcher.receive_acked().qos, granted.min(sent));
            }
            // the store's copy as well
            peer.publish_acked(&Publish::new(&topic, "kept").retain());
            let mut late = world.subscriber(version, &topic, granted);
            assert_eq!(late.receive_acked().qos, granted);
        }
    }
}

#[test]
fn the_same_filter_again_replaces_the_subscription() {
    proves!("MQTT-3.8.4-3", "MQTT-3.8.4-4", "MQTT311-3.8.4-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("replace");
        let mut peer = world.client(version);
        let mut publisher = world.client(version);
        publisher.publish_acked(&Publish::new(&topic, "kept").retain());
        for qos in [0, 1, 0] {
            peer.subscribe(&topic, qos);
            let kept = peer.receive_acked();
            assert_eq!((kept.text(), kept.retain, kept.qos), ("kept", true, qos));
            publisher.publish_acked(&Publish::new(&topic, "new"));
            // once, at the new QoS
            let came = peer.receive_acked();
            assert_eq!((came.text(), came.qos), ("new", qos));
        }
    }
}

#[test]
fn replacing_a_subscription_loses_nothing() {
    proves!("MQTT-3.8.4-4", "MQTT311-3.8.4-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("flow");
        let mut peer = world.subscriber(version, &topic, 1);
        let mut publisher = world.client(version);
        for number in 1..=50 {
            publisher.publish(&Publish::new(&topic, number.to_string()).qos(1, number));
            if number % 5 == 0 {
                peer.subscribe(&topic, 1);
            }
        }
        for number in 1..=50 {
            assert_eq!(peer.receive_acked().text(), number.to_string());
        }
    }
}

#[test]
fn many_filters_are_as_many_subscribes() {
    proves!("MQTT-3.8.4-5", "MQTT311-3.8.4-4");
    let Some(world) = world() else { return };
    for version in BOTH {
        let filters: Vec<String> = (0..20).map(|_| fresh("list")).collect();
        let mut wishes: Vec<_> = filters.iter().map(|filter| (filter.as_str(), 0)).collect();
        // the last word about a filter counts
        wishes.push((&filters[0], 1));
        let mut peer = world.client(version);
        let answer = peer.subscribe_with(&wishes, &Properties::new());
        assert_eq!(answer.codes, [vec![0; 20], vec![1]].concat());
        let mut publisher = world.client(version);
        for (at, filter) in filters.iter().enumerate() {
            publisher.publish_acked(&Publish::new(filter, "x"));
            let came = peer.receive_acked();
            assert_eq!((came.topic(), came.qos), (&**filter, u8::from(at == 0)));
        }
    }
}

#[test]
fn a_small_client_gets_small_subacks() {
    proves!("MQTT-3.9.2-1", "MQTT-3.9.2-2");
    let Some(world) = world() else { return };
    let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, 24);
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    // one that fails has the most to explain
    let none = Properties::new();
    for list in [wishes(&[("a/#/b", 0)]), wishes(&[(&fresh("s"), 0)])] {
        let packet_id = peer.next_id();
        peer.send(&request(
            Version::V5,
            SUBSCRIBE | 2,
            packet_id,
            &none,
            &list,
        ));
        let packet = peer.read();
        assert!(
            packet.kind() == 0x90 && packet.body.len() <= 22,
            "{packet:?}"
        );
    }
    peer.send(&ack(PUBACK, 1));
    peer.ping();
}
