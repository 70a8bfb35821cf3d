//! Retained messages.

use std::collections::HashSet;

use super::network::{Network, id, publish, subscribe};
use crate::codec::{Ack, Packet, Protocol, Publish, QoS, ReasonCode, RetainHandling, Subscription};
use crate::link::ToShard;
use crate::shard::core::{CoreSettings, Layout, partition_of};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn everywhere(test: impl Fn(Network)) {
    for workers in [1, 2, 5] {
        test(Network::with_workers(workers));
    }
}

fn sorted(mut messages: Vec<String>) -> Vec<String> {
    messages.sort();
    messages
}

#[test]
fn a_new_subscriber_gets_what_is_kept() {
    everywhere(|mut network| {
        let publisher = network.client(V311, "p");
        for topic in ["a/1", "a/2", "b/1"] {
            network.retain(publisher, topic, "old");
            network.retain(publisher, topic, "new");
        }
        network.retain(publisher, "a/2", "");
        network.publish(publisher, "a/3", "not kept", ZERO);
        for (client_id, filter, expected) in [
            ("c1", "a/1", vec!["a/1=new!"]),
            ("c2", "+/1", vec!["a/1=new!", "b/1=new!"]),
            ("c3", "c/#", vec![]),
        ] {
            let client = network.client(V311, client_id);
            network.subscribe(client, filter, ZERO);
            assert_eq!(sorted(network.messages(client)), expected, "{filter}");
        }
        let retained: u64 = network
            .workers
            .iter()
            .map(|worker| worker.stats().retained)
            .sum();
        assert_eq!(retained, 2);
    });
}

/// However late the owner comes to look: it finds the wish for what is kept and the message in one batch.
#[test]
fn what_is_published_behind_the_suback_comes_behind_what_was_kept() {
    let mut network = Network::with_workers(2);
    let layout = Layout {
        shards: 1,
        workers: 2,
    };
    let owner = layout.worker_of(partition_of("t/1"));
    let elsewhere = (0..1_000)
        .map(|number| format!("c{number}"))
        .find(|client_id| layout.worker_of(partition_of(client_id)) != owner);
    let client = network.client(V5, &elsewhere.unwrap());
    network.retain(client, "t/1", "kept");
    network.send_only(client, &subscribe(vec![Subscription::new("t/1", ZERO)]));
    network.step((client.worker, owner));
    network.step((owner, client.worker));
    assert!(matches!(network.packets(client)[..], [Packet::SubAck(_)]));
    network.send_only(client, &publish("t/1", "new", ZERO));
    network.step_all((client.worker, owner));
    network.run();
    assert_eq!(network.messages(client), ["t/1=kept!", "t/1=new"]);
}

#[test]
fn the_flag_is_for_copies_at_subscribe_and_for_who_asks() {
    everywhere(|mut network| {
        let (publisher, plain, asks) = (
            network.client(V5, "p"),
            network.client(V5, "c"),
            network.client(V5, "a"),
        );
        network.subscribe(plain, "t", ONE);
        let wish = Subscription {
            retain_as_published: true,
            ..Subscription::new("t", ZERO)
        };
        network.send(asks, &subscribe(vec![wish]));
        network.packets(asks);
        network.retain(publisher, "t", "x");
        network.publish(publisher, "t", "y", ZERO);
        assert_eq!(network.messages(plain), ["t=x", "t=y"]);
        assert_eq!(network.messages(asks), ["t=x!", "t=y"]);
    });
}

#[test]
fn retain_handling() {
    everywhere(|mut network| {
        let (publisher, client) = (network.client(V5, "p"), network.client(V5, "c"));
        network.retain(publisher, "t", "x");
        for (handling, gets) in [
            (RetainHandling::Never, false),
            // it is subscribed already
            (RetainHandling::AtNewSubscribe, false),
            (RetainHandling::AtSubscribe, true),
        ] {
            let wish = Subscription {
                retain_handling: handling,
                ..Subscription::new("t", ZERO)
            };
            network.send(client, &subscribe(vec![wish]));
            let messages = network
                .packets(client)
                .into_iter()
                .filter(|packet| matches!(packet, Packet::Publish(_)));
            assert_eq!(messages.count() == 1, gets, "{handling:?}");
        }
        network.unsubscribe(client, "t");
        let wish = Subscription {
            retain_handling: RetainHandling::AtNewSubscribe,
            ..Subscription::new("t", ZERO)
        };
        network.send(client, &subscribe(vec![wish]));
        assert_eq!(network.packets(client).len(), 2);
    });
}

