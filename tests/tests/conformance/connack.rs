//! CONNACK and the client id (sections 3.1.3, 3.1.4 and 3.2).

use herdgate_tests::mqtt::{CONNACK, DISCONNECT};
use herdgate_tests::setup::{ALICE, BOB};
use herdgate_tests::wire::{
    BOTH, ConnAck, Connect, Peer, Properties, Publish, SUBSCRIBE, Version, code_and_properties, id,
    request, wishes,
};

use super::world::{fresh, refused, world};

#[test]
fn a_connect_is_acknowledged_with_success() {
    proves!(
        "MQTT-3.1.4-5",
        "MQTT-3.2.2-1",
        "MQTT-3.2.2-2",
        "MQTT311-3.1.4-4",
        "MQTT311-3.2.2-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let connect = Connect::new(version, fresh("ok"));
        for _ in 0..2 {
            let (peer, connack) = Peer::enter_told(world.mqtt(), &connect);
            assert_eq!((connack.flags, connack.code), (0, 0));
            peer.leave();
        }
    }
}

#[test]
fn connack_comes_first_whatever_was_sent_ahead() {
    proves!("MQTT-3.2.0-1", "MQTT311-3.2.0-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("ahead");
        let mut peer = world.open(version);
        let none = Properties::new();
        let all = [
            Connect::new(version, fresh("a")).encode(),
            request(version, SUBSCRIBE | 2, 1, &none, &wishes(&[(&topic, 0)])),
            Publish::new(&topic, "x").encode(version),
            vec![0xC0, 0],
        ];
        peer.send(&all.concat());
        let kinds = [(); 4].map(|()| peer.read().kind());
        assert_eq!(kinds[0], CONNACK, "{kinds:02x?}");
        let mut rest = kinds[1..].to_vec();
        rest.sort_unstable();
        assert_eq!(rest, [0x30, 0x90, 0xD0]);
    }
}

#[test]
fn an_empty_client_id_is_replaced() {
    proves!(
        "MQTT-3.1.3-6",
        "MQTT-3.1.3-7",
        "MQTT-3.2.2-16",
        "MQTT311-3.1.3-6"
    );
    let Some(world) = world() else { return };
    let assigned = |(mut peer, connack): (Peer, ConnAck)| {
        peer.ping();
        let id = connack.properties.get(id::ASSIGNED_CLIENT_ID);
        (peer, id.map(<[u8]>::to_vec))
    };
    let enter = |version| assigned(Peer::enter_told(world.mqtt(), &Connect::new(version, "")));
    let (mut first, first_id) = enter(Version::V5);
    let (mut second, second_id) = enter(Version::V5);
    let (mut older, none) = enter(Version::V311);
    let (mut newer, _) = enter(Version::V311);
    assert!(first_id.is_some() && first_id != second_id, "{first_id:?}");
    assert_eq!(none, None);
    // nobody has thrown out another
    for peer in [&mut first, &mut second, &mut older, &mut newer] {
        peer.ping();
    }
    // the id is the client's: who comes with it takes over
    let again = Connect::new(Version::V5, first_id.unwrap());
    let _taker = world.enter(&again);
    first.ended(&[0x8E]);
    second.ping();
}

#[test]
fn an_empty_id_needs_a_clean_session_in_3_1_1() {
    proves!("MQTT311-3.1.3-7", "MQTT311-3.1.3-8");
    let Some(world) = world() else { return };
    refused(
        world,
        &Connect::new(Version::V311, "").kept(),
        Some(0x02),
        &[],
    );
}

#[test]
fn another_users_client_id_is_refused() {
    proves!(
        "MQTT-3.1.3-8",
        "MQTT-3.2.2-6",
        "MQTT-3.2.2-7",
        "MQTT-4.13.2-1",
        "MQTT311-3.1.3-9",
        "MQTT311-3.2.2-4",
        "MQTT311-3.2.2-5"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        // `refused` sees that session present is 0 and that the connection is closed
        refused(
            world,
            &Connect::new(version, "bob").login(ALICE),
            Some(0x02),
            &[0x85],
        );
    }
}

#[test]
fn the_older_connection_of_a_client_id_is_ended() {
    proves!("MQTT-3.1.4-3", "MQTT311-3.1.4-2");
    let Some(world) = world() else { return };
    for old in BOTH {
        for new in BOTH {
            let id = fresh("same");
            let mut older = world.enter(&Connect::new(old, &id));
            let mut newer = world.enter(&Connect::new(new, &id));
            older.ended(&[0x8E]);
            newer.ping();
        }
    }
}

#[test]
fn nothing_behind_a_refused_connect_is_acted_upon() {
    proves!("MQTT-3.1.4-6", "MQTT311-3.1.4-5");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("behind");
        let mut watcher = world.subscriber(version, &topic, 1);
        let mut peer = world.open(version);
        let bytes = [
            Connect::new(version, "alice")
                .login(("alice", BOB.1))
                .encode(),
            Publish::new(&topic, "smuggled").qos(1, 1).encode(version),
        ];
        peer.send(&bytes.concat());
        let told = peer.until_closed();
        assert_eq!(told.len(), 1, "{told:?}");
        watcher.publish_acked(&Publish::new(&topic, "fence"));
        assert_eq!(watcher.receive().text(), "fence");
    }
}

