//! Retained messages (section 3.3.1.3).

use herdgate_tests::wire::{BOTH, Connect, Peer, Publish, Version};

use super::world::{World, fresh, world};

fn retain(world: &World, topic: &str, text: &str) {
    let mut peer = world.client(Version::V5);
    peer.publish_acked(&Publish::new(topic, text).retain());
    peer.leave();
}

/// What a new subscriber gets of the store: everything before its own message.
fn stored(world: &World, version: Version, filter: &str, topic: &str, options: u8) -> Vec<Publish> {
    let mut peer = world.client(version);
    peer.subscribe(filter, options);
    before_fence(&mut peer, topic)
}

fn before_fence(peer: &mut Peer, topic: &str) -> Vec<Publish> {
    around_fence(peer, topic, 0)
}

/// As many as are expected at least: what several owners keep for one filter comes from one behind the other.
fn around_fence(peer: &mut Peer, topic: &str, expected: usize) -> Vec<Publish> {
    peer.publish_acked(&Publish::new(topic, "fence"));
    let (mut stored, mut fenced) = (Vec::new(), false);
    while !fenced || stored.len() < expected {
        let publish = peer.receive_acked();
        if publish.text() == "fence" && !publish.retain {
            fenced = true;
        } else {
            stored.push(publish);
        }
    }
    stored
}

#[test]
fn the_last_retained_message_is_kept() {
    proves!(
        "MQTT-3.3.1-5",
        "MQTT311-3.3.1-5",
        "MQTT311-3.3.1-6",
        "MQTT311-3.3.1-7",
        "MQTT311-3.3.1-8"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        for qos in [0, 1] {
            let topic = fresh("kept");
            let mut peer = world.client(version);
            for (number, text) in [(1, "older"), (2, "newer")] {
                let publish = Publish::new(&topic, text).retain();
                peer.publish(&publish.qos(qos, if qos > 0 { number } else { 0 }));
                if qos > 0 {
                    peer.answer(0x40, number);
                }
            }
            // of its own connection, so in order behind both
            let stored = stored_of(&mut peer, &topic);
            let [message] = stored.as_slice() else {
                panic!("{stored:?}")
            };
            let found = (message.text(), message.retain, message.qos, message.topic());
            assert_eq!(found, ("newer", true, qos, &*topic));
        }
    }
}

fn stored_of(peer: &mut Peer, topic: &str) -> Vec<Publish> {
    peer.subscribe(topic, 1);
    before_fence(peer, topic)
}

#[test]
fn each_matching_topic_has_its_own() {
    proves!("MQTT-3.3.1-9", "MQTT311-3.3.1-6");
    let Some(world) = world() else { return };
    for version in BOTH {
        let base = fresh("many");
        let topics = ["", "/a", "/b", "/a/c"].map(|end| format!("{base}{end}"));
        for topic in &topics {
            retain(world, topic, topic);
        }
        for (filter, expected) in [("/#", 4), ("/+", 2), ("/a", 1), ("/x", 0)] {
            let filter = format!("{base}{filter}");
            let mut peer = world.client(version);
            peer.subscribe(&filter, 0);
            let fence = fresh("fence");
            peer.subscribe(&fence, 0);
            let stored = around_fence(&mut peer, &fence, expected);
            assert_eq!(stored.len(), expected, "{filter}: {stored:?}");
            assert_eq!(before_fence(&mut peer, &fence), [], "{filter}");
            for message in stored {
                assert!(message.retain && message.topic() == message.text());
            }
        }
    }
}

#[test]
fn an_empty_message_removes_what_is_kept() {
    proves!(
        "MQTT-3.3.1-6",
        "MQTT-3.3.1-7",
        "MQTT311-3.3.1-10",
        "MQTT311-3.3.1-11"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("empty");
        let mut watcher = world.subscriber(version, &topic, 0);
        for text in ["kept", "", ""] {
            retain(world, &topic, text);
            // delivered like any other
            let came = watcher.receive();
            assert_eq!((came.text(), came.retain), (text, false));
            let expected = usize::from(!text.is_empty());
            let stored = stored(world, version, &topic, &topic, 0);
            assert_eq!(stored.len(), expected, "{stored:?}");
            assert_eq!(watcher.receive().text(), "fence");
        }
    }
}

#[test]
fn a_message_without_retain_changes_nothing() {
    proves!("MQTT-3.3.1-8", "MQTT311-3.3.1-12");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("plain");
        let mut peer = world.client(version);
        peer.publish_acked(&Publish::new(&topic, "not kept"));
        assert_eq!(stored(world, version, &topic, &topic, 0), []);
        retain(world, &topic, "kept");
        for text in ["not kept", ""] {
            peer.publish_acked(&Publish::new(&topic, text));
            let stored = stored(world, version, &topic, &topic, 0);
            assert_eq!(stored.len(), 1);
            assert_eq!(stored[0].text(), "kept");
        }
    }
}

#[test]
fn retained_messages_outlive_their_publisher() {
    proves!("MQTT311-3.1.2-7");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("outlive");
        let connect = Connect::new(version, fresh("o"));
        let mut peer = world.enter(&connect);
        peer.publish_acked(&Publish::new(&topic, "kept").retain());
        peer.leave();
        // a clean session that begins anew does not touch them either
        world.enter(&connect).vanish();
        assert_eq!(stored(world, version, &topic, &topic, 0)[0].text(), "kept");
    }
}

#[test]
fn an_established_subscription_gets_no_retain_flag() {
    proves!("MQTT-3.3.1-12", "MQTT311-3.3.1-9");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("flag");
        let mut peer = world.subscriber(version, &topic, 1);
        for _ in 0..2 {
            peer.publish_acked(&Publish::new(&topic, "x").retain());
            assert!(!peer.receive_acked().retain);
        }
        peer.publish_acked(&Publish::new(&topic, "x"));
        assert!(!peer.receive_acked().retain);
    }
}

const RETAIN_AS_PUBLISHED: u8 = 0x08;

#[test]
fn retain_as_published_keeps_the_flag() {
    proves!("MQTT-3.3.1-13");
    let Some(world) = world() else { return };
    let topic = fresh("asis");
    let mut peer = world.subscriber(Version::V5, &topic, RETAIN_AS_PUBLISHED | 1);
    for retain in [true, false, true] {
        let mut publish = Publish::new(&topic, "x");
        publish.retain = retain;
        peer.publish_acked(&publish);
        assert_eq!(peer.receive_acked().retain, retain);
    }
}

#[test]
fn retain_handling_says_when_retained_messages_come() {
    proves!("MQTT-3.3.1-9", "MQTT-3.3.1-10", "MQTT-3.3.1-11");
    let Some(world) = world() else { return };
    for (handling, first, again) in [(0, 1, 1), (1, 1, 0), (2, 0, 0)] {
        let topic = fresh("handling");
        retain(world, &topic, "kept");
        let mut peer = world.client(Version::V5);
        for expected in [first, again] {
            peer.subscribe(&topic, handling << 4);
            let stored = before_fence(&mut peer, &topic);
            assert_eq!(stored.len(), expected, "handling {handling}: {stored:?}");
        }
        // without the subscription it is new again
        peer.unsubscribe(&[&topic]);
        peer.subscribe(&topic, handling << 4);
        assert_eq!(before_fence(&mut peer, &topic).len(), first);
    }
}
