//! Wills, takeover, lost links, the end.

use bytes::Bytes;

use super::network::{Client, Network, disconnected};
use crate::codec::{Connect, Disconnect, Packet, Protocol, QoS, ReasonCode, Will};
use crate::link::CloseReason;
use crate::shard::core::{Input, LinkId};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn with_will(protocol: Protocol, client_id: &str) -> Connect {
    let will = Will {
        qos: ONE,
        retain: true,
        topic: format!("gone/{client_id}").into(),
        payload: Bytes::from_static(b"bye"),
        delay: 30,
        properties: None,
    };
    Connect {
        will: Some(will),
        ..Connect::new(protocol, client_id)
    }
}

fn watched(workers: u16, test: impl Fn(&mut Network, Client) -> bool) {
    let mut network = Network::with_workers(workers);
    let watcher = network.client(V311, "watcher");
    network.subscribe(watcher, "gone/#", ONE);
    let client = network.connect_over(LinkId(9), with_will(V5, "c"));
    let expected = test(&mut network, client);
    assert_eq!(
        network.messages(watcher),
        if expected {
            vec!["gone/c=bye q1"]
        } else {
            vec![]
        }
    );
    let late = network.client(V311, "late");
    network.subscribe(late, "gone/+", ZERO);
    assert_eq!(
        network.messages(late),
        if expected {
            vec!["gone/c=bye!"]
        } else {
            vec![]
        }
    );
}

#[test]
fn wills() {
    for workers in [1, 4] {
        watched(workers, |network, client| {
            network.detach(client);
            true
        });
        watched(workers, |network, client| {
            network.send(client, &Packet::Disconnect(Disconnect::default()));
            assert_eq!(
                network.inbox(client).closed,
                Some(CloseReason::Disconnected)
            );
            network.detach(client);
            false
        });
        watched(workers, |network, client| {
            network.send(client, &disconnected(ReasonCode::DISCONNECT_WITH_WILL));
            true
        });
        watched(workers, |network, client| {
            network.raw(client, &[0xFF, 0x00]);
            true
        });
        watched(workers, |network, client| {
            network.input(client.worker, Input::LinkLost(client.link));
            network.run();
            true
        });
    }
}

#[test]
fn the_same_client_takes_over() {
    for protocol in [V311, V5] {
        let mut network = Network::with_workers(1);
        let watcher = network.client(V311, "watcher");
        network.subscribe(watcher, "gone/#", ONE);
        let old = network.connect(with_will(protocol, "c"));
        network.subscribe(old, "t", ZERO);
        let new = network.connect_over(LinkId(2), Connect::new(protocol, "c"));
        assert_eq!(network.inbox(old).closed, Some(CloseReason::TakenOver));
        let told = if protocol == V5 {
            vec![disconnected(ReasonCode::SESSION_TAKEN_OVER)]
        } else {
            vec![]
        };
        assert_eq!(network.packets(old), told);
        assert_eq!(network.messages(watcher), ["gone/c=bye q1"]);
        // the session was clean: its subscription is gone
        network.publish(new, "t", "x", ZERO);
        assert!(network.packets(new).is_empty());
        // the old stream's last words hurt nobody
        network.publish(old, "t", "late", ZERO);
        network.detach(old);
        assert!(network.inbox(new).closed.is_none());
        let stats = network.workers[0].stats();
        assert_eq!((stats.connected, stats.taken_over_total), (2, 1));
    }
}

#[test]
fn a_lost_link_ends_its_clients_and_no_others() {
    let mut network = Network::with_workers(1);
    let lost: Vec<_> = (0..3)
        .map(|n| network.connect_over(LinkId(7), Connect::new(V5, format!("l{n}"))))
        .collect();
    let kept = network.connect_over(LinkId(8), Connect::new(V5, "kept"));
    network.input(0, Input::LinkLost(LinkId(7)));
    assert_eq!(network.workers[0].stats().connected, 1);
    for client in lost {
        assert_eq!(network.inbox(client).closed, None);
    }
    network.subscribe(kept, "t", ZERO);
}

#[test]
fn shutdown_is_paced_and_lets_nobody_in() {
    let mut network = Network::with_workers(1);
    let clients: Vec<_> = (0..10)
        .map(|n| network.client(if n % 2 == 0 { V5 } else { V311 }, &format!("c{n}")))
        .collect();
    for (round, closed) in [(1, 4), (2, 8), (3, 10)] {
        network.input(0, Input::Shutdown { clients: 4 });
        let count = clients
            .iter()
            .filter(|client| network.inbox(**client).closed.is_some())
            .count();
        assert_eq!(count, closed, "round {round}");
    }
    for client in clients {
        assert_eq!(
            network.inbox(client).closed,
            Some(CloseReason::ShuttingDown)
        );
        let told = if client.protocol == V5 {
            vec![disconnected(ReasonCode::SERVER_SHUTTING_DOWN)]
        } else {
            vec![]
        };
        assert_eq!(network.packets(client), told);
    }
    for (protocol, connack) in [(V5, 0x88), (V311, 0x03)] {
        let late = network.connect(Connect::new(protocol, "late"));
        assert_eq!(network.inbox(late).refused.as_ref().unwrap()[3], connack);
    }
}
