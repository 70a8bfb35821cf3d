//! What one member does not take, and who gets it then.

use super::members;
use crate::codec::{Ack, Connect, Packet, Protocol, QoS, ReasonCode};
use crate::shard::core::tests::network::{Client, Network, id};
use crate::shard::core::{CoreSettings, WorkerCore};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, ExactlyOnce as TWO};

fn tight(workers: u16) -> Network {
    let mut settings = CoreSettings {
        workers,
        ..CoreSettings::default()
    };
    settings.session.max_inflight = 1;
    settings.session.max_queued_messages = 1;
    Network::new(&settings)
}

/// Whoever does not acknowledge gets two, one of which waits; the others get the rest.
#[test]
fn full_members_are_passed_over_while_others_have_room() {
    for workers in [1, 2, 5] {
        let mut network = tight(workers);
        let publisher = network.client(V311, "p");
        let clients = members(&mut network, 4, &["$share/g/t"]);
        let (reader, stuck) = clients.split_first().unwrap();
        let mut read = 0;
        for _ in 0..40 {
            network.publish(publisher, "t", "x", ONE);
            read += network.messages(*reader).len();
        }
        for client in stuck {
            let under_way = network.packets(*client).len();
            assert_eq!(under_way, 1, "{workers} workers");
        }
        let stats: Vec<_> = network.workers.iter().map(WorkerCore::stats).collect();
        let dropped: u64 = stats
            .iter()
            .map(|stats| stats.dropped.queue_full_qos1)
            .sum();
        let waiting: u64 = stats.iter().map(|stats| stats.queued).sum();
        assert_eq!((read, dropped, waiting), (40 - 3 * 2, 0, 3));
        // with nobody else the queues' policy decides
        network.detach(*reader);
        network.publish(publisher, "t", "y", ONE);
        let dropped = |network: &Network| -> u64 {
            let stats = network.workers.iter().map(|worker| worker.stats().dropped);
            stats.map(|drops| drops.queue_full_qos1).sum()
        };
        assert_eq!(dropped(&network), 1);
    }
}

#[test]
fn what_waits_for_a_member_that_ends_goes_to_others() {
    for workers in [1, 2, 5] {
        let mut network = tight(workers);
        let publisher = network.client(V311, "p");
        let clients = members(&mut network, 2, &["$share/g/t"]);
        for number in 0..4 {
            network.publish(publisher, "t", &number.to_string(), ONE);
        }
        let (gone, other) = (clients[0], clients[1]);
        let mut got = Vec::new();
        let mut read = |network: &mut Network| {
            while !network.inbox(other).packets.is_empty() {
                got.extend(network.messages(other));
            }
            got.len()
        };
        assert_eq!(read(&mut network), 2, "{workers} workers");
        network.detach(gone);
        // one waited, and one was under way
        assert_eq!(read(&mut network), 4, "{workers} workers");
        let stats: Vec<_> = network.workers.iter().map(WorkerCore::stats).collect();
        assert_eq!(stats.iter().map(|stats| stats.queued).sum::<u64>(), 0);
    }
}

/// A member whose session is kept.
fn kept(network: &mut Network, client_id: &str) -> Client {
    let mut connect = Connect {
        clean_start: false,
        ..Connect::new(V5, client_id)
    };
    connect.properties.session_expiry = 60;
    let client = network.connect(connect);
    assert!(network.inbox(client).connack.is_some(), "{client_id}");
    client
}

/// Sends one message to a group of two and ends the session of whoever got it. Returns what the other gets.
fn after_the_end(workers: u16, qos: QoS, answer: Option<Packet>) -> usize {
    let mut network = Network::with_workers(workers);
    let publisher = network.client(V5, "p");
    let clients = ["a", "b"].map(|name| network.client(V5, name));
    for client in clients {
        network.subscribe(client, "$share/g/t", qos);
    }
    network.publish(publisher, "t", "x", qos);
    let has = |network: &mut Network, client| !network.packets(client).is_empty();
    let (gone, other) = if has(&mut network, clients[0]) {
        (clients[0], clients[1])
    } else {
        (clients[1], clients[0])
    };
    if let Some(answer) = answer {
        network.send(gone, &answer);
    }
    assert!(network.packets(other).is_empty());
    network.detach(gone);
    network.packets(other).len()
}

#[test]
fn under_way_qos_1_goes_to_another_member_and_qos_2_does_not() {
    for workers in [1, 2, 5] {
        assert_eq!(after_the_end(workers, ONE, None), 1);
        assert_eq!(after_the_end(workers, TWO, None), 0);
        // the client has it, or refused it [MQTT-4.8.2-6]
        for code in [ReasonCode::SUCCESS, ReasonCode::UNSPECIFIED_ERROR] {
            let ack = Ack::new(id(1), code);
            assert_eq!(after_the_end(workers, ONE, Some(Packet::PubAck(ack))), 0);
        }
    }
}

#[test]
fn members_that_are_away_are_passed_over_until_nobody_else_is_there() {
    for workers in [1, 2, 5] {
        let mut network = Network::with_workers(workers);
        let publisher = network.client(V5, "p");
        let away = ["a", "b"].map(|name| kept(&mut network, name));
        let here = network.client(V5, "here");
        for client in [away[0], away[1], here] {
            network.subscribe(client, "$share/g/t", ONE);
        }
        for client in away {
            network.detach(client);
        }
        for _ in 0..6 {
            network.publish(publisher, "t", "x", ONE);
        }
        assert_eq!(network.messages(here).len(), 6, "{workers} workers");
        network.detach(here);
        for _ in 0..6 {
            network.publish(publisher, "t", "y", ONE);
        }
        let mut back = ["a", "b"].map(|name| kept(&mut network, name));
        let waited = back
            .each_mut()
            .map(|client| network.messages(*client).len());
        assert_eq!(waited, [3, 3], "{workers} workers");
        // they have clients again, and take turns
        for _ in 0..6 {
            network.publish(publisher, "t", "z", ONE);
        }
        let got = back.map(|client| network.messages(client).len());
        assert_eq!(got, [3, 3], "{workers} workers");
    }
}
