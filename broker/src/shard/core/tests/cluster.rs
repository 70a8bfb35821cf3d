//! Several workers: where things live.

use super::network::{Network, publish, subscribe};
use crate::codec::{Packet, Protocol, QoS, Subscription};
use crate::shard::core::{CoreSettings, Layout, partition_of};

use Protocol::V311;
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

/// No SUBACK before every owner knows the route: a message published after it is always delivered.
#[test]
fn a_suback_waits_for_every_owner() {
    for filter in ["t/1", "t/+", "#"] {
        let mut network = Network::with_workers(4);
        let (client, publisher) = (network.client(V311, "c"), network.client(V311, "p"));
        network.send_only(client, &subscribe(vec![Subscription::new(filter, ZERO)]));
        loop {
            let acked = network
                .inbox(client)
                .packets
                .iter()
                .any(|packet| matches!(packet, Packet::SubAck(_)));
            if acked {
                break;
            }
            let pair = *network.busy().last().expect("a SUBACK in the end");
            network.step(pair);
        }
        network.packets(client);
        network.publish(publisher, "t/1", "x", ZERO);
        assert_eq!(network.messages(client), ["t/1=x"], "{filter}");
    }
}

#[test]
fn a_concrete_key_keeps_a_filter_at_one_owner() {
    let settings = CoreSettings {
        workers: 4,
        topic_key_level: Some(1),
        ..CoreSettings::default()
    };
    let mut network = Network::new(&settings);
    let client = network.client(V311, "4711");
    network.subscribe(client, "gw/4711/#", ONE);
    // client and topics meet in one partition: no other worker hears of them
    assert!(
        network
            .workers
            .iter()
            .all(|worker| worker.routes.levels() == 0)
    );
    network.send_only(client, &publish("gw/4711/up", "x", ONE));
    assert!(network.busy().is_empty());
    assert_eq!(network.packets(client).len(), 2);
}

#[test]
fn without_a_key_level_the_whole_topic_decides() {
    let mut network = Network::with_workers(4);
    let client = network.client(V311, "c");
    network.subscribe(client, "t/1", ZERO);
    let owner = layout(4).worker_of(partition_of("t/1"));
    for (index, worker) in network.workers.iter().enumerate() {
        let expected = usize::from(owner) == index && owner != client.worker;
        assert_eq!(worker.routes.levels() > 0, expected, "worker {index}");
    }
}

/// One message for each worker with subscribers, however many these are.
#[test]
fn a_worker_gets_one_copy() {
    let mut network = Network::with_workers(2);
    for number in 0..50 {
        let client = network.client(V311, &format!("c{number}"));
        for filter in ["t/1", "t/+", "#"] {
            network.subscribe(client, filter, ZERO);
        }
    }
    let owner = layout(2).worker_of(partition_of("t/1"));
    let ids = (0..1_000).map(|number| format!("p{number}"));
    let at_owner = ids
        .into_iter()
        .find(|client_id| layout(2).worker_of(partition_of(client_id)) == owner)
        .unwrap();
    let publisher = network.client(V311, &at_owner);
    network.send_only(publisher, &publish("t/1", "x", ZERO));
    assert_eq!(network.busy().len(), 1);
    network.step((owner, 1 - owner));
    assert!(network.busy().is_empty());
}

fn layout(workers: u16) -> Layout {
    Layout { shards: 1, workers }
}
