//! Topic names and filters (section 4.7).

use herdgate_tests::wire::{BOTH, Peer, Properties, Publish, SUBSCRIBE, Version, request, wishes};

use super::world::{World, fresh, world};

/// Version 5 has a code for one filter, 3.1.1 ends the connection.
fn filter_is_refused(world: &World, filter: &str) {
    let mut newer = world.client(Version::V5);
    assert_eq!(newer.subscribe(filter, 0), 0x8F, "{filter}");
    newer.ping();
    let mut older = world.client(Version::V311);
    let list = wishes(&[(filter, 0)]);
    older.send(&request(
        Version::V311,
        SUBSCRIBE | 2,
        1,
        &Properties::new(),
        &list,
    ));
    older.ended(&[]);
}

#[test]
fn a_number_sign_stands_alone_and_last() {
    proves!("MQTT-4.7.1-1", "MQTT311-4.7.1-2");
    let Some(world) = world() else { return };
    for filter in ["a#", "a/#/b", "#/a", "##", "a/b#", "a/#b", "#/#"] {
        filter_is_refused(world, filter);
    }
    for version in BOTH {
        let base = fresh("sign");
        let mut peer = world.subscriber(version, &format!("{base}/#"), 0);
        peer.publish_acked(&Publish::new(format!("{base}/a/b"), "deep"));
        assert_eq!(peer.receive().text(), "deep");
        assert_eq!(peer.subscribe("#", 0), 0);
    }
}

#[test]
fn a_plus_sign_fills_its_level() {
    proves!("MQTT-4.7.1-2", "MQTT311-4.7.1-3");
    let Some(world) = world() else { return };
    for filter in ["a+", "+a", "a/b+", "a/+b/c", "++", "a/++"] {
        filter_is_refused(world, filter);
    }
    for version in BOTH {
        let base = fresh("plus");
        for filter in [
            format!("+/{base}"),
            format!("+/{base}/+"),
            format!("+/+/+/{base}"),
        ] {
            let mut peer = world.subscriber(version, &filter, 0);
            let topic = filter.replace('+', "x");
            peer.publish_acked(&Publish::new(&topic, "x"));
            assert_eq!(peer.receive().topic(), topic);
        }
    }
}

#[test]
fn no_leading_wildcard_matches_a_dollar_topic() {
    proves!("MQTT-4.7.2-1", "MQTT311-4.7.2-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let (base, fence) = (fresh("dollar"), fresh("fence"));
        let topic = format!("${base}/a");
        let mut named = world.subscriber(version, &format!("${base}/+"), 0);
        for filter in ["#", "+/a", "+/#"] {
            let mut peer: Peer = world.subscriber(version, filter, 0);
            peer.subscribe(&fence, 0);
            named.publish_acked(&Publish::new(&topic, "x").retain());
            assert_eq!(named.receive().topic(), topic);
            // what is retained does not match either
            peer.subscribe(filter, 0);
            named.publish_acked(&Publish::new(&fence, "fence"));
            loop {
                let came = peer.receive();
                assert!(!came.topic().starts_with('$'), "{filter}: {came:?}");
                if came.topic() == fence {
                    break;
                }
            }
        }
        named.publish_acked(&Publish::new(&topic, "").retain());
    }
}

#[test]
fn topics_and_filters_are_not_empty() {
    proves!("MQTT-4.7.3-1", "MQTT311-4.7.3-1");
    let Some(world) = world() else { return };
    filter_is_refused(world, "");
    for version in BOTH {
        let mut peer = world.client(version);
        peer.publish(&Publish::new("", "x"));
        peer.ended(&[0x81, 0x82, 0x90]);
        // one slash is a topic
        let mut peer = world.subscriber(version, "/", 0);
        peer.publish_acked(&Publish::new("/", "x"));
        assert_eq!(peer.receive().topic(), "/");
    }
}

#[test]
fn topics_are_not_normalised() {
    proves!("MQTT-4.7.3-4", "MQTT311-4.7.3-4");
    let Some(world) = world() else { return };
    for version in BOTH {
        let base = fresh("norm");
        // composed and decomposed, letter case, spaces, slashes, dots, percent signs
        let names = [
            "\u{E4}",
            "a\u{308}",
            "A\u{308}",
            "a",
            "A",
            " a",
            "a ",
            "/a",
            "a/",
            "//a",
            "./a",
            "%61",
            "\u{200B}a",
        ];
        for subscribed in names {
            let filter = format!("{base}/{subscribed}");
            let mut peer = world.subscriber(version, &filter, 0);
            for published in names {
                let topic = format!("{base}/{published}");
                peer.publish_acked(&Publish::new(&topic, published));
            }
            peer.publish_acked(&Publish::new(&filter, "fence"));
            assert_eq!(peer.receive().text(), subscribed);
            assert_eq!(peer.receive().text(), "fence", "{subscribed:?}");
            peer.leave();
        }
    }
}
