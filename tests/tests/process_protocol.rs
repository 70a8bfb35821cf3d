//! What a client sees that says things byte by byte: refusals, wills, keep-alive, garbage.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{
    CONNACK, Client, Connect, DISCONNECT, PINGRESP, Packet, packet, publish,
};
use herdgate_tests::setup::Setup;
use herdgate_tests::wait::throughout;

const SPLIT: Topology = Topology::Split { edges: 1 };

fn watcher(cluster: &Cluster<'_>, filter: &str) -> Client {
    let mut watcher = Client::plain(cluster.listener("mqtt")).unwrap();
    watcher.login(&Connect::v3("watcher"));
    assert_eq!(watcher.subscribe(filter, 0), 0);
    watcher
}

/// The watcher's own message must be the next it gets: nothing else came before.
fn assert_quiet(watcher: &mut Client) {
    watcher.send(&publish("fence", "up")).unwrap();
    assert_eq!(
        watcher.read().unwrap().published(),
        ("fence".to_owned(), b"up".to_vec())
    );
}

#[test]
fn an_unknown_protocol_level_is_told_so() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    for (protocol, level) in [("MQTT", 3), ("MQTT", 6), ("MQTT", 0x7F), ("MQIsdp", 3)] {
        if protocol == "MQIsdp" && stand_in_wanted() {
            continue; // mosquitto serves MQTT 3.1
        }
        let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
        let connack = client
            .connect(&Connect {
                protocol,
                level,
                ..Connect::v3("old")
            })
            .unwrap();
        assert_eq!(
            connack,
            Packet {
                first: CONNACK,
                body: vec![0, 1]
            },
            "{protocol} level {level}"
        );
        assert_eq!(client.until_closed(), vec![]);
    }
}

#[test]
fn a_message_at_qos_2_takes_four_packets_and_comes_once() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut watcher = watcher(&cluster, "t");
    for (five, name) in [(false, "three"), (true, "five")] {
        let properties = if five { &[0][..] } else { &[] };
        let publish_2 = |dup: u8| {
            let body = [&[0, 1, b't', 0, 9][..], properties, name.as_bytes()].concat();
            packet(0x34 | dup, &body)
        };
        let connect = if five {
            Connect::v5(name)
        } else {
            Connect::v3(name)
        };
        let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
        client.login(&connect);
        // the same before PUBREL, then PUBREL, then the same id for another message
        for (bytes, answer) in [
            (publish_2(0), 0x50),
            (publish_2(8), 0x50),
            (packet(0x62, &[0, 9]), 0x70),
            (publish_2(0), 0x50),
        ] {
            client.send(&bytes).unwrap();
            let packet = client.read().unwrap();
            assert_eq!((packet.first, &packet.body[..2]), (answer, &[0, 9][..]));
        }
        for _ in 0..2 {
            let message = watcher.read().unwrap().published();
            assert_eq!(message, ("t".to_owned(), name.as_bytes().to_vec()));
        }
        watcher.send(&publish("t", "fence")).unwrap();
        assert_eq!(watcher.read().unwrap().published().1, b"fence".to_vec());
    }
}

#[test]
fn keep_alive_expires_and_publishes_the_will_and_zero_never_does() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut watcher = watcher(&cluster, "#");
    let mut patient = Client::plain(cluster.listener("mqtt")).unwrap();
    patient.login(&Connect::v3("patient").will("wills", "of the patient"));
    let mut hasty = Client::plain(cluster.listener("mqtt")).unwrap();
    let began = Instant::now();
    hasty.login(
        &Connect::v3("hasty")
            .keep_alive(2)
            .will("wills", "of the hasty"),
    );

    let (topic, will) = watcher.read().unwrap().published();
    assert_eq!(
        (topic.as_str(), will.as_slice()),
        ("wills", b"of the hasty".as_slice())
    );
    assert!(
        began.elapsed() >= Duration::from_secs(3),
        "one and a half times the keep-alive, not before"
    );
    assert_eq!(hasty.until_closed(), vec![]);

    // the one without keep-alive was as silent for as long, and is still there
    patient.send(&[0xC0, 0]).unwrap();
    assert_eq!(patient.read().unwrap().kind(), PINGRESP);
    assert_quiet(&mut watcher);
}

#[test]
fn pings_keep_a_client_alive() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(&Connect::v3("pinger").keep_alive(2));
    let mut last: Option<Instant> = None;
    throughout("PINGREQ is answered", Duration::from_secs(5), || {
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            last = Some(Instant::now());
            client.send(&[0xC0, 0]).unwrap();
            return client.read().unwrap().kind() == PINGRESP;
        }
        true
    });
}

#[test]
fn the_older_connection_is_told_and_its_will_comes() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let mut watcher = watcher(&cluster, "wills");
    let mut older = Client::plain(cluster.listener("mqtt")).unwrap();
    older.login(&Connect::v5("same").will("wills", "of the older"));
    let mut newer = Client::plain(cluster.listener_of(1, "mqtt")).unwrap();
    newer.login(&Connect::v5("same"));
    let last = older.until_closed().pop();
    // mosquitto 2.0.11 closes without a word
    if !stand_in_wanted() {
        let last = last.expect("a DISCONNECT");
        assert_eq!(
            (last.kind(), last.body[0]),
            (DISCONNECT, 0x8E),
            "Session taken over"
        );
    }
    assert_eq!(watcher.read().unwrap().published().1, b"of the older");
    newer.send(&[0xC0, 0]).unwrap();
    assert_eq!(newer.read().unwrap().kind(), PINGRESP);
}

#[test]
fn garbage_is_closed_and_nobody_else_minds() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut bystander = watcher(&cluster, "#");
    let huge_length = [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
    let not_first = packet(0x30, b"\0\x01tx");
    let truncated_name = packet(0x10, &[0, 40, b'M', b'Q']);
    let wrong_name = packet(0x10, b"\0\x04HTTP\x04\x02\0\0\0\x01x");
    let reserved_flag = packet(0x10, b"\0\x04MQTT\x04\x03\0\0\0\x01x");
    let cases: [(&str, &[u8]); 6] = [
        ("text", b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n"),
        ("a length without end", &huge_length),
        ("PUBLISH before CONNECT", &not_first),
        ("a text longer than its packet", &truncated_name),
        ("another protocol's name", &wrong_name),
        ("a reserved flag", &reserved_flag),
    ];
    for (what, bytes) in cases {
        let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
        client.send(bytes).unwrap();
        let before = client.until_closed();
        let refusals = before
            .iter()
            .all(|packet| packet.kind() == CONNACK && packet.body[1] != 0);
        assert!(refusals, "{what}: {before:?}");
    }
    assert_quiet(&mut bystander);
}

#[test]
fn garbage_after_connect_is_closed_and_the_will_comes() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut watcher = watcher(&cluster, "#");
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(&Connect::v3("fool").will("wills", "of the fool"));
    // SUBSCRIBE without a filter
    client.send(&packet(0x82, &[0, 1])).unwrap();
    assert_eq!(client.until_closed(), vec![]);
    assert_eq!(watcher.read().unwrap().published().1, b"of the fool");
    assert_quiet(&mut watcher);
}
