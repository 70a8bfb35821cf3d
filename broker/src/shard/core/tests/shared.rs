//! Shared subscriptions: each message for one member of each group.

mod any_order;
mod handed_on;

use std::num::NonZeroU32;

use super::network::{Client, Network, id, subscribe};
use crate::codec::{Ack, Packet, Protocol, Publish, QoS, ReasonCode, Subscribe, Subscription};
use crate::shard::core::WorkerCore;

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn everywhere(test: impl Fn(Network)) {
    for workers in [1, 2, 5] {
        test(Network::with_workers(workers));
    }
}

/// This many clients, each subscribed to all of `filters`.
fn members(network: &mut Network, count: usize, filters: &[&str]) -> Vec<Client> {
    let protocol = |number| if number % 2 == 0 { V5 } else { V311 };
    let clients: Vec<_> = (0..count)
        .map(|number| network.client(protocol(number), &format!("member-{number}")))
        .collect();
    for client in &clients {
        for filter in filters {
            network.subscribe(*client, filter, ONE);
        }
    }
    clients
}

fn forgotten(network: &Network) -> bool {
    network.workers.iter().all(|worker| {
        worker.group_routes.is_empty()
            && worker.group_members.len() == 0
            && worker.stats().shared_subscriptions == 0
    })
}

#[test]
fn members_take_turns() {
    everywhere(|mut network| {
        let publisher = network.client(V5, "p");
        for filter in ["$share/g/t/1", "$share/g/t/#", "$share/g/+/1"] {
            let clients = members(&mut network, 4, &[filter]);
            for number in 0..40 {
                network.publish(publisher, "t/1", &number.to_string(), ZERO);
            }
            let mut all = Vec::new();
            for client in clients {
                let messages = network.messages(client);
                assert_eq!(messages.len(), 10, "{filter}: {messages:?}");
                all.extend(messages);
                network.unsubscribe(client, filter);
            }
            all.sort();
            all.dedup();
            assert_eq!(all.len(), 40, "{filter}");
        }
        assert!(forgotten(&network));
    });
}

#[test]
fn each_group_and_each_own_subscription_gets_its_copy() {
    everywhere(|mut network| {
        let (publisher, own) = (network.client(V5, "p"), network.client(V5, "own"));
        network.subscribe(own, "t/#", ONE);
        let clients = members(
            &mut network,
            3,
            &["$share/g/t/1", "$share/h/t/1", "$share/g/t/+"],
        );
        network.publish(publisher, "t/1", "x", ONE);
        let mut copies = 0;
        for client in clients {
            copies += network.messages(client).len();
        }
        assert_eq!((copies, network.messages(own).len()), (3, 1));
        let ack = Ack::new(id(77), ReasonCode::SUCCESS);
        assert_eq!(network.packets(publisher), [Packet::PubAck(ack)]);
    });
}

#[test]
fn the_publisher_is_told_whether_a_group_has_members() {
    everywhere(|mut network| {
        let publisher = network.client(V5, "p");
        let mut clients = members(&mut network, 3, &["$share/g/t"]);
        for left in (0..=3).rev() {
            network.publish(publisher, "t", "x", ONE);
            let code = if left > 0 {
                ReasonCode::SUCCESS
            } else {
                ReasonCode::NO_MATCHING_SUBSCRIBERS
            };
            let ack = Packet::PubAck(Ack::new(id(77), code));
            assert_eq!(network.packets(publisher), [ack], "{left} members");
            let mut got = 0;
            for client in &clients {
                got += network.messages(*client).len();
            }
            assert_eq!(got, usize::from(left > 0));
            if let Some(client) = clients.pop() {
                network.detach(client);
            }
        }
        assert!(forgotten(&network));
    });
}

#[test]
fn a_copy_has_the_options_of_its_member_and_nothing_retained_comes() {
    everywhere(|mut network| {
        let client = network.client(V5, "c");
        network.retain(client, "t", "kept");
        let wish = Subscription {
            retain_as_published: true,
            ..Subscription::new("$share/g/t", ZERO)
        };
        let packet = Subscribe {
            packet_id: id(1),
            subscription_id: NonZeroU32::new(5),
            filters: vec![wish],
            user: Vec::new(),
        };
        network.send(client, &Packet::Subscribe(packet));
        assert_eq!(network.packets(client).len(), 1, "the SUBACK alone");
        let retained = Publish {
            retain: true,
            ..Publish::new("t", "x")
        };
        network.send(client, &Packet::Publish(retained.clone()));
        let copy = Publish {
            subscription_ids: vec![NonZeroU32::new(5).unwrap()],
            ..retained
        };
        assert_eq!(network.packets(client), [Packet::Publish(copy)]);
        // replaced: no identifier, another QoS
        network.subscribe(client, "$share/g/t", ONE);
        network.publish(client, "t", "y", ONE);
        let packets = network.packets(client);
        let copies = packets
            .iter()
            .filter(|packet| matches!(packet, Packet::Publish(copy) if copy.qos == ONE && copy.subscription_ids.is_empty()));
        assert_eq!(copies.count(), 1, "{packets:?}");
        let subscriptions = |network: &Network| -> u64 {
            let stats = network.workers.iter().map(WorkerCore::stats);
            stats.map(|stats| stats.subscriptions).sum()
        };
        assert_eq!(subscriptions(&network), 1);
        network.unsubscribe(client, "$share/g/t");
        assert_eq!(subscriptions(&network), 0);
        assert!(forgotten(&network));
    });
}

#[test]
fn a_suback_waits_for_every_owner() {
    for filter in ["$share/g/t/1", "$share/g/t/+"] {
        let mut network = Network::with_workers(4);
        let (client, publisher) = (network.client(V311, "c"), network.client(V311, "p"));
        network.send_only(client, &subscribe(vec![Subscription::new(filter, ZERO)]));
        while network.inbox(client).packets.is_empty() {
            let pair = *network.busy().last().expect("a SUBACK in the end");
            network.step(pair);
        }
        network.packets(client);
        network.publish(publisher, "t/1", "x", ZERO);
        assert_eq!(network.messages(client), ["t/1=x"], "{filter}");
    }
}
