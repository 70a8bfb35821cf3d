//! `$SYS`: the server's own topics.

use super::network::{Network, publish};
use crate::codec::{self, Ack, Connect, Packet, Protocol, Publish, QoS, ReasonCode, Will};
use crate::routing::{Message, TopicName};
use crate::shard::core::{Input, WorkerCore};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn tell(network: &mut Network, topic: &str, value: &str) {
    let topic = TopicName::new(topic.into()).unwrap();
    let message = Message::new(topic, value.as_bytes(), "".into()).with(ZERO, true);
    network.input(0, Input::System(Box::new(message)));
    network.run();
}

#[test]
fn what_the_server_tells_reaches_those_who_ask_for_it_now_and_later() {
    for workers in [1, 3] {
        let mut network = Network::with_workers(workers);
        let all = network.client(V311, "all");
        for filter in ["#", "+/broker/uptime", "+/#"] {
            network.subscribe(all, filter, ZERO);
        }
        let watcher = network.client(V5, "watcher");
        network.subscribe(watcher, "$SYS/#", ZERO);
        tell(&mut network, "$SYS/broker/uptime", "1 seconds");
        let late = network.client(V5, "late");
        network.subscribe(late, "$SYS/broker/+", ONE);
        assert_eq!(network.messages(watcher), ["$SYS/broker/uptime=1 seconds"]);
        assert_eq!(network.messages(late), ["$SYS/broker/uptime=1 seconds!"]);
        assert!(network.messages(all).is_empty());
    }
}

#[test]
fn clients_do_not_publish_there() {
    for workers in [1, 3] {
        let mut network = Network::with_workers(workers);
        let watcher = network.client(V311, "watcher");
        network.subscribe(watcher, "$SYS/#", ZERO);
        for (protocol, code) in [
            (V311, ReasonCode::SUCCESS),
            (V5, ReasonCode::NOT_AUTHORIZED),
        ] {
            let client = network.client(protocol, "c");
            network.publish(client, "$SYS/broker/uptime", "zero", ZERO);
            assert!(network.packets(client).is_empty());
            let retained = Publish {
                retain: true,
                ..match publish("$SYS", "one", ONE) {
                    Packet::Publish(publish) => publish,
                    other => panic!("{other:?}"),
                }
            };
            network.send(client, &Packet::Publish(retained));
            let answer = network.packets(client);
            let [Packet::PubAck(Ack { code: found, .. })] = answer[..] else {
                panic!("{answer:?}")
            };
            assert_eq!(found, code);
            // the connection stays, and others of that kind are topics like any
            network.subscribe(client, "$SYSTEM/x", ZERO);
            network.publish(client, "$SYSTEM/x", "y", ZERO);
            assert_eq!(network.messages(client), ["$SYSTEM/x=y"]);
        }
        assert!(network.messages(watcher).is_empty());
        let stats: Vec<_> = network.workers.iter().map(WorkerCore::stats).collect();
        assert_eq!(
            stats
                .iter()
                .map(|stats| stats.dropped.forbidden)
                .sum::<u64>(),
            4
        );
        assert_eq!(stats.iter().map(|stats| stats.retained).sum::<u64>(), 0);
    }
}

#[test]
fn nor_do_their_wills() {
    for (protocol, code) in [(V311, 0x05), (V5, 0x87)] {
        let mut network = Network::with_workers(1);
        let will = Will {
            qos: ZERO,
            retain: false,
            topic: "$SYS/broker/uptime".into(),
            payload: bytes::Bytes::new(),
            delay: 0,
            properties: None,
        };
        let client = network.connect(Connect {
            will: Some(will),
            ..Connect::new(protocol, "c")
        });
        let told = network.inbox(client).refused.take().expect("a refusal");
        assert_eq!(told[3], code, "{protocol:?}");
    }
}

#[test]
fn bytes_are_counted_both_ways_once() {
    let mut network = Network::with_workers(1);
    let of = |network: &Network| {
        let stats = network.workers[0].stats();
        (stats.bytes_in_total, stats.bytes_out_total)
    };
    let connect = Connect::new(V311, "c");
    let size = |packet: &Packet| codec::encode(V311, packet).unwrap().len() as u64;
    let connected = size(&Packet::Connect(Box::new(connect.clone())));
    let client = network.connect(connect);
    // a CONNACK of 3.1.1 has four bytes
    assert_eq!(of(&network), (connected, 4));
    network.subscribe(client, "t", ZERO);
    let (received, sent) = of(&network);
    assert_eq!((received - connected, sent), (2 + 2 + 3 + 1, 4 + 5));
    network.publish(client, "t", "hello", ZERO);
    let message = size(&publish("t", "hello", ZERO));
    assert_eq!(of(&network), (received + message, sent + message));
}
