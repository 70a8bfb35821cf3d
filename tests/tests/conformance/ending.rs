//! DISCONNECT and the ends of connections (sections 3.14, 4.8 and 4.13).

use herdgate_tests::mqtt::{DISCONNECT, packet};
use herdgate_tests::wire::{
    AUTH, BOTH, Connect, PUBREL, Properties, Publish, Version, ack, id, with_code,
};

use super::world::{fresh, world};

#[test]
fn wrong_flags_in_disconnect_are_malformed() {
    proves!("MQTT-3.14.1-1", "MQTT311-3.14.1-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        for flags in [1, 2, 4, 8] {
            let mut peer = world.client(version);
            peer.send(&[DISCONNECT | flags, 0]);
            peer.ended(&[0x81]);
        }
    }
}

#[test]
fn the_server_closes_after_a_disconnect_and_says_nothing_more() {
    proves!("MQTT-3.14.4-1", "MQTT-3.14.4-2", "MQTT311-3.14.4-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("last");
        let mut watcher = world.subscriber(version, &topic, 0);
        let mut peer = world.subscriber(version, &topic, 0);
        peer.send(
            &[
                &[DISCONNECT, 0][..],
                &Publish::new(&topic, "late").encode(version),
            ]
            .concat(),
        );
        assert_eq!(peer.until_closed(), []);
        // nor does it hear what a client says behind its own
        watcher.publish_acked(&Publish::new(&topic, "fence"));
        assert_eq!(watcher.receive().text(), "fence");
    }
    // its own DISCONNECT is its last word: `ended` wants exactly one packet, then the close
    let topic = fresh("last");
    let mut peer = world.subscriber(Version::V5, &topic, 0);
    let after = Publish::new(&topic, "late").encode(Version::V5);
    peer.send(&[&[0xD0, 0][..], &after].concat());
    peer.ended(&[0x82]);
}

#[test]
fn what_only_a_server_sends_ends_the_connection() {
    proves!("MQTT311-4.8.0-1", "MQTT-4.13.1-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let five = version.is_5();
        for bytes in [
            packet(0x20, if five { &[0, 0, 0] } else { &[0, 0] }),
            packet(0x90, if five { &[0, 1, 0, 0] } else { &[0, 1, 0] }),
            packet(0xB0, if five { &[0, 1, 0, 0] } else { &[0, 1] }),
            vec![0xD0, 0],
        ] {
            let mut peer = world.client(version);
            peer.send(&bytes);
            peer.ended(&[0x81, 0x82]);
        }
    }
}

#[test]
fn an_error_of_one_client_is_nobody_elses() {
    proves!("MQTT311-4.8.0-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("bystander");
        let mut bystander = world.subscriber(version, &topic, 0);
        let mut peer = world.client(version);
        // what was whole before the error counts
        let whole = Publish::new(&topic, "whole").encode(version);
        peer.send(&[&whole[..], &[0x30, 0x01, 0xFF]].concat());
        peer.ended(&[0x81]);
        assert_eq!(bystander.receive().text(), "whole");
        bystander.ping();
    }
}

#[test]
fn no_auth_without_a_method() {
    proves!("MQTT-4.12.0-6", "MQTT-4.12.0-7");
    let Some(world) = world() else { return };
    let connect = Connect::new(Version::V5, fresh("a"));
    let (mut peer, connack) = herdgate_tests::wire::Peer::enter_told(world.mqtt(), &connect);
    assert!(!connack.properties.has(id::AUTH_METHOD));
    peer.send(&with_code(
        AUTH,
        0x19,
        &Properties::new().text(id::AUTH_METHOD, "x"),
    ));
    // a DISCONNECT, and no AUTH before it
    peer.ended(&[0x82, 0x8C]);
}

#[test]
fn an_unknown_authentication_method_is_refused() {
    proves!("MQTT-4.12.0-1");
    let Some(world) = world() else { return };
    let method = Properties::new().text(id::AUTH_METHOD, "unheard of");
    let connect = Connect::new(Version::V5, fresh("a")).with(method);
    super::world::refused(world, &connect, None, &[0x8C, 0x87]);
}

#[test]
fn wrong_flags_in_auth_are_malformed() {
    proves!("MQTT-3.15.1-1");
    let Some(world) = world() else { return };
    for flags in [1, 2, 4, 8] {
        let mut peer = world.client(Version::V5);
        peer.send(&packet(AUTH | flags, &[0x18, 0]));
        peer.ended(&[0x81]);
    }
}

#[test]
fn a_small_client_gets_a_small_disconnect() {
    proves!("MQTT-3.14.2-3", "MQTT-3.14.2-4");
    let Some(world) = world() else { return };
    let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, 24);
    for wrong in [
        Publish::new("t/#", "x").encode(Version::V5),
        vec![0xC1, 0],
        [&ack(PUBREL, 1)[..], &[0xD0, 0]].concat(),
    ] {
        let mut peer = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit.clone()));
        peer.send(&wrong);
        for packet in peer.until_closed() {
            assert!(packet.body.len() <= 22, "{packet:?}");
        }
    }
}