#[test]
fn codes_of_connack_are_from_the_table() {
    proves!("MQTT-3.2.2-8", "MQTT-3.14.0-1");
    let Some(world) = world() else { return };
    let plain = |id: &str| Connect::new(Version::V5, id);
    let method = Properties::new().text(id::AUTH_METHOD, "unheard of");
    for (connect, code) in [
        (plain("alice").login(("alice", "wrong")), 0x86),
        (plain("bob").login(ALICE), 0x85),
        (plain("c").with(method), 0x8C),
        (plain("c").wrong_flags(1), 0x81),
        (plain("c").will("t/#", "x", 0, false), 0x90),
    ] {
        // a CONNACK and no DISCONNECT
        refused(world, &connect, None, &[code]);
    }
}

#[test]
fn every_part_of_the_service_is_there() {
    proves!("MQTT311-3.8.3-2", "MQTT-3.1.2-28");
    let Some(world) = world() else { return };
    let (_peer, connack) = Peer::enter_told(world.mqtt(), &Connect::new(Version::V5, fresh("p")));
    let properties = connack.properties;
    for available in [
        id::RETAIN_AVAILABLE,
        id::WILDCARD_AVAILABLE,
        id::SUBSCRIPTION_IDS_AVAILABLE,
        id::SHARED_AVAILABLE,
    ] {
        assert!(properties.value(available).is_none_or(|value| value == 1));
    }
    assert!(!properties.has(id::RESPONSE_INFORMATION));
    let asked = Properties::new().byte(id::REQUEST_RESPONSE_INFORMATION, 0);
    let connect = Connect::new(Version::V5, fresh("p")).with(asked);
    let (_peer, connack) = Peer::enter_told(world.mqtt(), &connect);
    assert!(!connack.properties.has(id::RESPONSE_INFORMATION));
    for version in BOTH {
        let mut peer = world.client(version);
        assert_eq!(peer.subscribe(&format!("{}/#", fresh("w")), 0), 0);
        assert_eq!(peer.subscribe(&format!("{}/+/x", fresh("w")), 0), 0);
    }
}

#[test]
fn a_disconnect_of_the_server_is_of_the_tables_form() {
    proves!("MQTT-3.14.2-1", "MQTT-3.14.2-2");
    let Some(world) = world() else { return };
    let tell = |bytes: &[u8]| {
        let mut peer = world.client(Version::V5);
        peer.send(bytes);
        let last = peer.until_closed().pop().expect("a DISCONNECT");
        assert_eq!(last.first, DISCONNECT);
        let (code, properties) = code_and_properties(&last);
        assert!(!properties.has(id::SESSION_EXPIRY));
        code
    };
    assert_eq!(tell(&[0xC1, 0]), 0x81);
    assert_eq!(tell(&[0xD0, 0]), 0x82);
    assert_eq!(tell(&Publish::new("t/#", "x").encode(Version::V5)), 0x90);
    let large = [&[0x30, 0xFF, 0xFF, 0xFF, 0x7F][..], b"\0\x01t"].concat();
    assert_eq!(tell(&large), 0x95);
}

#[test]
fn a_small_client_gets_a_small_connack() {
    proves!("MQTT-3.2.2-19", "MQTT-3.2.2-20");
    let Some(world) = world() else { return };
    for size in [8_u32, 16, 24, 40, 64, 90, 127, 128, 200] {
        let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, size);
        let connect = Connect::new(Version::V5, "alice").login(("alice", "wrong"));
        let mut peer = world.open(Version::V5);
        peer.send(&connect.with(limit).encode());
        let told = peer.until_closed();
        for packet in &told {
            assert!(packet.body.len() + 2 <= size as usize, "{size}: {packet:?}");
        }
        // there is a reason that could be too long
        let reason = told.first().is_some_and(|it| it.body.len() > 3);
        assert!(reason || size < 200, "{told:?}");
    }
}

#[test]
fn a_session_that_is_not_there_is_made() {
    proves!("MQTT-3.1.2-6", "MQTT311-3.2.2-3");
    let Some(world) = world() else { return };
    for version in BOTH {
        let connect = Connect::new(version, fresh("new")).kept();
        let (mut peer, connack) = Peer::enter_told(world.mqtt(), &connect);
        assert!(!connack.session_present());
        let topic = fresh("new");
        peer.subscribe(&topic, 0);
        peer.publish(&Publish::new(&topic, "x"));
        assert_eq!(peer.receive().text(), "x");
        peer.leave();
    }
}

#[test]
fn a_will_without_a_topic_is_refused() {
    proves!("MQTT311-3.2.2-6");
    let Some(world) = world() else { return };
    for version in BOTH {
        for topic in ["", "a/#", "+"] {
            let connect = Connect::new(version, fresh("w")).will(topic, "x", 0, false);
            // 3.1.1 has no return code for it
            refused(world, &connect, None, &[0x90, 0x81, 0x82]);
        }
    }
}
