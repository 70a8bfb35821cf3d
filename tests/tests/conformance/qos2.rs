//! QoS 2, both ways (sections 4.3.3 and 3.5 to 3.7).

use std::thread;
use std::time::Duration;

use herdgate_tests::wire::{
    BOTH, Connect, PUBCOMP, PUBREC, PUBREL, Peer, Properties, Publish, Version, ack, ack_with, id,
};

use super::world::{World, fresh, world};

/// A session that outlives its connections.
fn kept(world: &World, version: Version, client_id: &str, window: u16) -> Peer {
    let mut connect = Connect::new(version, client_id).kept_for(600);
    if version.is_5() {
        connect.properties = connect.properties.two(id::RECEIVE_MAXIMUM, window);
    }
    world.enter(&connect)
}

fn publish_2(peer: &mut Peer, publish: &Publish, packet_id: u16) {
    peer.publish(&publish.clone().qos(2, packet_id));
    // 0x10: nobody has subscribed
    let codes = peer.answer(PUBREC, packet_id).codes;
    assert!(codes == [0] || codes == [0x10], "{codes:02x?}");
}

fn release(peer: &mut Peer, packet_id: u16) {
    peer.send(&ack(PUBREL, packet_id));
    assert_eq!(peer.answer(PUBCOMP, packet_id).codes, [0]);
}

/// Takes a message of QoS 2 to its end.
fn receive_2(peer: &mut Peer) -> Publish {
    let publish = peer.receive();
    assert_eq!(publish.qos, 2, "{publish:?}");
    peer.send(&ack(PUBREC, publish.id));
    finish(peer, publish.id);
    publish
}

/// PUBREL comes and is answered.
fn finish(peer: &mut Peer, packet_id: u16) {
    let packet = peer.read();
    assert_eq!(packet.first, PUBREL | 2, "{packet:?}");
    let answer = herdgate_tests::wire::Answer::read(peer.version, &packet);
    assert_eq!((answer.id, answer.codes), (packet_id, vec![0]));
    peer.send(&ack(PUBCOMP, packet_id));
}

#[test]
fn a_message_comes_in_by_four_steps() {
    proves!(
        "MQTT-2.2.1-5",
        "MQTT-3.3.4-1",
        "MQTT-3.5.2-1",
        "MQTT-3.7.2-1",
        "MQTT-4.3.3-8",
        "MQTT-4.3.3-11",
        "MQTT311-2.3.1-6",
        "MQTT311-3.3.4-1",
        "MQTT311-4.3.3-2"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("four");
        let mut watcher = world.subscriber(version, &topic, 1);
        let mut peer = world.client(version);
        for packet_id in [1, 0x0102, 0xFFFF] {
            publish_2(&mut peer, &Publish::new(&topic, "x"), packet_id);
            release(&mut peer, packet_id);
            assert_eq!(watcher.receive_acked().text(), "x");
        }
        peer.publish_acked(&Publish::new(&topic, "fence"));
        assert_eq!(watcher.receive_acked().text(), "fence");
    }
}

#[test]
fn the_same_id_again_is_no_new_message() {
    proves!("MQTT-4.3.3-10", "MQTT-4.3.3-12", "MQTT311-4.3.3-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("again");
        let mut watcher = world.subscriber(version, &topic, 0);
        let mut peer = world.client(version);
        for text in ["first", "second"] {
            publish_2(&mut peer, &Publish::new(&topic, text), 5);
            for _ in 0..3 {
                publish_2(&mut peer, &Publish::new(&topic, text).dup(), 5);
            }
            release(&mut peer, 5);
            // the id is a new message's now, whatever DUP says
            publish_2(&mut peer, &Publish::new(&topic, "new").dup(), 5);
            release(&mut peer, 5);
            assert_eq!(watcher.receive().text(), text);
            assert_eq!(watcher.receive().text(), "new");
        }
    }
}

#[test]
fn the_same_id_again_is_no_new_message_on_the_next_connection() {
    proves!(
        "MQTT-4.3.3-10",
        "MQTT-4.4.0-1",
        "MQTT311-4.3.3-2",
        "MQTT311-4.4.0-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let (topic, client_id) = (fresh("again"), fresh("q"));
        let mut watcher = world.subscriber(version, &topic, 0);
        let mut peer = kept(world, version, &client_id, 10);
        publish_2(&mut peer, &Publish::new(&topic, "once"), 5);
        peer.vanish();
        let mut peer = kept(world, version, &client_id, 10);
        publish_2(&mut peer, &Publish::new(&topic, "once").dup(), 5);
        release(&mut peer, 5);
        peer.vanish();
        // a PUBREL that comes twice, as after a lost PUBCOMP, is answered
        let mut peer = kept(world, version, &client_id, 10);
        peer.send(&ack(PUBREL, 5));
        let codes = peer.answer(PUBCOMP, 5).codes;
        assert!(codes == [0] || codes == [0x92], "{codes:02x?}");
        peer.publish_acked(&Publish::new(&topic, "fence"));
        assert_eq!(watcher.receive().text(), "once");
        assert_eq!(watcher.receive().text(), "fence");
        peer.leave();
    }
}

