//! Limits of one listener beside another without any, through edge and shard.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::DISCONNECT;
use herdgate_tests::setup::Setup;
use herdgate_tests::skip::skip;
use herdgate_tests::wait::{PATIENT, until};
use herdgate_tests::wire::{Connect, Peer, Publish, Version, code_and_properties, id};
use serde_json::json;

const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

/// Clients of `mqtt` are held to little; those of `free` are as free as the shard lets them be.
fn setup() -> Setup {
    let few = json!({"maxSubscriptions": 2, "maxTopicLevels": 2, "maxTopicBytes": 16, "receiveMaximum": 7});
    let mut setup = Setup::new().set("/listeners/1/limits", few);
    let listeners = setup.config["listeners"].as_array_mut().unwrap();
    listeners.push(json!({"name": "free", "address": "127.0.0.1:0", "protocol": "mqtt"}));
    setup
}

#[test]
fn a_listener_holds_its_clients_to_less_than_its_shard_does() {
    if stand_in_wanted() {
        return skip("about our processes alone");
    }
    for topology in [Topology::Split { edges: 1 }, Topology::Standalone] {
        let setup = setup();
        let Some(cluster) = Cluster::start(&setup, topology) else {
            return;
        };
        for version in VERSIONS {
            let [invalid, quota] = if version.is_5() {
                [0x8F, 0x97]
            } else {
                [0x80; 2]
            };
            for (listener, codes) in [("mqtt", [0, invalid, invalid, 0, quota]), ("free", [0; 5])] {
                let client = Connect::new(version, format!("client-of-{listener}"));
                let mut peer = Peer::enter(cluster.listener(listener), &client);
                let filters = ["a/#", "a/b/#", "a-topic-of-seventeen", "b", "c"];
                let told = filters.map(|filter| peer.subscribe(filter, 0));
                assert_eq!(told, codes, "{listener}");
                peer.leave();
            }
        }
        let met = |limit: &str| {
            let (name, label) = (
                "herdgate_shard_limits_reached_total",
                format!("limit=\"{limit}\""),
            );
            cluster.owner().admin.metric_of(name, &label)
        };
        until("the shard counts what it refused", PATIENT, || {
            let counted = met("topic") > 3.5 && met("subscriptions") > 1.5;
            counted.then_some(())
        });
    }
}

#[test]
fn a_listener_tells_its_own_receive_maximum_and_ends_who_is_over_it() {
    if stand_in_wanted() {
        return skip("about our processes alone");
    }
    let setup = setup();
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 1 }) else {
        return;
    };
    for (listener, told) in [("mqtt", 7), ("free", 256)] {
        let connect = Connect::new(Version::V5, format!("told-by-{listener}"));
        let (_peer, connack) = Peer::enter_told(cluster.listener(listener), &connect);
        let receive_maximum = connack.properties.value(id::RECEIVE_MAXIMUM);
        assert_eq!(receive_maximum, Some(told), "{listener}");
    }
    // QoS 2 counts until the client says PUBREL
    let connect = Connect::new(Version::V5, "sends-eight");
    let mut peer = Peer::enter(cluster.listener("mqtt"), &connect);
    for packet_id in 1..=8 {
        peer.publish(&Publish::new("t", "x").qos(2, packet_id));
    }
    let last = peer.until_closed().pop().expect("a DISCONNECT");
    assert_eq!(
        (last.first, code_and_properties(&last).0),
        (DISCONNECT, 0x93)
    );
}
