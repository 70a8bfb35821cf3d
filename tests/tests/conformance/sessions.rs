//! Sessions that outlive their connections (sections 3.1.2.4, 3.2.2.1, 4.1 and 4.4).

use std::thread;
use std::time::{Duration, Instant};

use herdgate_tests::mqtt::{DISCONNECT, PUBACK};
use herdgate_tests::wire::{BOTH, Connect, Peer, Properties, Publish, Version, ack, id, with_code};

use super::world::{World, fresh, world};

/// Connects and tells whether the session was there.
fn enter(world: &World, connect: &Connect) -> (Peer, bool) {
    let (peer, connack) = Peer::enter_told(world.mqtt(), connect);
    (peer, connack.session_present())
}

fn kept(version: Version, client_id: &str) -> Connect {
    Connect::new(version, client_id).kept_for(600)
}

/// A client that has subscribed and gone.
fn absent(world: &World, version: Version, client_id: &str, topic: &str) {
    let (mut peer, present) = enter(world, &kept(version, client_id));
    assert!(!present);
    peer.subscribe(topic, 1);
    peer.leave();
}

#[test]
fn a_session_is_resumed_with_what_came_meanwhile() {
    proves!(
        "MQTT-3.1.2-5",
        "MQTT-3.1.2-23",
        "MQTT-3.2.2-3",
        "MQTT-4.5.0-1",
        "MQTT311-3.1.2-4",
        "MQTT311-3.1.2-5",
        "MQTT311-3.2.2-2",
        "MQTT311-4.1.0-1",
        "MQTT311-4.5.0-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        for vanishes in [false, true] {
            let (topic, client_id) = (fresh("resume"), fresh("s"));
            absent(world, version, &client_id, &topic);
            let mut publisher = world.client(version);
            for text in ["1", "2", "3"] {
                publisher.publish_acked(&Publish::new(&topic, text));
            }
            let (mut peer, present) = enter(world, &kept(version, &client_id));
            assert!(present);
            for text in ["1", "2", "3"] {
                let came = peer.receive_acked();
                assert_eq!((came.text(), came.qos, came.dup), (text, 1, false));
            }
            // the subscription goes on
            peer.nothing_comes();
            if vanishes {
                peer.vanish();
            } else {
                peer.leave();
            }
            publisher.publish_acked(&Publish::new(&topic, "4"));
            let (mut peer, present) = enter(world, &kept(version, &client_id));
            assert!(present);
            assert_eq!(peer.receive_acked().text(), "4");
            peer.leave();
        }
    }
}

#[test]
fn a_clean_start_discards_the_session() {
    proves!(
        "MQTT-3.1.2-4",
        "MQTT-3.1.4-4",
        "MQTT-3.2.2-2",
        "MQTT311-3.1.2-6",
        "MQTT311-3.1.4-3",
        "MQTT311-3.2.2-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let (topic, client_id) = (fresh("clean"), fresh("s"));
        absent(world, version, &client_id, &topic);
        let mut publisher = world.client(version);
        publisher.publish_acked(&Publish::new(&topic, "old"));
        let (mut peer, present) = enter(world, &Connect::new(version, &client_id));
        assert!(!present);
        let fence = fresh("fence");
        peer.subscribe(&fence, 0);
        publisher.publish_acked(&Publish::new(&topic, "old"));
        publisher.publish_acked(&Publish::new(&fence, "fence"));
        assert_eq!(peer.receive().text(), "fence");
        peer.leave();
        // nor has the clean session left anything
        let (mut peer, present) = enter(world, &kept(version, &client_id));
        assert!(!present);
        peer.subscribe(&fence, 0);
        publisher.publish_acked(&Publish::new(&topic, "old"));
        publisher.publish_acked(&Publish::new(&fence, "fence"));
        assert_eq!(peer.receive().text(), "fence");
        peer.leave();
    }
}

#[test]
fn each_client_id_has_its_own_session() {
    proves!("MQTT-3.1.3-2", "MQTT311-3.1.3-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topics = [(); 3].map(|()| fresh("own"));
        let client_id = fresh("S");
        let ids = [
            client_id.clone(),
            client_id.to_lowercase(),
            format!("{client_id}x"),
        ];
        for (client_id, topic) in ids.iter().zip(&topics) {
            absent(world, version, client_id, topic);
        }
        let mut publisher = world.client(version);
        for topic in &topics {
            publisher.publish_acked(&Publish::new(topic, "x"));
        }
        for (client_id, topic) in ids.iter().zip(&topics) {
            let (mut peer, present) = enter(world, &kept(version, client_id));
            assert!(present);
            assert_eq!(peer.receive_acked().topic(), topic);
            peer.nothing_comes();
            peer.leave();
        }
    }
}

#[test]
fn a_session_ends_when_its_expiry_has_passed() {
    proves!("MQTT-4.1.0-2");
    let Some(world) = world() else { return };
    let short = fresh("s");
    let at_once = fresh("s");
    let changed = fresh("s");
    let long = fresh("s");
    world
        .enter(&Connect::new(Version::V5, &short).kept_for(1))
        .vanish();
    world
        .enter(&Connect::new(Version::V5, &at_once).kept())
        .leave();
    world.enter(&kept(Version::V5, &long)).vanish();
    // DISCONNECT may change it
    let mut peer = world.enter(&kept(Version::V5, &changed));
    let none = Properties::new().four(id::SESSION_EXPIRY, 0);
    peer.send(&with_code(DISCONNECT, 0, &none));
    assert_eq!(peer.until_closed(), []);
    thread::sleep(Duration::from_millis(3_500));
    for (client_id, expected) in [
        (&short, false),
        (&at_once, false),
        (&changed, false),
        (&long, true),
    ] {
        let (peer, present) = enter(world, &kept(Version::V5, client_id));
        assert_eq!(present, expected, "{client_id}");
        peer.leave();
    }
}

