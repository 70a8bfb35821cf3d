//! CONNECT: what it may look like (section 3.1).

use herdgate_tests::mqtt::packet;
use herdgate_tests::wire::{
    BOTH, Connect, Properties, Publish, SUBSCRIBE, Version, request, wishes,
};

use super::world::{fresh, refused, refused_bytes, world};

const MALFORMED: [u8; 2] = [0x81, 0x82];

#[test]
fn any_other_first_packet_ends_the_connection() {
    proves!("MQTT-3.1.0-1", "MQTT311-3.1.0-1");
    let Some(world) = world() else { return };
    let none = Properties::new();
    for version in BOTH {
        for first in [
            Publish::new("t", "x").encode(version),
            request(version, SUBSCRIBE | 2, 1, &none, &wishes(&[("t", 0)])),
            vec![0xC0, 0],
            vec![0xE0, 0],
            vec![0xF0, 0],
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        ] {
            let mut peer = world.open(version);
            peer.send(&first);
            assert_eq!(peer.until_closed(), []);
        }
    }
}

#[test]
fn a_second_connect_ends_the_connection() {
    proves!("MQTT-3.1.0-2", "MQTT-3.2.0-2", "MQTT311-3.1.0-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let connect = Connect::new(version, fresh("twice"));
        let mut peer = world.enter(&connect);
        peer.send(&connect.encode());
        // no second CONNACK among what is sent
        peer.ended(&[0x82]);
    }
}

#[test]
fn another_protocol_name_ends_the_connection() {
    proves!("MQTT-3.1.2-1", "MQTT311-3.1.2-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        for name in ["HTTP", "mqtt", "MQTTT", "", "MQT"] {
            let connect = Connect {
                name: name.into(),
                ..Connect::new(version, fresh("name"))
            };
            let mut peer = world.open(version);
            peer.send(&connect.encode());
            assert_eq!(peer.until_closed(), [], "{name}");
        }
    }
}

#[test]
fn an_unserved_version_is_told_so() {
    proves!("MQTT-3.1.2-2", "MQTT311-3.1.2-2");
    let Some(world) = world() else { return };
    for (name, level) in [
        ("MQTT", 0),
        ("MQTT", 3),
        ("MQTT", 6),
        ("MQTT", 0x84),
        ("MQIsdp", 3),
    ] {
        let connect = Connect {
            name: name.into(),
            level,
            ..Connect::new(Version::V311, fresh("level"))
        };
        refused(world, &connect, Some(0x01), &[]);
    }
}

#[test]
fn the_reserved_connect_flag_ends_the_connection() {
    proves!("MQTT-3.1.2-3", "MQTT311-3.1.2-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let connect = Connect::new(version, fresh("flag")).wrong_flags(1);
        refused(world, &connect, None, &MALFORMED);
    }
}

#[test]
fn will_flags_agree_with_the_will() {
    proves!(
        "MQTT-3.1.2-9",
        "MQTT-3.1.2-11",
        "MQTT-3.1.2-12",
        "MQTT-3.1.2-13",
        "MQTT311-3.1.2-9",
        "MQTT311-3.1.2-11",
        "MQTT311-3.1.2-13",
        "MQTT311-3.1.2-14",
        "MQTT311-3.1.2-15"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let plain = || Connect::new(version, fresh("w"));
        let will = || plain().will(fresh("t"), "will", 0, false);
        for wrong in [
            // the flag without the fields, the fields without the flag
            plain().wrong_flags(0x04),
            will().wrong_flags(0x04),
            // QoS 1 or 2, or retain, without a will
            plain().wrong_flags(0x08),
            plain().wrong_flags(0x10),
            plain().wrong_flags(0x20),
            // QoS 3
            will().wrong_flags(0x18),
        ] {
            refused(world, &wrong, None, &MALFORMED);
        }
        world.enter(&will()).leave();
    }
}

#[test]
fn login_flags_agree_with_the_payload() {
    proves!(
        "MQTT-3.1.2-16",
        "MQTT-3.1.2-17",
        "MQTT-3.1.2-18",
        "MQTT-3.1.2-19",
        "MQTT311-3.1.2-18",
        "MQTT311-3.1.2-19",
        "MQTT311-3.1.2-20",
        "MQTT311-3.1.2-21"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let plain = || Connect::new(version, "alice");
        let user = || Connect {
            user: Some("alice".into()),
            ..plain()
        };
        let both = || plain().login(herdgate_tests::setup::ALICE);
        for wrong in [
            plain().wrong_flags(0x80),
            plain().wrong_flags(0xC0),
            user().wrong_flags(0x40),
            user().wrong_flags(0x80),
            both().wrong_flags(0x40),
            both().wrong_flags(0xC0),
        ] {
            refused(world, &wrong, None, &MALFORMED);
        }
        world.enter(&both()).leave();
    }
}

#[test]
fn a_password_needs_a_user_name_in_3_1_1() {
    proves!("MQTT311-3.1.2-22");
    let Some(world) = world() else { return };
    let alone = |version| Connect {
        password: Some("secret".into()),
        ..Connect::new(version, fresh("p"))
    };
    refused(world, &alone(Version::V311), None, &[]);
    // version 5 allows it: what is refused is the login
    refused(world, &alone(Version::V5), None, &[0x86, 0x87]);
}

#[test]
fn the_fields_of_the_payload_are_read_in_their_order() {
    proves!("MQTT-3.1.3-1", "MQTT311-3.1.3-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("order");
        let mut watcher = world.subscriber(version, &topic, 0);
        let user = herdgate_tests::setup::BOB;
        let id = fresh("bob-");
        let connect = Connect::new(version, &id).login(user);
        let peer = world.enter(&connect.will(&topic, "of bob", 0, false));
        peer.vanish();
        assert_eq!(watcher.receive().text(), "of bob");
    }
}

#[test]
fn a_connect_without_a_client_id_field_is_refused() {
    proves!("MQTT-3.1.3-3", "MQTT311-3.1.3-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let whole = Connect::new(version, "").encode();
        let without = packet(0x10, &whole[2..whole.len() - 2]);
        refused_bytes(world, version, &without, None, &MALFORMED);
    }
}

#[test]
fn a_connect_of_the_wrong_form_is_refused() {
    proves!("MQTT-3.1.4-1", "MQTT311-3.1.4-1", "MQTT311-3.2.2-6");
    let Some(world) = world() else { return };
    for version in BOTH {
        let whole = Connect::new(version, fresh("form")).encode();
        let body = &whole[2..];
        let longer = [body, b"more"].concat();
        refused_bytes(world, version, &packet(0x10, &longer), None, &MALFORMED);
        // cut off after the level, whose version is known by then
        for end in 7..body.len() {
            refused_bytes(
                world,
                version,
                &packet(0x10, &body[..end]),
                None,
                &MALFORMED,
            );
        }
    }
}

#[test]
fn ids_of_letters_and_digits_are_taken() {
    proves!("MQTT-3.1.3-5", "MQTT311-3.1.3-5");
    let Some(world) = world() else { return };
    for version in BOTH {
        for id in [
            "0123456789abcdefghijklm",
            "nopqrstuvwxyzABCDEFGHIJ",
            "KLMNOPQRSTUVWXYZ",
            "7",
        ] {
            world.enter(&Connect::new(version, id)).leave();
        }
    }
}
