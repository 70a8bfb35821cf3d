//! Shared subscriptions, identifiers, options and `$SYS`, with clients that others wrote.

use herdgate_tests::clients::{Mosquitto, Paho, Version};
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::process::Process;
use herdgate_tests::setup::{ALICE, Setup};
use herdgate_tests::skip::skip;
use herdgate_tests::wait::{PATIENT, until};

const SPLIT: Topology = Topology::Split { edges: 2 };
const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

#[test]
fn paho_shares_subscriptions() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(paho) = Paho::find() else { return };
    for version in VERSIONS {
        paho.check(&setup, cluster.listener("mqtts"), version, "shared", &[]);
    }
}

#[test]
fn paho_numbers_its_subscriptions_and_has_its_options() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(paho) = Paho::find() else { return };
    for check in ["options", "properties"] {
        paho.check(&setup, cluster.listener("mqtts"), Version::V5, check, &[]);
    }
    // mosquitto sends a copy for each subscription
    if !stand_in_wanted() {
        let at = cluster.listener("mqtts");
        paho.check(&setup, at, Version::V5, "identifiers", &[]);
    }
}

#[test]
fn paho_reads_what_the_server_tells_of_itself() {
    if stand_in_wanted() {
        return skip("mosquitto calls itself otherwise");
    }
    for version in VERSIONS {
        let setup = Setup::new().set("/shard/sysIntervalSeconds", 0.2);
        let Some(cluster) = Cluster::start(&setup, SPLIT) else {
            return;
        };
        let Some(paho) = Paho::find() else { return };
        paho.check(&setup, cluster.listener("mqtts"), version, "system", &[]);
    }
}

/// Members at two edges share a filter; each message is printed once.
#[test]
fn mosquitto_clients_share_a_subscription() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(alice) = Mosquitto::new(&setup, cluster.listener("mqtts"), ALICE) else {
        return;
    };
    let shared = ["-t", "$share/crew/work/#", "-q", "1", "-v"];
    let members = [
        alice
            .clone()
            .version(Version::V5)
            .subscriber("alice-1", &shared),
        alice
            .clone()
            .at(cluster.listener_of(1, "mqtts"))
            .subscriber("alice-2", &shared),
    ];
    let count = 12;
    for number in 0..count {
        let payload = format!("piece {number}.");
        alice.publish("alice-pub", &["-t", "work/a", "-m", &payload, "-q", "1"]);
    }
    let printed = |payload: &str| {
        let logs = members.iter().map(Process::log);
        logs.map(|log| log.matches(&format!("work/a {payload}")).count())
            .sum::<usize>()
    };
    until("every message is printed", PATIENT, || {
        (0..count)
            .all(|number| printed(&format!("piece {number}.")) > 0)
            .then_some(())
    });
    assert_eq!(printed("piece"), count, "each once");
    let halves = members
        .each_ref()
        .map(|member| member.log().matches("work/a piece").count());
    assert_eq!(halves, [count / 2; 2]);
}
