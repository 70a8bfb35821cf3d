//! Whoever comes in twice and leaves before it has settled is in the last class, and nobody else is.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{IpAddr, Ipv4Addr};

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{Client, Connect, packet};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::json;

const DISCONNECT: u8 = 0xE0;

/// Twice a client of 127.0.0.`last` comes in, and goes as `leaves` has it.
fn twice(cluster: &Cluster<'_>, last: u8, leaves: impl Fn(Client)) {
    for _ in 0..2 {
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let client = until("a client is let in", PATIENT, || {
            let mut client = Client::plain_from(from, cluster.listener("mqtt")).ok()?;
            let connack = client.connect(&Connect::v3(&format!("gw-{last}"))).ok()?;
            (connack.body[1] == 0).then_some(client)
        });
        leaves(client);
        until("it is gone", PATIENT, || {
            (cluster.edges[0].admin.number("/connected") == 0).then_some(())
        });
    }
}

#[test]
fn whoever_leaves_twice_before_it_has_settled_is_last_and_nobody_else() {
    if stand_in_wanted() {
        return skip::skip("mosquitto has no admission");
    }
    // longer than from one report of the shard to the next, so that whoever settles is seen to
    let settle = json!({"leastQuietSeconds": 1});
    let admission = json!({"mode": "Staged", "tuning": {"settle": settle}});
    let setup = Setup::new().set("/admission", admission);
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 1 }) else {
        return;
    };
    let edge = &cluster.edges[0].admin;
    twice(&cluster, 2, |mut client| {
        client.send(&packet(DISCONNECT, &[])).unwrap();
        client.until_closed();
    });
    twice(&cluster, 3, |client| {
        for settling in [1, 0] {
            until("it settles, and has settled", PATIENT, || {
                (edge.number("/settling") == settling).then_some(())
            });
        }
        drop(client);
    });
    assert!(edge.metric("herdgate_last_class") < 0.5);
    twice(&cluster, 4, drop);
    until("it is in the last class", PATIENT, || {
        let last = edge.metric("herdgate_last_class");
        assert!(last < 1.5, "others are: {last}");
        (last > 0.5).then_some(())
    });
    for (address, is_last) in [("127.0.0.4", true), ("127.0.0.2", false)] {
        let told = edge.json(&format!("/explain?address={address}"));
        let reason = told["reason"].as_str().unwrap();
        assert_eq!(reason.contains("never settled"), is_last, "{reason}");
    }
}
