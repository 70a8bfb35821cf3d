//! Random clients against a model that knows no workers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::network::{Client, Network, show};
use crate::codec::{Packet, Protocol, QoS};
use crate::routing::{TopicFilter, TopicName};
use crate::shard::core::CoreSettings;

#[derive(Clone, Debug)]
enum Step {
    Subscribe(usize, &'static str, bool),
    Unsubscribe(usize, &'static str),
    Publish(usize, &'static str, bool, bool),
    Clear(usize, &'static str),
    Reconnect(usize),
}

const TOPICS: [&str; 6] = ["a", "a/b", "a/b/c", "b/b", "/", "$sys/a"];
const FILTERS: [&str; 9] = ["a", "a/b", "a/#", "+/b", "#", "+", "a/+/c", "/", "$sys/#"];
const CLIENTS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let (client, topic, filter) = (
        0..CLIENTS,
        prop::sample::select(&TOPICS[..]),
        prop::sample::select(&FILTERS[..]),
    );
    prop_oneof![
        3 => (client.clone(), filter.clone(), any::<bool>()).prop_map(|(c, f, q)| Step::Subscribe(c, f, q)),
        1 => (client.clone(), filter).prop_map(|(c, f)| Step::Unsubscribe(c, f)),
        4 => (client.clone(), topic.clone(), any::<bool>(), any::<bool>()).prop_map(|(c, t, q, r)| Step::Publish(c, t, q, r)),
        1 => (client.clone(), topic).prop_map(|(c, t)| Step::Clear(c, t)),
        1 => client.prop_map(Step::Reconnect),
    ]
}

/// What the standard promises, without workers, windows or bytes.
#[derive(Default)]
struct Model {
    filters: Vec<BTreeMap<&'static str, bool>>,
    retained: BTreeMap<&'static str, (String, bool)>,
}

fn matches(filter: &str, topic: &str) -> bool {
    TopicFilter::new(filter.into())
        .unwrap()
        .matches(&TopicName::new(topic.into()).unwrap())
}

fn line(topic: &str, payload: &str, retain: bool, qos: bool) -> String {
    format!(
        "{topic}={payload}{}{}",
        if retain { "!" } else { "" },
        if qos { " q1" } else { "" }
    )
}

impl Model {
    /// What each client gets, in any order.
    fn apply(&mut self, step: &Step, payload: &str) -> Vec<Vec<String>> {
        let mut got = vec![Vec::new(); CLIENTS];
        match *step {
            Step::Subscribe(client, filter, qos) => {
                self.filters[client].insert(filter, qos);
                for (topic, (payload, published)) in &self.retained {
                    if matches(filter, topic) {
                        got[client].push(line(topic, payload, true, qos && *published));
                    }
                }
            }
            Step::Unsubscribe(client, filter) => {
                self.filters[client].remove(filter);
            }
            Step::Publish(_, topic, qos, retain) => {
                if retain {
                    self.retained.insert(topic, (payload.to_owned(), qos));
                }
                self.spread(topic, payload, qos, &mut got);
            }
            Step::Clear(_, topic) => {
                self.retained.remove(topic);
                self.spread(topic, "", false, &mut got);
            }
            Step::Reconnect(client) => self.filters[client].clear(),
        }
        got
    }

    fn spread(&self, topic: &str, payload: &str, qos: bool, got: &mut [Vec<String>]) {
        for (client, filters) in self.filters.iter().enumerate() {
            let granted: BTreeSet<bool> = filters
                .iter()
                .filter(|(filter, _)| matches(filter, topic))
                .map(|(_, qos)| *qos)
                .collect();
            if let Some(granted) = granted.last() {
                got[client].push(line(topic, payload, false, qos && *granted));
            }
        }
    }
}

fn play(network: &mut Network, clients: &mut [Client], step: &Step, payload: &str) {
    let qos = |qos| {
        if qos {
            QoS::AtLeastOnce
        } else {
            QoS::AtMostOnce
        }
    };
    match *step {
        Step::Subscribe(client, filter, wish) => {
            network.subscribe(clients[client], filter, qos(wish));
        }
        Step::Unsubscribe(client, filter) => network.unsubscribe(clients[client], filter),
        Step::Publish(client, topic, wish, retain) => {
            let Packet::Publish(publish) = super::network::publish(topic, payload, qos(wish))
            else {
                return;
            };
            network.send(
                clients[client],
                &Packet::Publish(crate::codec::Publish { retain, ..publish }),
            );
        }
        Step::Clear(client, topic) => network.retain(clients[client], topic, ""),
        Step::Reconnect(client) => {
            network.detach(clients[client]);
            clients[client] = network.client(clients[client].protocol, &format!("client-{client}"));
        }
    }
}

fn got(network: &mut Network, client: Client) -> Vec<String> {
    let mut lines = Vec::new();
    for packet in network.packets(client) {
        match packet {
            Packet::Publish(publish) => {
                lines.push(show(&publish));
                if let Some(packet_id) = publish.packet_id {
                    let ack = crate::codec::Ack::new(packet_id, crate::codec::ReasonCode::SUCCESS);
                    network.send(client, &Packet::PubAck(ack));
                }
            }
            Packet::PubAck(_) => {}
            other => panic!("{other:?}"),
        }
    }
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_client_gets_what_the_model_says(
        steps in prop::collection::vec(step(), 1..40),
        workers in 1..5_u16,
        key in prop::option::of(0..3_u8),
    ) {
        let mut network = Network::new(&CoreSettings { workers, topic_key_level: key, ..CoreSettings::default() });
        let protocol = |client| if client % 2 == 0 { Protocol::V311 } else { Protocol::V5 };
        let mut clients: Vec<_> =
            (0..CLIENTS).map(|client| network.client(protocol(client), &format!("client-{client}"))).collect();
        let mut model = Model { filters: vec![BTreeMap::new(); CLIENTS], ..Model::default() };
        for (number, step) in steps.iter().enumerate() {
            let payload = format!("m{number}");
            let expected = model.apply(step, &payload);
            play(&mut network, &mut clients, step, &payload);
            for (client, mut expected) in clients.iter().zip(expected) {
                expected.sort();
                prop_assert_eq!(got(&mut network, *client), expected, "step {} of {:?}", number, steps);
            }
        }
    }
}
