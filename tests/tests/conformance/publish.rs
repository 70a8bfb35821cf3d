//! PUBLISH: flags, topics, order (section 3.3).

use herdgate_tests::mqtt::{PUBACK, packet};
use herdgate_tests::wire::{BOTH, Properties, Publish, Version, field, id};

use super::world::{fresh, world};

#[test]
fn qos_3_ends_the_connection() {
    proves!("MQTT-3.3.1-4", "MQTT311-3.3.1-4");
    let Some(world) = world() else { return };
    for version in BOTH {
        for flags in [0x06, 0x07, 0x0E] {
            let mut bytes = Publish::new("t", "x").qos(1, 1).encode(version);
            bytes[0] = 0x30 | flags;
            let mut peer = world.client(version);
            peer.send(&bytes);
            peer.ended(&[0x81]);
        }
    }
}

#[test]
fn dup_with_qos_0_ends_the_connection() {
    proves!("MQTT-3.3.1-2", "MQTT311-3.3.1-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("dup");
        let mut peer = world.subscriber(version, &topic, 0);
        peer.publish(&Publish::new(&topic, "x"));
        assert!(!peer.receive().dup);
        peer.publish(&Publish::new(&topic, "x").dup());
        peer.ended(&[0x81, 0x82]);
    }
}

#[test]
fn dup_is_not_passed_on() {
    proves!("MQTT-3.3.1-3", "MQTT311-3.3.1-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("dup");
        let mut peer = world.subscriber(version, &topic, 1);
        peer.publish_acked(&Publish::new(&topic, "x").dup());
        assert!(!peer.receive_acked().dup);
    }
}

#[test]
fn a_wildcard_in_a_topic_ends_the_connection() {
    proves!(
        "MQTT-3.3.2-2",
        "MQTT-4.7.0-1",
        "MQTT311-3.3.2-2",
        "MQTT311-4.7.1-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        for topic in ["#", "+", "a/#", "a/+/b", "a+", "b#"] {
            let mut peer = world.client(version);
            peer.publish(&Publish::new(topic, "x"));
            peer.ended(&[0x90, 0x81, 0x82]);
        }
    }
}

#[test]
fn a_publish_without_a_whole_topic_ends_the_connection() {
    proves!("MQTT-3.3.2-1", "MQTT311-3.3.2-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        for body in [&b""[..], b"\0", b"\0\x09short"] {
            let mut peer = world.client(version);
            peer.send(&packet(0x30, body));
            peer.ended(&[0x81, 0x82]);
        }
        let mut cut = Vec::new();
        field(&mut cut, "t");
        cut.push(0);
        let mut peer = world.client(version);
        // QoS 1 with half an id
        peer.send(&packet(0x32, &cut));
        peer.ended(&[0x81, 0x82]);
    }
}

#[test]
fn what_is_delivered_matches_the_filter() {
    proves!("MQTT-3.3.2-3", "MQTT311-3.3.2-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let base = fresh("match");
        let topics = ["", "/", "/a", "/a/b", "/a/b/c", "/b", "x", "//a", "/A"];
        let cases: [(&str, &[&str]); 8] = [
            ("", &[""]),
            ("/#", &["", "/", "/a", "/a/b", "/a/b/c", "/b", "//a", "/A"]),
            ("/+", &["/", "/a", "/b", "/A"]),
            ("/a", &["/a"]),
            ("/a/+", &["/a/b"]),
            ("/a/#", &["/a", "/a/b", "/a/b/c"]),
            ("/+/+", &["/a/b", "//a"]),
            ("/+/b/#", &["/a/b", "/a/b/c"]),
        ];
        for (filter, expected) in cases {
            let mut peer = world.subscriber(version, &format!("{base}{filter}"), 0);
            for topic in topics {
                peer.publish_acked(&Publish::new(format!("{base}{topic}"), topic));
            }
            peer.ping();
            for topic in expected {
                let came = peer.receive();
                assert_eq!(
                    (came.text(), came.topic()),
                    (*topic, &*format!("{base}{topic}"))
                );
            }
            peer.leave();
        }
    }
}

#[test]
fn messages_of_a_topic_keep_their_order() {
    proves!(
        "MQTT-4.6.0-5",
        "MQTT-4.6.0-6",
        "MQTT311-4.6.0-5",
        "MQTT311-4.6.0-6"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        for qos in [0, 1] {
            let topic = fresh("order");
            let mut subscribers = [(); 2].map(|()| world.subscriber(version, &topic, qos));
            let mut publisher = world.client(version);
            let mut bytes = Vec::new();
            for number in 1..=100_u16 {
                let publish = Publish::new(&topic, number.to_string());
                bytes.extend(
                    publish
                        .qos(qos, if qos > 0 { number } else { 0 })
                        .encode(version),
                );
            }
            publisher.send(&bytes);
            for subscriber in &mut subscribers {
                for number in 1..=100 {
                    assert_eq!(subscriber.receive_acked().text(), number.to_string());
                }
            }
            for number in 1..=100 * u16::from(qos) {
                publisher.answer(PUBACK, number);
            }
        }
    }
}

#[test]
fn overlapping_subscriptions_give_the_highest_qos() {
    proves!("MQTT-3.3.4-2", "MQTT311-3.3.5-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let base = fresh("overlap");
        let mut peer = world.client(version);
        for (filter, qos) in [("/+", 0), ("/a", 1), ("/#", 0)] {
            peer.subscribe(&format!("{base}{filter}"), qos);
        }
        let mut publisher = world.client(version);
        publisher.publish_acked(&Publish::new(format!("{base}/a"), "one"));
        assert_eq!(peer.receive_acked().qos, 1);
        // one copy: the next is the next message
        publisher.publish_acked(&Publish::new(format!("{base}/b"), "two"));
        let came = peer.receive_acked();
        assert_eq!((came.text(), came.qos), ("two", 0));
    }
}

#[test]
fn a_subscription_identifier_from_a_client_ends_the_connection() {
    proves!("MQTT-3.3.4-6");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V5);
    let identified = Properties::new().number(id::SUBSCRIPTION_ID, 1);
    peer.publish(&Publish::new("t", "x").with(identified));
    peer.ended(&[0x82]);
}

#[test]
fn a_forbidden_publish_is_acknowledged_or_the_end() {
    proves!("MQTT311-3.3.5-2");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V311);
    // the broker's own topics, if anything is forbidden
    peer.publish(&Publish::new("$SYS/broker/uptime", "x").qos(1, 7));
    let first = peer.try_read().ok();
    let told = first.map(|packet| (packet.first, packet.body));
    assert!(
        told.is_none() || told == Some((PUBACK, vec![0, 7])),
        "{told:?}"
    );
}
