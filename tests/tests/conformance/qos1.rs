//! QoS 0 and 1, both ways (sections 4.3.1, 4.3.2 and 3.4).

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{BOTH, Connect, Properties, Publish, Version, ack, ack_with, id};

use super::world::{fresh, world};

#[test]
fn each_qos_is_answered_as_it_asks() {
    proves!("MQTT-3.3.4-1", "MQTT-4.3.2-4", "MQTT311-3.3.4-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("answer");
        let mut watcher = world.subscriber(version, &topic, 1);
        let mut peer = world.client(version);
        // QoS 0 is not answered: the PUBACK is the first packet
        peer.publish(&Publish::new(&topic, "zero"));
        for packet_id in [1, 0x0101, 0xFFFF] {
            peer.publish(&Publish::new(&topic, "one").qos(1, packet_id));
            let answer = peer.answer(PUBACK, packet_id);
            assert_eq!(answer.codes, [0]);
        }
        let texts = [(); 4].map(|()| watcher.receive_acked().text().to_owned());
        assert_eq!(texts, ["zero", "one", "one", "one"]);
    }
}

#[test]
fn codes_of_puback_are_from_the_table() {
    proves!("MQTT-3.4.2-1");
    let Some(world) = world() else { return };
    let topic = fresh("nobody");
    let mut peer = world.client(Version::V5);
    let alone = peer.publish_acked(&Publish::new(&topic, "x"));
    assert!([0x00, 0x10].contains(&alone.codes[0]), "{alone:?}");
    peer.subscribe(&topic, 0);
    let heard = peer.publish_acked(&Publish::new(&topic, "x"));
    assert_eq!(heard.codes, [0x00]);
}

#[test]
fn a_small_client_gets_small_pubacks() {
    proves!("MQTT-3.4.2-2", "MQTT-3.4.2-3");
    let Some(world) = world() else { return };
    let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, 24);
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    for packet_id in 1..=3 {
        peer.publish(&Publish::new(fresh("nobody"), "x").qos(1, packet_id));
        let packet = peer.read();
        assert!(
            packet.kind() == PUBACK && packet.body.len() <= 22,
            "{packet:?}"
        );
    }
}

#[test]
fn an_id_that_was_acknowledged_is_a_new_messages() {
    proves!("MQTT-4.3.2-5", "MQTT311-4.3.2-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("again");
        let mut watcher = world.subscriber(version, &topic, 0);
        let mut peer = world.client(version);
        for (text, dup) in [("one", false), ("two", false), ("three", true)] {
            let mut publish = Publish::new(&topic, text).qos(1, 9);
            publish.dup = dup;
            peer.publish(&publish);
            assert_eq!(peer.answer(PUBACK, 9).codes, [0]);
            assert_eq!(watcher.receive().text(), text);
        }
    }
}

#[test]
fn messages_go_out_for_the_first_time_without_dup() {
    proves!("MQTT-4.3.1-1", "MQTT-4.3.2-2", "MQTT311-4.3.1-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        for qos in [0, 1] {
            let topic = fresh("first");
            let mut watcher = world.subscriber(version, &topic, qos);
            let mut peer = world.client(version);
            peer.publish_acked(&Publish::new(&topic, "x").dup());
            let came = watcher.receive_acked();
            assert_eq!((came.qos, came.dup, came.id == 0), (qos, false, qos == 0));
        }
    }
}

#[test]
fn a_message_is_under_way_until_its_puback() {
    proves!("MQTT-4.3.2-3", "MQTT311-4.3.2-1");
    let Some(world) = world() else { return };
    let topic = fresh("window");
    let limit = Properties::new().two(id::RECEIVE_MAXIMUM, 2);
    let mut slow = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    slow.subscribe(&topic, 1);
    let mut peer = world.client(Version::V5);
    for text in ["1", "2", "3", "4", "5"] {
        peer.publish_acked(&Publish::new(&topic, text));
    }
    let first = slow.receive();
    let second = slow.receive();
    assert_eq!((first.text(), second.text()), ("1", "2"));
    // neither a ping nor an unknown id nor an id twice frees a place
    slow.send(&ack(PUBACK, 40_000));
    slow.nothing_comes();
    slow.send(&ack(PUBACK, second.id));
    let third = slow.receive();
    assert_eq!(third.text(), "3");
    assert!(third.id != first.id && third.id != 0);
    slow.nothing_comes();
    slow.send(&ack(PUBACK, first.id));
    assert_eq!(slow.receive_acked().text(), "4");
    assert_eq!(slow.receive_acked().text(), "5");
}

#[test]
fn a_refused_message_is_acknowledged_all_the_same() {
    proves!("MQTT-4.4.0-2");
    let Some(world) = world() else { return };
    let topic = fresh("refused");
    let limit = Properties::new().two(id::RECEIVE_MAXIMUM, 1);
    let mut picky = world.enter(&Connect::new(Version::V5, fresh("p")).with(limit));
    picky.subscribe(&topic, 1);
    let mut peer = world.client(Version::V5);
    for text in ["unwanted", "wanted"] {
        peer.publish_acked(&Publish::new(&topic, text));
    }
    let unwanted = picky.receive();
    picky.send(&ack_with(PUBACK, unwanted.id, 0x83));
    assert_eq!(picky.receive_acked().text(), "wanted");
    peer.publish_acked(&Publish::new(&topic, "fence"));
    assert_eq!(picky.receive_acked().text(), "fence");
}

#[test]
fn every_matching_client_gets_the_message() {
    proves!("MQTT-4.5.0-1", "MQTT311-4.5.0-1");
    let Some(world) = world() else { return };
    let topic = fresh("all");
    let mut peers: Vec<_> = (0..8)
        .map(|number| world.subscriber(BOTH[number % 2], &topic, 1))
        .collect();
    world
        .client(Version::V311)
        .publish_acked(&Publish::new(&topic, "x"));
    for peer in &mut peers {
        assert_eq!(peer.receive_acked().text(), "x");
    }
}
