//! Strings and variable byte integers (sections 1.5 of both).

use herdgate_tests::wire::{
    BOTH, Connect, Peer, Properties, Publish, SUBSCRIBE, UNSUBSCRIBE, Version, field, id, request,
    with_code,
};

use super::world::{World, fresh, refused, refused_bytes, world};

/// A lone byte, an overlong slash, a surrogate, a sequence that is cut off, a code point above the last.
const ILL_FORMED: [&[u8]; 5] = [
    b"\xFF",
    b"\xC0\xAF",
    b"\xED\xA0\x80",
    b"a\xE2\x82",
    b"\xF4\x90\x80\x80",
];
const WITH_NUL: [&[u8]; 2] = [b"\0", b"a\0b"];
const MALFORMED: [u8; 2] = [0x81, 0x82];

/// CONNECTs with `bytes` in each string in turn.
fn connects(version: Version, bytes: &[u8]) -> Vec<Connect> {
    let plain = || Connect::new(version, fresh("s"));
    let mut all = vec![
        Connect::new(version, bytes),
        plain().will(bytes, "will", 0, false),
        Connect {
            user: Some(bytes.to_vec()),
            ..plain()
        },
    ];
    if version.is_5() {
        let with = |properties| plain().with(properties);
        let will = |properties| plain().will("t", "will", 0, false).will_with(properties);
        all.extend([
            with(Properties::new().user(bytes, "v")),
            with(Properties::new().user("k", bytes)),
            with(Properties::new().text(id::AUTH_METHOD, bytes)),
            will(Properties::new().text(id::CONTENT_TYPE, bytes)),
            will(Properties::new().text(id::RESPONSE_TOPIC, bytes)),
            will(Properties::new().user(bytes, "v")),
        ]);
    }
    all
}

/// Packets with `bytes` in each string in turn.
fn packets(version: Version, bytes: &[u8]) -> Vec<Vec<u8>> {
    let none = Properties::new();
    let mut name = Vec::new();
    field(&mut name, bytes);
    let entry = [&name[..], &[0]].concat();
    let mut all = vec![
        Publish::new(bytes, "x").encode(version),
        request(version, SUBSCRIBE | 2, 1, &none, &entry),
        request(version, UNSUBSCRIBE | 2, 1, &none, &name),
    ];
    if version.is_5() {
        let with = |properties| Publish::new("t", "x").with(properties).encode(version);
        all.extend([
            with(Properties::new().text(id::RESPONSE_TOPIC, bytes)),
            with(Properties::new().text(id::CONTENT_TYPE, bytes)),
            with(Properties::new().user(bytes, "v")),
            with(Properties::new().user("k", bytes)),
            with_code(0xE0, 0, &Properties::new().text(id::REASON_STRING, bytes)),
        ]);
    }
    all
}

fn all_are_refused(world: &World, wrong: &[&[u8]]) {
    for version in BOTH {
        for bytes in wrong {
            for connect in connects(version, bytes) {
                refused(world, &connect, None, &MALFORMED);
            }
            for packet in packets(version, bytes) {
                let mut peer = world.client(version);
                peer.send(&packet);
                peer.ended(&MALFORMED);
            }
        }
    }
}

#[test]
fn ill_formed_utf_8_ends_the_connection() {
    proves!(
        "MQTT-1.5.4-1",
        "MQTT-1.5.7-1",
        "MQTT-3.1.3-4",
        "MQTT-3.1.3-11",
        "MQTT-3.1.3-12",
        "MQTT-3.3.2-1",
        "MQTT-3.3.2-13",
        "MQTT-3.3.2-19",
        "MQTT-3.8.3-1",
        "MQTT-3.10.3-1",
        "MQTT311-1.5.3-1",
        "MQTT311-3.1.3-4",
        "MQTT311-3.1.3-10",
        "MQTT311-3.1.3-11",
        "MQTT311-3.3.2-1",
        "MQTT311-3.8.3-1",
        "MQTT311-3.10.3-1"
    );
    let Some(world) = world() else { return };
    all_are_refused(world, &ILL_FORMED);
}

#[test]
fn a_nul_ends_the_connection() {
    proves!(
        "MQTT-1.5.4-2",
        "MQTT-4.7.3-2",
        "MQTT311-1.5.3-2",
        "MQTT311-4.7.3-2"
    );
    let Some(world) = world() else { return };
    all_are_refused(world, &WITH_NUL);
}

#[test]
fn a_byte_order_mark_is_a_character() {
    proves!("MQTT-1.5.4-3", "MQTT311-1.5.3-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let plain = fresh("mark");
        let marked = format!("\u{FEFF}{plain}\u{FEFF}");
        let mut peer = world.subscriber(version, &marked, 1);
        peer.publish_acked(&Publish::new(&plain, "without"));
        peer.publish_acked(&Publish::new(&marked, "with"));
        let came = peer.receive_acked();
        assert_eq!((came.topic(), came.text()), (&*marked, "with"));
        peer.leave();
    }
}

/// A property list whose length takes more bytes than it needs.
fn padded(list: &[u8]) -> Vec<u8> {
    let mut out = vec![u8::try_from(list.len()).unwrap() | 0x80, 0];
    out.extend(list);
    out
}

#[test]
fn lengths_take_the_fewest_bytes() {
    proves!("MQTT-1.5.5-1");
    let Some(world) = world() else { return };
    // what the broker sends is checked by every read of every test; 200 bytes need two for their length
    let topic = fresh("length");
    let mut peer = world.subscriber(Version::V5, &topic, 0);
    for size in [0, 100, 127, 128, 200, 16_383, 16_384] {
        peer.publish(&Publish::new(&topic, "x".repeat(size)));
        assert_eq!(peer.receive().payload.len(), size);
    }
    let connect = Connect::new(Version::V5, fresh("s")).encode();
    let mut long = connect.clone();
    long.splice(1..2, [connect[1] | 0x80, 0]);
    refused_or_closed(world, &long);
    let long_properties = [&connect[..12], &padded(b""), &connect[13..]].concat();
    let long_properties = herdgate_tests::mqtt::packet(0x10, &long_properties[2..]);
    refused_bytes(world, Version::V5, &long_properties, None, &MALFORMED);
    let mut body = b"\0\x01t".to_vec();
    body.extend(padded(&[0x01, 1]));
    for packet in [
        vec![0xC0, 0x80, 0x00],
        vec![0xC0, 0x80, 0x80, 0x80, 0x80, 0x00],
        herdgate_tests::mqtt::packet(0x30, &body),
    ] {
        let mut peer = world.client(Version::V5);
        peer.send(&packet);
        peer.ended(&MALFORMED);
    }
}

/// A first packet that cannot be framed is not known to be of version 5: the broker may close without a word.
fn refused_or_closed(world: &World, bytes: &[u8]) {
    let mut peer = world.open(Version::V5);
    peer.send(bytes);
    let told = peer.until_closed();
    assert!(
        told.iter().all(|it| it.first == 0x20 && it.body[1] >= 0x80),
        "{told:?}"
    );
}

#[test]
fn a_topic_of_the_greatest_length_goes_through() {
    proves!("MQTT-4.7.3-3", "MQTT311-4.7.3-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let mut topic = fresh("long");
        topic.push_str(&"x".repeat(65_535 - topic.len()));
        let mut peer: Peer = world.subscriber(version, &topic, 0);
        peer.publish(&Publish::new(&topic, "whole"));
        let came = peer.receive();
        assert_eq!((came.topic.len(), came.text()), (65_535, "whole"));
        peer.leave();
    }
}
