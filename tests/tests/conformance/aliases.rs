//! Topic aliases (sections 3.1.2.11.5 and 3.3.2.3.4).

use std::collections::HashMap;

use herdgate_tests::wire::{Connect, Peer, Properties, Publish, Version, id};

use super::world::{World, fresh, world};

/// A client and the broker's Topic Alias Maximum.
fn enter(world: &World) -> (Peer, u16) {
    let connect = Connect::new(Version::V5, fresh("a"));
    let (peer, connack) = Peer::enter_told(world.mqtt(), &connect);
    let maximum = connack.properties.value(id::TOPIC_ALIAS_MAXIMUM);
    (peer, u16::try_from(maximum.unwrap_or(0)).unwrap())
}

fn with_alias(topic: &str, alias: u16) -> Publish {
    Publish::new(topic, "x").with(Properties::new().two(id::TOPIC_ALIAS, alias))
}

#[test]
fn every_alias_up_to_the_brokers_maximum_is_taken() {
    proves!("MQTT-3.3.2-12");
    let Some(world) = world() else { return };
    let (mut peer, maximum) = enter(world);
    assert!(maximum > 1, "the broker takes aliases");
    let root = fresh("aliased");
    peer.subscribe(&format!("{root}/#"), 0);
    let topic = |alias| format!("{root}/{alias}");
    for alias in 1..=maximum {
        peer.publish(&with_alias(&topic(alias), alias));
        assert_eq!(peer.receive().topic(), topic(alias));
    }
    for alias in (1..=maximum).rev() {
        peer.publish(&with_alias("", alias));
        assert_eq!(peer.receive().topic(), topic(alias));
    }
    // given anew, it stands for the new topic
    peer.publish(&with_alias(&topic(0), maximum));
    assert_eq!(peer.receive().topic(), topic(0));
    peer.publish(&with_alias("", maximum));
    assert_eq!(peer.receive().topic(), topic(0));
}

#[test]
fn an_alias_ends_with_its_connection() {
    proves!("MQTT-3.3.2-7");
    let Some(world) = world() else { return };
    let connect = Connect::new(Version::V5, fresh("a"));
    let mut first = world.enter(&connect);
    let topic = fresh("alias");
    first.subscribe(&topic, 0);
    first.publish(&with_alias(&topic, 1));
    assert_eq!(first.receive().topic(), topic);
    drop(first);
    let mut second = world.enter(&connect);
    second.publish(&with_alias("", 1));
    second.ended(&[0x82]);
}

#[test]
fn no_alias_above_the_clients_maximum_comes() {
    proves!("MQTT-3.1.2-26", "MQTT-3.3.2-11");
    let Some(world) = world() else { return };
    let takes_two = Properties::new().two(id::TOPIC_ALIAS_MAXIMUM, 2);
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("a")).with(takes_two));
    let root = fresh("aliases/of/the/broker");
    peer.subscribe(&format!("{root}/#"), 0);
    let mut topics: HashMap<u32, String> = HashMap::new();
    let mut short = 0;
    for number in [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 1, 1, 2, 2] {
        let sent = format!("{root}/{number}");
        peer.publish(&Publish::new(&sent, "x"));
        let came = peer.receive();
        let alias = came.properties.value(id::TOPIC_ALIAS);
        assert!(
            alias.is_none_or(|alias| (1..=2).contains(&alias)),
            "{alias:?}"
        );
        let topic = match (came.topic(), alias) {
            ("", alias) => {
                short += 1;
                topics[&alias.expect("something stands for the topic")].clone()
            }
            (topic, alias) => {
                topics.extend(alias.map(|alias| (alias, topic.to_owned())));
                topic.to_owned()
            }
        };
        assert_eq!(topic, sent);
    }
    assert!(short > 0, "the broker uses aliases");
}