#[test]
fn the_suback_comes_first() {
    everywhere(|mut network| {
        let client = network.client(V311, "c");
        network.retain(client, "t", "x");
        network.send(client, &subscribe(vec![Subscription::new("t", ONE)]));
        let packets = network.packets(client);
        assert!(
            matches!(packets[..], [Packet::SubAck(_), Packet::Publish(_)]),
            "{packets:?}"
        );
    });
}

/// Topics `t/0` to `t/<count - 1>`, all retained.
fn with_retained(network: &mut Network, count: usize) {
    let publisher = network.client(V311, "publisher");
    for number in 0..count {
        network.retain(publisher, &format!("t/{number}"), &"x".repeat(100));
    }
}

/// One client asks for everything again and again, without reading. What waits for it stays a page or two, what a turn
/// looks at stays bounded, and when it reads at last it gets all, for each SUBSCRIBE that has begun.
#[test]
fn who_asks_for_all_again_and_again_costs_others_nothing() {
    for workers in [1, 3] {
        let mut network = Network::with_workers(workers);
        with_retained(&mut network, 3_000);
        let (greedy, probe) = (network.client(V311, "greedy"), network.client(V311, "p"));
        network.reads = false;
        for _ in 0..200 {
            network.send(greedy, &subscribe(vec![Subscription::new("#", ONE)]));
        }
        let worker = usize::from(greedy.worker);
        let waiting = network.workers[worker].stats().queued;
        assert!(waiting < 1_000, "{waiting} copies wait");
        let replays: u32 = network.workers.iter().map(|it| it.stats().replays).sum();
        assert!(replays <= 1, "{replays} replays for one client");
        network.reads = true;
        network.publish(probe, "other", "x", ZERO);
        network.subscribe(probe, "t/7", ZERO);
        assert_eq!(network.messages(probe).len(), 1);
        let got = network.inbox(greedy).bytes;
        let frame = ToShard::Window {
            stream: greedy.stream,
            bytes: u32::try_from(got).unwrap(),
        };
        network.frame(greedy, frame);
        network.run();
        let subacks = |packets: &[Packet]| {
            let is_suback = |packet: &&Packet| matches!(packet, Packet::SubAck(_));
            packets.iter().filter(is_suback).count()
        };
        let packets = network.packets(greedy);
        assert_eq!(subacks(&packets), 200);
        // What had begun at one owner is told again, what waited is told once. And there is the probe's message.
        let told = packets.len() - 200;
        assert!((3_000 + 2..=2 * 3_000 + 1).contains(&told), "{told}");
        let topics: HashSet<_> = packets
            .iter()
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => Some(&publish.topic),
                _ => None,
            })
            .collect();
        assert_eq!(topics.len(), 3_000 + 1);
    }
}

#[test]
fn a_replay_ends_with_its_session_and_its_subscription() {
    for workers in [1, 3] {
        let mut network = Network::with_workers(workers);
        with_retained(&mut network, 3_000);
        network.reads = false;
        let (leaves, unsubscribes) = (network.client(V311, "l"), network.client(V311, "u"));
        for client in [leaves, unsubscribes] {
            network.send(client, &subscribe(vec![Subscription::new("t/#", ZERO)]));
        }
        let replays = |network: &Network| -> u32 {
            network.workers.iter().map(|it| it.stats().replays).sum()
        };
        assert_eq!(replays(&network), 2);
        network.detach(leaves);
        assert_eq!(replays(&network), 1);
        network.reads = true;
        network.unsubscribe(unsubscribes, "t/#");
        let bytes = u32::try_from(network.inbox(unsubscribes).bytes).unwrap();
        let stream = unsubscribes.stream;
        network.frame(unsubscribes, ToShard::Window { stream, bytes });
        network.run();
        assert_eq!(replays(&network), 0);
        assert!(network.packets(unsubscribes).len() < 3_000);
        for worker in &network.workers {
            assert_eq!(worker.replaying.len(), 0);
        }
    }
}

