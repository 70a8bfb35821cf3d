//! Clients that others wrote, over TLS, against standalone and against edge and shard as processes.

use herdgate_tests::clients::{Mosquitto, Paho, Version};
use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::process::Signal;
use herdgate_tests::setup::{ALICE, BOB, Setup};
use herdgate_tests::wait::PATIENT;

const SPLIT: Topology = Topology::Split { edges: 2 };
const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

#[test]
fn mosquitto_clients_publish_and_subscribe() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(alice) = Mosquitto::new(&setup, cluster.listener("mqtts"), ALICE) else {
        return;
    };
    for version in VERSIONS {
        let alice = alice.clone().version(version);
        // the publisher comes through the other edge: two edges are one broker
        let other = alice.clone().at(cluster.listener_of(1, "mqtts"));
        let name = format!("alice-sub-{version:?}");
        let mut subscriber = alice.subscriber(&name, &["-t", "home/+/light", "-q", "1", "-v"]);
        for qos in ["0", "1"] {
            other.publish(
                "alice-pub",
                &[
                    "-t",
                    "home/7/light",
                    "-m",
                    &format!("on at {qos}"),
                    "-q",
                    qos,
                ],
            );
            subscriber.until_logged(&format!("home/7/light on at {qos}"), PATIENT);
        }
        other.publish(
            "alice-pub",
            &["-t", "home/7/heat", "-m", "not for you", "-q", "1"],
        );
        other.publish(
            "alice-pub",
            &["-t", "home/8/light", "-m", "fence", "-q", "1"],
        );
        subscriber.until_logged("home/8/light fence", PATIENT);
        assert!(!subscriber.log().contains("not for you"));
    }
}

#[test]
fn mosquitto_clients_get_retained_messages_and_wills() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(alice) = Mosquitto::new(&setup, cluster.listener("mqtts"), ALICE) else {
        return;
    };
    for version in VERSIONS {
        let alice = alice.clone().version(version);
        alice.publish(
            "alice-pub",
            &["-t", "kept/a", "-m", "retained one", "-r", "-q", "1"],
        );
        let mut watcher = alice.subscriber(
            "alice-watch",
            &["-t", "kept/#", "-t", "wills/#", "-q", "1", "-v"],
        );
        watcher.until_logged("kept/a retained one", PATIENT);

        let will = [
            "-t",
            "unused",
            "--will-topic",
            "wills/mortal",
            "--will-payload",
            "was killed",
            "--will-qos",
            "1",
        ];
        let bob = Mosquitto {
            user: BOB,
            ..alice.clone()
        }
        .at(cluster.listener_of(1, "mqtts"));
        let mortal = bob.subscriber("bob-mortal", &will);
        mortal.signal(Signal::KILL);
        watcher.until_logged("wills/mortal was killed", PATIENT);
    }
}

#[test]
fn the_newer_of_two_connections_wins() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(alice) = Mosquitto::new(&setup, cluster.listener("mqtts"), ALICE) else {
        return;
    };
    let mut older = alice.subscriber("alice-same", &["-t", "moves"]);
    let newer = alice.clone().at(cluster.listener_of(1, "mqtts"));
    // mosquitto_pub ends by itself; that it got in at all means that the older one had to go
    newer.publish("alice-same", &["-t", "elsewhere", "-m", "x", "-q", "1"]);
    older.until_logged("Client alice-same sending CONNECT", PATIENT);
}

/// What came while the subscriber was dead waits for it, whichever edge it comes back to.
#[test]
fn a_killed_subscriber_finds_its_session() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(alice) = Mosquitto::new(&setup, cluster.listener("mqtts"), ALICE) else {
        return;
    };
    for (version, expiry) in [(Version::V311, &[][..]), (Version::V5, &["-x", "600"])] {
        let alice = alice.clone().version(version);
        let other = alice.clone().at(cluster.listener_of(1, "mqtts"));
        let name = format!("alice-kept-{version:?}");
        let topic = format!("kept/{version:?}");
        let arguments = [&["-c", "-t", &topic, "-q", "2", "-v"][..], expiry].concat();
        let subscriber = alice.subscriber(&name, &arguments);
        subscriber.signal(Signal::KILL);
        for number in 0..3 {
            let message = format!("number {number}");
            let message = ["-t", &topic, "-m", &message, "-q", "2"];
            other.publish("alice-pub", &message);
        }
        let mut subscriber = other.subscriber(&name, &arguments);
        subscriber.until_logged(&format!("{topic} number 2"), PATIENT);
        let log = subscriber.log();
        for number in 0..3 {
            let line = format!("{topic} number {number}");
            let count = log.matches(&line).count();
            assert_eq!(count, 1, "{line}: {log}");
        }
    }
}

#[test]
fn paho_finds_everything_it_expects() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(paho) = Paho::find() else { return };
    for version in VERSIONS {
        for check in ["roundtrip", "retained", "will", "takeover", "resumption"] {
            paho.check(&setup, cluster.listener("mqtts"), version, check, &[]);
        }
    }
}

#[test]
fn standalone_serves_the_same_clients() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let Some(paho) = Paho::find() else { return };
    for check in ["roundtrip", "will"] {
        paho.check(&setup, cluster.listener("mqtts"), Version::V5, check, &[]);
    }
}
