//! UNSUBSCRIBE and UNSUBACK (sections 3.10 and 3.11).

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{
    BOTH, Connect, Properties, Publish, UNSUBACK, UNSUBSCRIBE, Version, ack, id, names, request,
};

use super::world::{fresh, world};

#[test]
fn an_unsubscribe_without_a_filter_ends_the_connection() {
    proves!("MQTT-3.10.3-2", "MQTT311-3.10.3-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let mut peer = world.client(version);
        peer.send(&request(
            version,
            UNSUBSCRIBE | 2,
            1,
            &Properties::new(),
            &[],
        ));
        peer.ended(&[0x81, 0x82]);
    }
}

#[test]
fn nothing_new_comes_after_an_unsubscribe() {
    proves!("MQTT-3.10.4-2", "MQTT311-3.10.4-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        let (gone, fence) = (fresh("gone"), fresh("fence"));
        let mut peer = world.subscriber(version, &gone, 1);
        peer.subscribe(&fence, 1);
        let mut publisher = world.client(version);
        publisher.publish_acked(&Publish::new(&gone, "before"));
        assert_eq!(peer.receive_acked().text(), "before");
        peer.unsubscribe(&[&gone]);
        publisher.publish_acked(&Publish::new(&gone, "after"));
        publisher.publish_acked(&Publish::new(&fence, "fence"));
        assert_eq!(peer.receive_acked().text(), "fence");
    }
}

#[test]
fn filters_are_compared_character_by_character() {
    proves!("MQTT-3.10.4-1", "MQTT311-3.10.4-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let topic = fresh("exact");
        let filter = format!("{topic}/+");
        let mut peer = world.subscriber(version, &filter, 0);
        let mut publisher = world.client(version);
        let others = [
            format!("{topic}/#"),
            format!("{topic}/a"),
            format!("{topic}/+/"),
            filter.to_uppercase(),
            "#".to_owned(),
        ];
        for other in &others {
            peer.unsubscribe(&[other]);
            publisher.publish_acked(&Publish::new(format!("{topic}/a"), other));
            assert_eq!(peer.receive().text(), other);
        }
        peer.unsubscribe(&[&filter]);
        publisher.publish_acked(&Publish::new(format!("{topic}/a"), "gone"));
        let fence = fresh("fence");
        peer.subscribe(&fence, 0);
        publisher.publish_acked(&Publish::new(&fence, "fence"));
        assert_eq!(peer.receive().text(), "fence");
    }
}

#[test]
fn what_is_under_way_is_delivered() {
    proves!("MQTT-3.10.4-3", "MQTT311-3.10.4-3");
    let Some(world) = world() else { return };
    let topic = fresh("away");
    let limit = Properties::new().two(id::RECEIVE_MAXIMUM, 1);
    let mut slow = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    slow.subscribe(&topic, 1);
    let mut publisher = world.client(Version::V5);
    publisher.publish_acked(&Publish::new(&topic, "sent"));
    let sent = slow.receive();
    slow.unsubscribe(&[&topic]);
    // its PUBACK is taken and frees the window
    slow.send(&ack(PUBACK, sent.id));
    let next = fresh("next");
    slow.subscribe(&next, 1);
    publisher.publish_acked(&Publish::new(&next, "next"));
    assert_eq!(slow.receive_acked().text(), "next");
}

#[test]
fn an_unsubscribe_of_nothing_is_answered() {
    proves!("MQTT-3.10.4-5", "MQTT311-3.10.4-5");
    let Some(world) = world() else { return };
    for version in BOTH {
        let mut peer = world.client(version);
        for _ in 0..2 {
            let answer = peer.unsubscribe(&[&fresh("never")]);
            let expected: &[u8] = if version.is_5() { &[0x11] } else { &[] };
            assert_eq!(answer.codes, expected);
        }
    }
}

#[test]
fn many_filters_are_as_many_unsubscribes() {
    proves!(
        "MQTT-3.10.4-6",
        "MQTT-3.11.3-1",
        "MQTT-3.11.3-2",
        "MQTT311-3.10.4-6"
    );
    let Some(world) = world() else { return };
    for version in BOTH {
        let filters = [(); 4].map(|()| fresh("u"));
        let mut peer = world.client(version);
        for filter in &filters[..3] {
            peer.subscribe(filter, 0);
        }
        let never = fresh("never");
        let answer = peer.unsubscribe(&[&filters[0], &never, &filters[1]]);
        let expected: &[u8] = if version.is_5() { &[0, 0x11, 0] } else { &[] };
        assert_eq!(answer.codes, expected);
        if version.is_5() {
            // a filter that is none has its code, and costs the others nothing
            assert_eq!(peer.unsubscribe(&["a/#/b", &never]).codes, [0x8F, 0x11]);
        }
        let mut publisher = world.client(version);
        for filter in &filters {
            publisher.publish_acked(&Publish::new(filter, filter));
        }
        assert_eq!(peer.receive().text(), filters[2]);
        publisher.publish_acked(&Publish::new(&filters[2], "fence"));
        assert_eq!(peer.receive().text(), "fence");
    }
}

#[test]
fn a_small_client_gets_small_unsubacks() {
    proves!("MQTT-3.11.2-1", "MQTT-3.11.2-2");
    let Some(world) = world() else { return };
    let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, 24);
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("s")).with(limit));
    for filter in ["a/#/b", "never"] {
        let packet_id = peer.next_id();
        let none = Properties::new();
        let list = names(&[filter]);
        peer.send(&request(
            Version::V5,
            UNSUBSCRIBE | 2,
            packet_id,
            &none,
            &list,
        ));
        let packet = peer.read();
        assert!(
            packet.kind() == UNSUBACK && packet.body.len() <= 22,
            "{packet:?}"
        );
    }
}