#[test]
fn an_unknown_pubrel_is_told_so() {
    proves!("MQTT-3.7.2-1");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V5);
    peer.send(&ack(PUBREL, 77));
    assert_eq!(peer.answer(PUBCOMP, 77).codes, [0x92]);
    peer.nothing_comes();
}

#[test]
fn a_message_goes_out_by_four_steps() {
    proves!(
        "MQTT-3.6.2-1",
        "MQTT-4.3.3-1",
        "MQTT-4.3.3-2",
        "MQTT-4.3.3-4",
        "MQTT311-4.3.3-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("out");
        let mut peer = world.subscriber(version, &topic, 2);
        let mut publisher = world.client(version);
        let mut open = Vec::new();
        for packet_id in 1..=3 {
            publish_2(&mut publisher, &Publish::new(&topic, "x").dup(), packet_id);
            release(&mut publisher, packet_id);
            let came = peer.receive();
            assert_eq!((came.qos, came.dup), (2, false));
            assert!(came.id != 0 && !open.contains(&came.id), "{came:?}");
            open.push(came.id);
        }
        // in another order than they came
        for packet_id in open.into_iter().rev() {
            peer.send(&ack(PUBREC, packet_id));
            finish(&mut peer, packet_id);
        }
        peer.nothing_comes();
    }
}

#[test]
fn a_message_is_under_way_until_pubcomp() {
    proves!("MQTT-4.3.3-3", "MQTT-4.3.3-5", "MQTT-4.9.0-2");
    let Some(world) = world() else { return };
    let topic = fresh("until");
    let mut slow = kept(world, Version::V5, &fresh("q"), 1);
    slow.subscribe(&topic, 2);
    let mut publisher = world.client(Version::V5);
    for packet_id in [1, 2] {
        publish_2(
            &mut publisher,
            &Publish::new(&topic, packet_id.to_string()),
            packet_id,
        );
        release(&mut publisher, packet_id);
    }
    let first = slow.receive();
    slow.nothing_comes();
    slow.send(&ack(PUBREC, first.id));
    let pubrel = slow.read();
    assert_eq!(pubrel.first, PUBREL | 2);
    // PUBREC alone frees no place
    slow.nothing_comes();
    slow.send(&ack(PUBCOMP, first.id));
    assert_eq!(receive_2(&mut slow).text(), "2");
}

#[test]
fn each_step_is_taken_up_on_the_next_connection() {
    proves!(
        "MQTT-3.3.1-1",
        "MQTT-4.3.3-3",
        "MQTT-4.3.3-5",
        "MQTT-4.3.3-6",
        "MQTT-4.4.0-1",
        "MQTT311-3.3.1-1",
        "MQTT311-4.3.3-1",
        "MQTT311-4.4.0-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let (topic, client_id) = (fresh("step"), fresh("q"));
        let mut peer = kept(world, version, &client_id, 10);
        peer.subscribe(&topic, 2);
        let mut publisher = world.client(version);
        publish_2(&mut publisher, &Publish::new(&topic, "x"), 1);
        release(&mut publisher, 1);
        let first = peer.receive();
        for _ in 0..2 {
            peer.vanish();
            peer = kept(world, version, &client_id, 10);
            let again = peer.receive();
            assert_eq!((again.id, again.dup, again.text()), (first.id, true, "x"));
        }
        peer.send(&ack(PUBREC, first.id));
        assert_eq!(peer.read().first, PUBREL | 2);
        for _ in 0..2 {
            peer.vanish();
            peer = kept(world, version, &client_id, 10);
            // PUBREL again, and not PUBLISH
            let pubrel = peer.read();
            assert_eq!(
                (pubrel.first, &pubrel.body[..2]),
                (PUBREL | 2, &first.id.to_be_bytes()[..])
            );
        }
        peer.send(&ack(PUBCOMP, first.id));
        peer.nothing_comes();
        peer.vanish();
        // all is done
        let mut peer = kept(world, version, &client_id, 10);
        peer.nothing_comes();
        publisher.publish_acked(&Publish::new(&topic, "fence"));
        assert_eq!(peer.receive_acked().text(), "fence");
        peer.leave();
    }
}