#[test]
fn a_session_does_not_expire_under_its_connection() {
    proves!("MQTT-4.1.0-1", "MQTT311-4.1.0-2");
    let Some(world) = world() else { return };
    let topic = fresh("open");
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("s")).kept_for(1));
    peer.subscribe(&topic, 0);
    let mut clean = world.subscriber(Version::V311, &topic, 0);
    thread::sleep(Duration::from_millis(2_500));
    world
        .client(Version::V5)
        .publish_acked(&Publish::new(&topic, "x"));
    assert_eq!(peer.receive().text(), "x");
    assert_eq!(clean.receive().text(), "x");
}

#[test]
fn what_is_unacknowledged_is_sent_again() {
    proves!(
        "MQTT-3.3.1-1",
        "MQTT-4.3.2-3",
        "MQTT-4.4.0-1",
        "MQTT311-3.3.1-1",
        "MQTT311-4.3.2-1",
        "MQTT311-4.4.0-1"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let (topic, client_id) = (fresh("resend"), fresh("s"));
        let (mut peer, _) = enter(world, &kept(version, &client_id));
        peer.subscribe(&topic, 1);
        let mut publisher = world.client(version);
        for text in ["1", "2", "3", "4"] {
            publisher.publish_acked(&Publish::new(&topic, text));
        }
        let came = [(); 4].map(|()| peer.receive());
        peer.send(&ack(PUBACK, came[1].id));
        // nothing is sent again while the connection lasts
        peer.nothing_comes();
        peer.vanish();
        for _ in 0..2 {
            let (mut again, present) = enter(world, &kept(version, &client_id));
            assert!(present);
            for first in [&came[0], &came[2], &came[3]] {
                let publish = again.receive();
                assert_eq!((publish.text(), publish.id), (first.text(), first.id));
                assert!(publish.dup);
            }
            // and nothing else
            again.nothing_comes();
            again.vanish();
        }
        let (mut peer, _) = enter(world, &kept(version, &client_id));
        for _ in 0..3 {
            peer.receive_acked();
        }
        peer.nothing_comes();
        peer.leave();
        let (mut peer, _) = enter(world, &kept(version, &client_id));
        publisher.publish_acked(&Publish::new(&topic, "5"));
        assert_eq!(peer.receive_acked().text(), "5");
        peer.leave();
    }
}

#[test]
fn a_takeover_keeps_the_session() {
    proves!("MQTT-3.1.2-5", "MQTT-3.1.4-3", "MQTT311-3.1.2-4");
    let Some(world) = world() else { return };
    for version in BOTH {
        let (topic, client_id) = (fresh("takeover"), fresh("s"));
        let (mut older, _) = enter(world, &kept(version, &client_id));
        older.subscribe(&topic, 1);
        let mut publisher = world.client(version);
        publisher.publish_acked(&Publish::new(&topic, "1"));
        let first = older.receive();
        let (mut newer, present) = enter(world, &kept(version, &client_id));
        assert!(present);
        older.ended(&[0x8E]);
        let again = newer.receive_acked();
        assert_eq!((again.text(), again.id, again.dup), ("1", first.id, true));
        newer.leave();
    }
}

const DELAYED: &str = "delayed";

fn with_delay(client_id: &str, topic: &str, delay: u32, expiry: u32) -> Connect {
    let delay = Properties::new().four(id::WILL_DELAY, delay);
    let connect = Connect::new(Version::V5, client_id).kept_for(expiry);
    connect.will(topic, DELAYED, 0, false).will_with(delay)
}

#[test]
fn a_will_waits_for_its_delay_and_no_longer_than_the_session() {
    proves!("MQTT-3.1.2-8");
    let Some(world) = world() else { return };
    // the delay, or the end of the session if that is sooner
    for (delay, expiry) in [(2, 600), (600, 2)] {
        let topic = fresh("delay");
        let mut watcher = world.subscriber(Version::V5, &topic, 0);
        let peer = world.enter(&with_delay(&fresh("w"), &topic, delay, expiry));
        let since = Instant::now();
        peer.vanish();
        let will = watcher.receive();
        assert_eq!(will.text(), DELAYED);
        assert!(!will.properties.has(id::WILL_DELAY));
        assert!(
            since.elapsed() >= Duration::from_millis(1_900),
            "{:?}",
            since.elapsed()
        );
    }
}

#[test]
fn a_client_that_is_back_in_time_has_no_will_published() {
    proves!("MQTT-3.1.3-9", "MQTT-3.1.2-8", "MQTT-3.1.2-10");
    let Some(world) = world() else { return };
    let (topic, client_id) = (fresh("back"), fresh("w"));
    let mut watcher = world.subscriber(Version::V5, &topic, 0);
    world
        .enter(&with_delay(&client_id, &topic, 4, 600))
        .vanish();
    let (back, present) = enter(world, &kept(Version::V5, &client_id));
    assert!(present);
    thread::sleep(Duration::from_millis(5_500));
    watcher.publish_acked(&Publish::new(&topic, "fence"));
    assert_eq!(watcher.receive().text(), "fence");
    back.leave();
}
