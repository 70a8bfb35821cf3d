//! Subscription identifiers (sections 3.3.4 and 3.8.2.1.2).

use herdgate_tests::wire::{Properties, Publish, Version, id};

use super::world::{fresh, world};

#[test]
fn one_copy_carries_the_identifiers_of_all_matching_subscriptions() {
    proves!("MQTT-3.3.4-3", "MQTT-3.3.4-4");
    let Some(world) = world() else { return };
    let base = fresh("id");
    let mut peer = world.client(Version::V5);
    for (filter, qos, number) in [
        ("/+", 0, 7),
        ("/#", 1, 268_435_455),
        ("/a", 0, 0),
        ("/b", 0, 1),
    ] {
        let properties = if number == 0 {
            Properties::new()
        } else {
            Properties::new().number(id::SUBSCRIPTION_ID, number)
        };
        peer.subscribe_with(&[(&format!("{base}{filter}"), qos)], &properties);
    }
    let mut publisher = world.client(Version::V5);
    for (topic, expected) in [
        ("/a", &[7, 268_435_455][..]),
        ("/b", &[1, 7, 268_435_455]),
        ("/c/d", &[268_435_455]),
    ] {
        publisher.publish_acked(&Publish::new(format!("{base}{topic}"), topic));
        let came = peer.receive_acked();
        assert_eq!((came.text(), came.qos), (topic, 1));
        assert_eq!(came.properties.subscription_ids(), expected);
    }
}

#[test]
fn the_identifier_is_replaced_with_its_subscription() {
    proves!("MQTT-3.3.4-3", "MQTT-3.8.4-3");
    let Some(world) = world() else { return };
    let topic = fresh("id");
    let mut peer = world.client(Version::V5);
    let mut publisher = world.client(Version::V5);
    publisher.publish_acked(&Publish::new(&topic, "kept").retain());
    for number in [5, 6, 0] {
        let properties = if number == 0 {
            Properties::new()
        } else {
            Properties::new().number(id::SUBSCRIPTION_ID, number)
        };
        let expected = if number == 0 { vec![] } else { vec![number] };
        peer.subscribe_with(&[(&topic, 0)], &properties);
        publisher.publish_acked(&Publish::new(&topic, "live"));
        for text in ["kept", "live"] {
            let came = peer.receive();
            assert_eq!(came.text(), text);
            assert_eq!(came.properties.subscription_ids(), expected);
        }
    }
}