#[test]
fn a_failed_pubrec_ends_the_exchange() {
    proves!("MQTT-4.4.0-2");
    let Some(world) = world() else { return };
    let topic = fresh("failed");
    let mut picky = kept(world, Version::V5, &fresh("q"), 1);
    picky.subscribe(&topic, 2);
    let mut publisher = world.client(Version::V5);
    for packet_id in [1, 2] {
        publish_2(
            &mut publisher,
            &Publish::new(&topic, packet_id.to_string()),
            packet_id,
        );
        release(&mut publisher, packet_id);
    }
    let unwanted = picky.receive();
    picky.send(&ack_with(PUBREC, unwanted.id, 0x83));
    // no PUBREL: the next packet is the next message
    assert_eq!(receive_2(&mut picky).text(), "2");
}

#[test]
fn a_message_that_was_sent_does_not_expire() {
    proves!("MQTT-4.3.3-7", "MQTT-4.3.3-13");
    let Some(world) = world() else { return };
    let (topic, client_id) = (fresh("sent"), fresh("q"));
    let mut peer = kept(world, Version::V5, &client_id, 10);
    peer.subscribe(&topic, 2);
    let mut publisher = world.client(Version::V5);
    let soon = Properties::new().four(id::MESSAGE_EXPIRY, 1);
    publish_2(&mut publisher, &Publish::new(&topic, "x").with(soon), 1);
    let first = peer.receive();
    thread::sleep(Duration::from_millis(1_600));
    // the receiver's side of the exchange goes on
    release(&mut publisher, 1);
    peer.vanish();
    let mut peer = kept(world, Version::V5, &client_id, 10);
    let again = peer.receive();
    assert_eq!((again.id, again.dup), (first.id, true));
    peer.send(&ack(PUBREC, first.id));
    finish(&mut peer, first.id);
    peer.leave();
}

#[test]
fn a_small_client_gets_small_answers() {
    proves!(
        "MQTT-3.5.2-2",
        "MQTT-3.5.2-3",
        "MQTT-3.6.2-2",
        "MQTT-3.6.2-3",
        "MQTT-3.7.2-2",
        "MQTT-3.7.2-3"
    );
    let Some(world) = world() else { return };
    let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, 24);
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    let topic = fresh("s");
    let mut small = |sent: &[u8], kind: u8| {
        peer.send(sent);
        let packet = peer.read();
        assert!(
            packet.kind() == kind && packet.body.len() <= 22,
            "{packet:?}"
        );
    };
    // nobody listens, and an id that is unknown: both have something to explain
    small(
        &Publish::new(&topic, "x").qos(2, 1).encode(Version::V5),
        PUBREC,
    );
    small(&ack(PUBREL, 1), PUBCOMP);
    small(&ack(PUBREL, 9), PUBCOMP);
    small(&ack(PUBREC, 9), PUBREL);
}

#[test]
fn more_than_the_receive_maximum_ends_the_connection() {
    proves!("MQTT-3.3.4-7");
    let Some(world) = world() else { return };
    let connect = Connect::new(Version::V5, fresh("q"));
    let (mut peer, connack) = Peer::enter_told(world.mqtt(), &connect);
    let maximum = connack
        .properties
        .value(id::RECEIVE_MAXIMUM)
        .unwrap_or(65_535);
    let topic = fresh("max");
    for packet_id in 1..=u16::try_from(maximum).unwrap() {
        publish_2(&mut peer, &Publish::new(&topic, "x").qos(0, 0), packet_id);
    }
    peer.publish(&Publish::new(&topic, "x").qos(2, 60_000));
    peer.ended(&[0x93]);
}

#[test]
fn qos_2_is_served_and_no_lower_maximum_told() {
    proves!("MQTT-3.2.2-9", "MQTT-3.2.2-10", "MQTT-3.2.2-12");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("serve");
        let connect = Connect::new(version, fresh("q"));
        let (peer, connack) =
            Peer::enter_told(world.mqtt(), &connect.will(&topic, "of two", 2, false));
        assert!(!connack.properties.has(id::MAXIMUM_QOS));
        let mut watcher = world.subscriber(version, &topic, 2);
        peer.vanish();
        assert_eq!(receive_2(&mut watcher).text(), "of two");
    }
}

#[test]
fn delivery_is_at_the_lesser_of_all_qos() {
    proves!("MQTT-3.8.4-7", "MQTT-3.8.4-8", "MQTT311-3.8.4-6");
    let Some(world) = world() else { return };
    for version in BOTH {
        for granted in [0, 1, 2] {
            let topic = fresh("lesser");
            let mut watcher = world.subscriber(version, &topic, granted);
            let mut peer = world.client(version);
            publish_2(&mut peer, &Publish::new(&topic, "x").retain(), 1);
            release(&mut peer, 1);
            let mut late = world.subscriber(version, &topic, granted);
            assert_eq!(watcher.receive().qos, granted);
            assert_eq!(late.receive().qos, granted);
        }
    }
}
