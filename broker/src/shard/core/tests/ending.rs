//! Wills, takeover, lost links, the end.

use bytes::Bytes;

use super::network::{Client, Network, disconnected};
use crate::codec::{Connect, Disconnect, Packet, Protocol, QoS, ReasonCode, Will};
use crate::link::{CloseReason, ToShard};
use crate::shard::core::{CoreSettings, Input, LinkId};

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
    let mut connect = Connect {
        will: Some(will),
        ..Connect::new(protocol, client_id)
    };
    connect.properties.request_problem_information = false;
    connect
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
            let stream = client.stream;
            network.frame(client, ToShard::Cancel { stream });
            network.run();
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

/// Whoever proved a name keeps its id from everybody else, also while it waits to be let in.
#[test]
fn an_id_is_of_its_first_principal() {
    for (holder, newcomer, lets_in) in [
        (Some("gw-1"), Some("gw-1"), true),
        (Some("gw-1"), Some("gw"), false),
        (Some("gw-1"), None, false),
        (None, Some("gw-1"), true),
        (None, None, true),
    ] {
        for waits in [false, true] {
            let mut network = Network::new(&CoreSettings {
                settle_limit: waits.then_some(1),
                ..CoreSettings::default()
            });
            let first = network.client(V311, "first");
            let held = network.connect_as(LinkId(1), holder, Connect::new(V5, "c"));
            let case = format!("{newcomer:?} after {holder:?}, waits: {waits}");
            let mut knock =
                |protocol| network.connect_as(LinkId(2), newcomer, Connect::new(protocol, "c"));
            let newcomers = [knock(V311), knock(V5)];
            network.detach(first);
            let mut inbox = |client| std::mem::take(network.inbox(client));
            let [v311, v5] = newcomers.map(&mut inbox);
            let held = inbox(held);
            if lets_in {
                assert!(v5.connack.is_some(), "{case}");
                assert!(held.closed.is_some() || held.refused.is_some(), "{case}");
            } else {
                let told = [v311, v5].map(|inbox| inbox.refused.map(|connack| connack[3]));
                assert_eq!(told, [Some(0x02), Some(0x85)], "{case}");
                assert!(held.connack.is_some() && held.closed.is_none(), "{case}");
            }
        }
    }
}
