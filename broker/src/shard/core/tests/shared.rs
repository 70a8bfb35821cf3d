//! Shared subscriptions: each message for one member of each group.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::network::{Client, Network, id, publish, subscribe};
use crate::codec::{
    Ack, Connect, Packet, Protocol, Publish, QoS, ReasonCode, Subscribe, Subscription,
};
use crate::shard::core::{CoreSettings, WorkerCore};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO, ExactlyOnce as TWO};

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

#[derive(Clone, Debug)]
enum Step {
    Join(usize, &'static str),
    Part(usize, &'static str),
    Leave(usize),
    Publish(&'static str),
    /// Messages between workers, by what `sample::Index` picks.
    Move(prop::sample::Index),
}

const GROUPS: [&str; 3] = ["$share/g/a/#", "$share/g/a/+", "$share/h/a/b"];
const TOPICS: [&str; 3] = ["a/b", "a/c", "a"];
const CLIENTS: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    let group = prop::sample::select(&GROUPS[..]);
    prop_oneof![
        2 => (client.clone(), group.clone()).prop_map(|(c, g)| Step::Join(c, g)),
        2 => (client.clone(), group).prop_map(|(c, g)| Step::Part(c, g)),
        1 => client.prop_map(Step::Leave),
        4 => prop::sample::select(&TOPICS[..]).prop_map(Step::Publish),
        8 => any::<prop::sample::Index>().prop_map(Step::Move),
    ]
}

fn unsubscribe(filter: &str) -> Packet {
    Packet::Unsubscribe(crate::codec::Unsubscribe {
        packet_id: id(2),
        filters: vec![filter.into()],
        user: Vec::new(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever comes and goes, and whatever the order of the workers' messages: with a member that stays, exactly one
    /// copy for each group, and the publisher is answered.
    #[test]
    fn exactly_one_member_gets_each_message(
        steps in prop::collection::vec(step(), 1..80),
        workers in 1..5_u16,
    ) {
        let mut network = Network::with_workers(workers);
        let publisher = network.client(V5, "p");
        let steady = network.client(V5, "steady");
        for group in GROUPS {
            network.subscribe(steady, group, ZERO);
        }
        let mut clients: Vec<_> =
            (0..CLIENTS).map(|number| network.client(V5, &format!("c{number}"))).collect();
        let mut everybody = clients.clone();
        everybody.push(steady);
        let mut expected = std::collections::BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Join(client, group) => {
                    network.send_only(clients[client], &subscribe(vec![Subscription::new(group, ZERO)]));
                }
                Step::Part(client, group) => network.send_only(clients[client], &unsubscribe(group)),
                Step::Leave(client) => {
                    let gone = clients[client];
                    let frame = crate::link::ToShard::Detach {
                        stream: gone.stream,
                        reason: crate::link::DetachReason::PeerGone,
                    };
                    network.frame(gone, frame);
                    clients[client] = network.client(V5, &format!("c{client}"));
                    everybody.push(clients[client]);
                }
                Step::Publish(topic) => {
                    let copies = match topic { "a/b" => 3, "a/c" => 2, _ => 1 };
                    expected.insert(format!("{topic}={number}"), copies);
                    network.send_only(publisher, &publish(topic, &number.to_string(), ONE));
                }
                Step::Move(index) => {
                    let busy = network.busy();
                    if !busy.is_empty() {
                        network.step(*index.get(&busy));
                    }
                }
            }
        }
        network.run();
        let mut got = std::collections::BTreeMap::new();
        for client in everybody {
            for packet in network.packets(client) {
                if let Packet::Publish(copy) = packet {
                    *got.entry(super::network::show(&copy)).or_default() += 1;
                }
            }
        }
        prop_assert_eq!(&got, &expected);
        let answers = network.packets(publisher);
        prop_assert_eq!(answers.len(), expected.len());
        for answer in answers {
            let Packet::PubAck(ack) = answer else { panic!("{answer:?}") };
            prop_assert_eq!(ack.code, ReasonCode::SUCCESS);
        }
        for client in clients {
            network.detach(client);
        }
        network.detach(steady);
        prop_assert!(forgotten(&network));
    }
}