#[test]
fn many_retained_messages_come_whatever_the_queue_holds() {
    for workers in [1, 3] {
        let mut settings = CoreSettings {
            workers,
            ..CoreSettings::default()
        };
        settings.session.max_queued_messages = 10;
        let mut network = Network::new(&settings);
        let publisher = network.client(V311, "p");
        for number in 0..1_000 {
            let publish = Publish {
                retain: true,
                qos: ONE,
                packet_id: Some(id(1)),
                ..Publish::new(format!("t/{number}"), "x")
            };
            network.send(publisher, &Packet::Publish(publish));
        }
        let client = network.client(V311, "c");
        network.subscribe(client, "t/#", ONE);
        let mut count = 0;
        loop {
            let messages = network.messages(client).len();
            if messages == 0 {
                break;
            }
            count += messages;
        }
        assert_eq!(count, 1_000);
    }
}

/// A subscriber never sees an older value of a topic after a newer one, whatever the order of the workers' messages.
#[test]
fn an_old_copy_never_overtakes_a_newer_message() {
    for seed in 0..200_u64 {
        let mut random = seed;
        let mut next = |bound: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % bound
        };
        let mut network = Network::with_workers(4);
        let publisher = network.client(V311, "p");
        let clients: Vec<_> = (0..6)
            .map(|number| network.client(V311, &format!("c{number}")))
            .collect();
        for value in 0..12 {
            let retained = Publish {
                retain: true,
                ..Publish::new("a/b", format!("{value:02}"))
            };
            network.send_only(publisher, &Packet::Publish(retained));
            if let Some(client) = clients.get(value / 2) {
                let filter = ["a/b", "a/+", "#"][next(3)];
                network.send_only(*client, &subscribe(vec![Subscription::new(filter, ZERO)]));
            }
            for _ in 0..next(6) {
                let busy = network.busy();
                if !busy.is_empty() {
                    network.step(busy[next(busy.len())]);
                }
            }
        }
        while !network.busy().is_empty() {
            let busy = network.busy();
            network.step(busy[next(busy.len())]);
        }
        for client in clients {
            let values: Vec<String> = network
                .packets(client)
                .into_iter()
                .filter_map(|packet| {
                    if let Packet::Publish(publish) = packet {
                        Some(publish)
                    } else {
                        None
                    }
                })
                .map(|publish| String::from_utf8_lossy(&publish.payload).into_owned())
                .collect();
            assert!(values.is_sorted(), "seed {seed}: {values:?}");
            assert_eq!(
                values.last().map(String::as_str),
                Some("11"),
                "seed {seed}: {values:?}"
            );
        }
    }
}

#[test]
fn beyond_the_bound_messages_are_delivered_and_counted_but_not_kept() {
    let mut network = Network::new(&CoreSettings {
        max_retained_messages: 1,
        ..CoreSettings::default()
    });
    let client = network.client(V311, "c");
    network.subscribe(client, "#", ZERO);
    network.retain(client, "a", "x");
    network.retain(client, "b", "x");
    assert_eq!(network.messages(client), ["a=x", "b=x"]);
    let stats = network.workers[0].stats();
    assert_eq!((stats.retained, stats.dropped.retained_full), (1, 1));
    network.send(client, &publish("a", "", ZERO));
}

/// Whoever can be told is told that the message is not kept, whichever worker owns the topic.
#[test]
fn the_puback_tells_that_a_message_is_not_kept() {
    for workers in [1, 4] {
        let mut network = Network::new(&CoreSettings {
            workers,
            max_retained_bytes: 0,
            ..CoreSettings::default()
        });
        let watcher = network.client(V311, "watcher");
        for number in 0..8 {
            let topic = format!("t/{number}");
            if number % 2 == 0 {
                network.subscribe(watcher, &topic, ZERO);
            }
            for (protocol, code) in [
                (V5, ReasonCode::QUOTA_EXCEEDED),
                (V311, ReasonCode::SUCCESS),
            ] {
                let client = network.client(protocol, "p");
                let retained = Publish {
                    retain: true,
                    qos: ONE,
                    packet_id: Some(id(1)),
                    ..Publish::new(topic.clone(), "x")
                };
                network.send(client, &Packet::Publish(retained));
                let ack = Packet::PubAck(Ack::new(id(1), code));
                assert_eq!(network.packets(client), [ack], "{topic}");
            }
        }
        assert_eq!(network.messages(watcher).len(), 8);
    }
}
