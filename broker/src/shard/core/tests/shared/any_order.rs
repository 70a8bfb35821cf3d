//! Whoever comes and goes, and in whatever order: one copy for each group.

use proptest::prelude::*;

use super::forgotten;
use crate::codec::{Packet, Protocol, QoS, ReasonCode, Subscription};
use crate::shard::core::tests::network::{Network, id, publish, show, subscribe};

use Protocol::V5;
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

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
                    *got.entry(show(&copy)).or_default() += 1;
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
