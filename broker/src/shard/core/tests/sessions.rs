//! Sessions that outlive their connection.

mod another_connection;
mod bounds;
mod resumed;

use std::time::Duration;

use super::network::{Client, Network, id};
use crate::codec::{Ack, ConnAck, Connect, ConnectProperties, Packet, Protocol, QoS, ReasonCode};
use crate::link::{CloseReason, ToShard};
use crate::shard::core::{Input, LinkId, WorkerCore, WorkerStats};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO, ExactlyOnce as TWO};

fn ack(number: u16) -> Ack {
    Ack::new(id(number), ReasonCode::SUCCESS)
}

/// A CONNECT that wants its session kept for an hour, and the one that it left.
pub(super) fn kept(protocol: Protocol, client_id: &str) -> Connect {
    Connect {
        clean_start: false,
        properties: ConnectProperties {
            session_expiry: if protocol == V5 { 3_600 } else { 0 },
            request_problem_information: false,
            ..ConnectProperties::default()
        },
        ..Connect::new(protocol, client_id)
    }
}

fn connack(network: &mut Network, client: Client) -> ConnAck {
    match network.inbox(client).connack.clone() {
        Some(Packet::ConnAck(ack)) => *ack,
        other => panic!("{other:?}"),
    }
}

/// Connects and says whether there was a session.
fn come(network: &mut Network, connect: Connect) -> (Client, bool) {
    let client = network.connect(connect);
    let present = connack(network, client).session_present;
    (client, present)
}

fn after(network: &mut Network, seconds: u64) {
    network.tick(Duration::from_secs(seconds));
}

#[test]
fn a_session_goes_on_without_its_client() {
    for workers in [1, 3] {
        for protocol in [V311, V5] {
            let mut network = Network::with_workers(workers);
            let publisher = network.client(V311, "p");
            let (client, present) = come(&mut network, kept(protocol, "c"));
            assert!(!present);
            for (filter, qos) in [("0", ZERO), ("1", ONE), ("2", TWO)] {
                network.subscribe(client, filter, qos);
            }
            network.detach(client);
            for topic in ["0", "1", "2"] {
                network.publish(publisher, topic, "x", TWO);
            }
            let stats: Vec<_> = network.workers.iter().map(WorkerCore::stats).collect();
            let sum = |of: fn(&WorkerStats) -> u64| -> u64 { stats.iter().map(of).sum() };
            assert_eq!(sum(|it| it.kept), 1);
            assert_eq!(sum(|it| it.connected.into()), 1);
            assert_eq!((sum(|it| it.queued), sum(|it| it.queued_bytes)), (2, 4));
            // QoS 0 promises nothing to who is away
            assert_eq!(sum(|it| it.dropped.offline), 1);

            let (client, present) = come(&mut network, kept(protocol, "c"));
            assert!(present);
            let mut messages = network.messages(client);
            messages.sort();
            assert_eq!(messages, ["1=x q1", "2=x q2"]);
            network.publish(publisher, "0", "live", ZERO);
            assert_eq!(network.messages(client), ["0=live"]);
            let stats = network.workers[usize::from(client.worker)].stats();
            let levels = (stats.kept, stats.queued, stats.queued_bytes);
            assert_eq!((levels, stats.resumed_total), ((0, 0, 0), 1));
        }
    }
}

#[test]
fn a_clean_start_leaves_nothing_of_it() {
    for protocol in [V311, V5] {
        let mut network = Network::with_workers(2);
        let publisher = network.client(V311, "p");
        let client = network.connect(kept(protocol, "c"));
        network.subscribe(client, "t", TWO);
        network.detach(client);
        network.publish(publisher, "t", "x", TWO);
        let (client, present) = come(&mut network, Connect::new(protocol, "c"));
        assert!(!present);
        network.publish(publisher, "t", "y", TWO);
        assert!(network.packets(client).is_empty());
        network.detach(client);
        let left = |it: &WorkerCore| {
            let stats = it.stats();
            (stats.kept, stats.queued, stats.queued_bytes)
        };
        assert!(network.workers.iter().all(|it| left(it) == (0, 0, 0)));
        // a clean session is not kept
        let (_, present) = come(&mut network, kept(protocol, "c"));
        assert!(!present);
    }
}

/// Whoever proved a name finds nothing that somebody else has prepared.
#[test]
fn a_session_is_its_principals() {
    for (holder, newcomer, goes_on) in [
        (None, None, true),
        (Some("gw"), Some("gw"), true),
        (None, Some("gw"), false),
    ] {
        let mut network = Network::with_workers(1);
        let client = network.connect_as(LinkId(1), holder, kept(V5, "c"));
        network.subscribe(client, "t", ONE);
        network.detach(client);
        let client = network.connect_as(LinkId(1), newcomer, kept(V5, "c"));
        let present = connack(&mut network, client).session_present;
        assert_eq!(present, goes_on, "{newcomer:?} after {holder:?}");
    }
    let mut network = Network::with_workers(1);
    let client = network.connect_as(LinkId(1), Some("gw"), kept(V5, "c"));
    network.detach(client);
    let stranger = network.connect_as(LinkId(1), None, kept(V5, "c"));
    assert_eq!(network.inbox(stranger).refused.as_ref().unwrap()[3], 0x85);
}

#[test]
fn a_lost_link_and_a_shutdown_keep_sessions() {
    let mut network = Network::with_workers(1);
    let clean = network.connect_over(LinkId(7), Connect::new(V5, "clean"));
    network.connect_over(LinkId(7), kept(V5, "kept"));
    network.input(0, Input::LinkLost(LinkId(7)));
    let stats = network.workers[0].stats();
    assert_eq!((stats.connected, stats.kept), (0, 1));
    assert_eq!(network.inbox(clean).closed, None);
    let again = network.connect(kept(V5, "kept"));
    assert!(connack(&mut network, again).session_present);
    // one close for one client that is asked for, whoever is away
    let away = network.connect(kept(V5, "away"));
    network.detach(away);
    network.input(0, Input::Shutdown { clients: 1 });
    assert_eq!(network.inbox(again).closed, Some(CloseReason::ShuttingDown));
    let stats = network.workers[0].stats();
    assert_eq!((stats.connected, stats.kept), (0, 2));
}

#[test]
fn a_client_that_leaves_before_its_connack_leaves_its_session() {
    let mut network = Network::with_workers(1);
    let client = network.connect(kept(V5, "c"));
    let stream = client.stream;
    network.frame(client, ToShard::Cancel { stream });
    assert_eq!(network.workers[0].stats().kept, 1);
}
