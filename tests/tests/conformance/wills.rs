//! Wills (sections 3.1.2.5 of both).

use herdgate_tests::wire::{BOTH, Connect, Properties, Publish, Version, id, with_code};

use super::world::{World, fresh, world};

/// The next message on the topic is `text`: nothing else came before.
fn next_is(world: &World, watcher: &mut herdgate_tests::wire::Peer, topic: &str, text: &str) {
    let mut publisher = world.client(Version::V311);
    publisher.publish_acked(&Publish::new(topic, text));
    assert_eq!(watcher.receive().text(), text);
}

#[test]
fn a_lost_connection_publishes_the_will() {
    proves!("MQTT-3.1.2-7", "MQTT-3.1.2-8", "MQTT311-3.1.2-8");
    let Some(world) = world() else { return };
    for version in BOTH {
        for qos in [0, 1] {
            let topic = fresh("will");
            let mut watcher = world.subscriber(version, &topic, 1);
            let connect = Connect::new(version, fresh("w"));
            let peer = world.enter(&connect.will(&topic, "lost", qos, false));
            // not before
            next_is(world, &mut watcher, &topic, "before");
            peer.vanish();
            let will = watcher.receive_acked();
            assert_eq!((will.text(), will.qos, will.retain), ("lost", qos, false));
        }
    }
}

#[test]
fn a_protocol_error_publishes_the_will() {
    proves!("MQTT-3.1.2-8", "MQTT311-3.1.2-8");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("will");
        let mut watcher = world.subscriber(version, &topic, 0);
        let connect = Connect::new(version, fresh("w"));
        let mut peer = world.enter(&connect.will(&topic, "wrong", 0, false));
        peer.send(&[0xC1, 0]);
        assert_eq!(watcher.receive().text(), "wrong");
    }
}

#[test]
fn a_takeover_publishes_the_will_of_the_older() {
    proves!("MQTT-3.1.2-8", "MQTT311-3.1.2-8");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("will");
        let id = fresh("w");
        let mut watcher = world.subscriber(version, &topic, 0);
        let connect = Connect::new(version, &id).will(&topic, "older", 0, false);
        let _older = world.enter(&connect);
        let newer = world.enter(&Connect::new(version, &id));
        assert_eq!(watcher.receive().text(), "older");
        newer.leave();
    }
}

#[test]
fn a_disconnect_discards_the_will() {
    proves!(
        "MQTT-3.1.2-10",
        "MQTT-3.14.4-3",
        "MQTT311-3.1.2-10",
        "MQTT311-3.14.4-3"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("will");
        let mut watcher = world.subscriber(version, &topic, 0);
        let connect = Connect::new(version, fresh("w")).will(&topic, "none", 0, false);
        world.enter(&connect).leave();
        next_is(world, &mut watcher, &topic, "fence");
        // once published it is gone as well
        world.enter(&connect).vanish();
        assert_eq!(watcher.receive().text(), "none");
        let without = Connect {
            will: None,
            ..connect
        };
        world.enter(&without).vanish();
        next_is(world, &mut watcher, &topic, "fence");
    }
}

#[test]
fn a_disconnect_may_ask_for_the_will() {
    proves!("MQTT-3.14.4-3");
    let Some(world) = world() else { return };
    for code in [0x04, 0x80] {
        let topic = fresh("will");
        let mut watcher = world.subscriber(Version::V5, &topic, 0);
        let connect = Connect::new(Version::V5, fresh("w"));
        let mut peer = world.enter(&connect.will(&topic, "asked", 0, false));
        peer.send(&with_code(0xE0, code, &Properties::new()));
        assert_eq!(peer.until_closed(), []);
        assert_eq!(watcher.receive().text(), "asked");
    }
}

#[test]
fn a_client_without_a_will_leaves_none() {
    proves!("MQTT311-3.1.2-12");
    let Some(world) = world() else { return };
    for version in BOTH {
        let mut watcher = world.subscriber(version, "#", 0);
        let id = fresh("nowill");
        world.enter(&Connect::new(version, &id)).vanish();
        let topic = fresh("fence");
        watcher.publish(&Publish::new(&topic, "x"));
        // other tests publish as well: nothing of this client may be among it, and no empty topic
        loop {
            let publish = watcher.receive();
            assert!(!publish.topic().is_empty() && !publish.topic().contains(&id));
            if publish.topic() == topic {
                break;
            }
        }
    }
}

#[test]
fn a_will_is_retained_if_it_asks() {
    proves!(
        "MQTT-3.1.2-14",
        "MQTT-3.1.2-15",
        "MQTT-3.2.2-13",
        "MQTT311-3.1.2-16",
        "MQTT311-3.1.2-17"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        for retain in [false, true] {
            let topic = fresh("will");
            let mut watcher = world.subscriber(version, &topic, 0);
            let connect = Connect::new(version, fresh("w"));
            world
                .enter(&connect.will(&topic, "kept?", 0, retain))
                .vanish();
            assert_eq!(watcher.receive().text(), "kept?");
            let mut late = world.subscriber(version, &topic, 0);
            if retain {
                let kept = late.receive();
                assert_eq!((kept.text(), kept.retain), ("kept?", true));
            }
            next_is(world, &mut late, &topic, "fence");
        }
    }
}

#[test]
fn a_will_keeps_its_properties() {
    proves!("MQTT-3.1.3-10");
    let Some(world) = world() else { return };
    let topic = fresh("will");
    let mut watcher = world.subscriber(Version::V5, &topic, 0);
    let properties = Properties::new()
        .byte(id::PAYLOAD_FORMAT, 1)
        .text(id::CONTENT_TYPE, "text/plain")
        .text(id::RESPONSE_TOPIC, "answers")
        .text(id::CORRELATION_DATA, [0, 1, 2])
        .user("b", "1")
        .user("a", "2")
        .user("b", "1")
        .user("", "3");
    let connect = Connect::new(Version::V5, fresh("w")).will(&topic, "will", 0, false);
    world.enter(&connect.will_with(properties.clone())).vanish();
    let will = watcher.receive();
    for id in [
        id::PAYLOAD_FORMAT,
        id::CONTENT_TYPE,
        id::RESPONSE_TOPIC,
        id::CORRELATION_DATA,
        id::USER_PROPERTY,
    ] {
        assert_eq!(will.properties.all(id), properties.all(id), "{id:#04x}");
    }
}
